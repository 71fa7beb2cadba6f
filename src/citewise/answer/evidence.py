"""The verdict on every sentence of an answer: by the rules, and where they cannot tell by a model, if one is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from citewise.answer.check.coverage import Embed
from citewise.answer.cite import Cited
from citewise.answer.judge import Doubt, Judge, Judged
from citewise.answer.verify import WITHOUT_CITATION, Ruling, rule
from citewise.errors import ProviderError
from citewise.protocols import Source
from citewise.types import Citation, Evidence

_AT_THE_END = "cited only at the end of its paragraph"


def check_evidence(
    cited: Cited, sources: Sequence[Source], *, embed: Embed | None = None, judge: Judge | None = None
) -> tuple[tuple[Evidence, ...], Judged | None]:
    """Judge each sentence of an answer.

    Args:
        cited: The answer with its citations.
        sources: What it was written from; citations must stand in them word for word.
        embed: Lets sentences be compared by meaning too.
        judge: Asked once, about all sentences that the rules leave open.

    Returns:
        The evidence with its verdicts, and what the judge said; ``None`` where it was not asked.
    """
    citations = {citation.marker: citation for citation in cited.citations}
    rulings = [_ruled(one, citations, sources, embed) for one in cited.evidence]
    checked = [
        replace(one, verdict=ruling.verdict, reason=ruling.reason)
        for one, ruling in zip(cited.evidence, rulings, strict=True)
    ]
    for index, later in _cited_later(cited):
        if checked[index].reason == WITHOUT_CITATION:
            checked[index] = _by_paragraph(checked[index], later, citations, sources, embed)
    is_open = [index for index, ruling in enumerate(rulings) if ruling.is_open]
    if judge is None or not is_open:
        return tuple(checked), None
    judged = judge([_doubt(checked[index], citations) for index in is_open])
    for number, (verdict, reason) in judged.verdicts.items():
        checked[is_open[number]] = replace(checked[is_open[number]], verdict=verdict, reason=reason)
    return tuple(checked), judged


def _ruled(
    evidence: Evidence, citations: Mapping[int, Citation], sources: Sequence[Source], embed: Embed | None
) -> Ruling:
    own = [citations[marker] for marker in evidence.citations]
    if not all(_passage_of(citation, sources) for citation in own):
        return Ruling("unsupported", "the quoted words do not stand at their place in the document")
    return _rule(evidence.sentence, [citation.quote for citation in own], embed)


def _rule(sentence: str, quotes: Sequence[str], embed: Embed | None) -> Ruling:
    try:
        return rule(sentence, quotes, embed=embed)
    except ProviderError:  # the embedding model failed; words alone say less, but say it
        return rule(sentence, quotes)


def _passage_of(citation: Citation, sources: Sequence[Source]) -> str | None:
    """The passage in which a citation stands word for word."""
    for chunk in (source.hit.chunk for source in sources):
        start, end = citation.start - chunk.start, citation.end - chunk.start
        if chunk.id == citation.chunk_id and start >= 0 and chunk.text[start:end] == citation.quote:
            return chunk.text
    return None


def _doubt(evidence: Evidence, citations: Mapping[int, Citation]) -> Doubt:
    return Doubt(evidence.sentence, tuple(citations[marker].quote for marker in evidence.citations))


# --- paragraphs that are cited at their end -------------------------------------------


def _cited_later(cited: Cited) -> list[tuple[int, tuple[int, ...]]]:
    """Sentences without a marker, with the markers of the first one after them in their paragraph that has any."""
    found: list[tuple[int, tuple[int, ...]]] = []
    markers: tuple[int, ...] = ()
    indexed = list(enumerate(cited.evidence))
    for (index, one), (_, following) in reversed(list(pairwise(indexed))):
        if "\n" in cited.text[one.end : following.start]:
            markers = ()
        elif following.citations:
            markers = following.citations
        if markers and not one.citations:
            found.append((index, markers))
    return found


def _by_paragraph(
    evidence: Evidence,
    markers: tuple[int, ...],
    citations: Mapping[int, Citation],
    sources: Sequence[Source],
    embed: Embed | None,
) -> Evidence:
    """Hold a sentence against what its paragraph cites further on: never a pass, since nothing says it is meant."""
    passages = [_passage_of(citations[marker], sources) for marker in markers]
    if not all(passages):
        return evidence
    ruling = _rule(evidence.sentence, [passage for passage in passages if passage], embed)
    if ruling.verdict == "unsupported" and not ruling.contradicts:
        return evidence  # it is from elsewhere
    if ruling.verdict == "supported":
        ruling = Ruling("partial", "the source there says it")
    reason = f"{_AT_THE_END}; {ruling.reason}"
    return replace(evidence, citations=markers, verdict=ruling.verdict, reason=reason)
