"""A conversation laid out to be written in any format: questions, answers, verdicts, footnotes.

Footnotes are numbered through the whole paper, so that "footnote 7" means one thing wherever it is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from citewise.answer.export.prose import Block, Inline, Items, Paragraph, Ref, Run, line, plain, read_prose
from citewise.answer.incomplete import incomplete_of
from citewise.answer.verify import VERDICT_WORDS
from citewise.types import Answer, AnswerStatus, Citation, Conversation, ScoredChunk, Turn, Verdict

SIGNS: dict[Verdict, tuple[str, str]] = {
    "supported": ("✓", VERDICT_WORDS["supported"]),
    "partial": ("◐", VERDICT_WORDS["partial"]),
    "unsupported": ("✗", VERDICT_WORDS["unsupported"]),
    "not_checked": ("○", VERDICT_WORDS["not_checked"]),
}
"""How a verdict is shown: a sign that needs no colour, and its word."""

LEGEND = (
    "Every sentence was checked against the words that it cites. The sign behind it says what came of it; the "
    "footnotes give the cited words, verbatim but for line ends, and a reference by which Citewise finds them again."
)
REF_HASH = 12
"""Hex digits of a document's hash in a reference."""

_ENDINGS: dict[AnswerStatus, str] = {
    "running": "This answer was still being written when the conversation was exported.",
    "abstained": "The documents do not say.",
    "truncated": "The answer reached the length limit and ends early.",
    "refused": "The model declined to answer this question.",
    "cut": "The answer broke off. What had been written is kept.",
    "cancelled": "The answer was stopped. What had been written is kept.",
    "error": "The answer could not be written.",
}
DIFFERING = "Sources differ. Both are shown as they stand; which one holds is for the reader to say."
_NEAREST = 4  # passages listed where the documents do not say
_EXCERPT = 220  # characters of each

Change = Callable[[Citation], str]
"""What became of the place that a citation quotes, as a sentence; empty where all is as it was."""


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote: the cited words and where they stand."""

    number: int
    source: str  # empty: it was erased
    place: str  # "version 2, page 3 · Travel › Meals"
    quote: str
    ref: str  # see ``reference``
    change: str  # what became of its document, as a sentence


@dataclass(frozen=True, slots=True)
class Doubt:
    """A sentence that is not simply supported, and why."""

    verdict: Verdict
    sentence: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One question and its answer."""

    number: int
    question: str
    blocks: tuple[Block, ...]
    ending: str  # how the answer ended and why, as sentences; empty for a complete one
    checks: tuple[tuple[Verdict, int], ...]  # how many sentences have which verdict
    doubts: tuple[Doubt, ...]
    differing: tuple[Block, ...]  # sources that give different values for the same thing; empty for none
    nearest: tuple[tuple[str, str, str], ...]  # passages where the documents do not say: source, place, first words
    remarks: tuple[str, ...]  # what else is to be known, as sentences
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """A conversation as it is written down."""

    title: str
    subtitle: str
    exported_at: float
    entries: tuple[Entry, ...]
    notes: tuple[Note, ...]


def lay_out(
    conversation: Conversation, turns: Sequence[Turn], *, exported_at: float, change: Change = lambda citation: ""
) -> Paper:
    """Lay a conversation out.

    Args:
        conversation: Whose turns these are.
        turns: Of one branch, in order.
        exported_at: Seconds since the epoch.
        change: Says what became of a cited place.
    """
    notes = _Notes(change)
    entries = tuple(_entry(number, turn, notes) for number, turn in enumerate(turns, start=1))
    questions = "1 question" if len(turns) == 1 else f"{len(turns):,} questions"
    subtitle = f"{questions} about the collection {line(conversation.collection)}. "
    subtitle += f"Exported from Citewise on {moment(exported_at)}."
    return Paper(line(conversation.title) or "Untitled conversation", subtitle, exported_at, entries, tuple(notes.all))


def reference(citation: Citation) -> str:
    """Return what a footnote is found again by: hash of the document's bytes, and the span of its text."""
    return f"{citation.content_hash[:REF_HASH]}:{citation.start}-{citation.end}"


def moment(seconds: float) -> str:
    """Say a time as people do, in this machine's zone: ``21 November 2026, 19:05 UTC``."""
    then = datetime.fromtimestamp(seconds).astimezone()
    return f"{then.day} {then:%B %Y, %H:%M %Z}"


@dataclass
class _Notes:
    """Numbers footnotes in the order in which they are referred to."""

    change: Change
    all: list[Note] = field(default_factory=list)

    def number(self, citation: Citation) -> int:
        number = len(self.all) + 1
        self.all.append(_note(number, citation, self.change(citation)))
        return number


def _note(number: int, citation: Citation, change: str) -> Note:
    where = citation.locator or (f"page {citation.page}" if citation.page else "")
    path = " › ".join(citation.headings)
    if path and path not in where:
        where = f"{where} · {path}" if where else path
    place = f"version {citation.version}{f', {line(where)}' if where else ''}"
    if citation.erased:
        return Note(number, "", "", "", "", "This quote was erased with its document.")
    return Note(number, line(citation.source), place, line(citation.quote), reference(citation), line(change))


def _entry(number: int, turn: Turn, notes: _Notes) -> Entry:
    answer = turn.answer
    citations = {citation.marker: citation for citation in answer.citations}
    numbers: dict[int, int] = {}

    def number_of(marker: int) -> int | None:
        if marker in citations and marker not in numbers:
            numbers[marker] = notes.number(citations[marker])
        return numbers.get(marker)

    blocks = read_prose(_shown_text(answer), answer.evidence, number_of=number_of)
    further = [number_of(marker) for marker in citations if marker not in numbers]
    if further:  # their markers stand where none is shown, as in code
        refs = tuple(Ref(one) for one in further if one is not None)
        blocks = (*blocks, Paragraph((Run("Also cited:"), *refs)))
    differing = _differing(answer, lambda citation: number_of(citation.marker) or notes.number(citation))
    counted = Counter(sentence.verdict for sentence in answer.evidence)
    return Entry(
        number=number,
        question=line(turn.question),
        blocks=blocks,
        ending=_ending(answer),
        checks=tuple((verdict, counted[verdict]) for verdict in SIGNS if counted[verdict]),
        doubts=tuple(
            Doubt(one.verdict, plain(one.sentence), line(one.reason))
            for one in answer.evidence
            if one.verdict != "supported"
        ),
        differing=differing,
        nearest=tuple(map(_passage, answer.contexts[:_NEAREST])) if answer.status == "abstained" else (),
        remarks=tuple(_remarks(answer)),
        facts=tuple(_facts(turn)),
    )


def _differing(answer: Answer, number_of: Callable[[Citation], int]) -> tuple[Block, ...]:
    items = []
    for conflict in answer.conflicts:
        inlines: list[Inline] = [Run(f"{line(conflict.about)}: ")] if conflict.about else []
        for index, side in enumerate(conflict.sides):
            newer = conflict.newer is not None and side is getattr(conflict, conflict.newer)
            dated = f", dated {line(side.dated)}{', the newer of both' if newer else ''}" if side.dated else ""
            source = line(side.citation.source) or "an erased document"
            said = line(side.value or side.citation.quote)
            inlines += [Run("; ")] if index else []
            inlines += [Run(f"“{said}”", strong=True)] if said else []
            inlines += [Run(f" in {source}{dated}"), Ref(number_of(side.citation))]
        items.append((Paragraph(tuple(inlines)),))
    return (Items(None, tuple(items)),) if items else ()


def _shown_text(answer: Answer) -> str:
    return "" if answer.status == "abstained" and answer.text == answer.reason else answer.text


def _ending(answer: Answer) -> str:
    sentences = [_ENDINGS.get(answer.status, ""), line(answer.error or "")]
    if answer.status != "complete":
        sentences.append(line(answer.reason or ""))
    return " ".join(dict.fromkeys(one for one in sentences if one))


def _passage(context: ScoredChunk) -> tuple[str, str, str]:
    if context.erased:
        return "Erased document", "", "Its words were erased with it."
    chunk = context.chunk
    page = f"page {chunk.page_first}" if chunk.page_first else ""
    words = line(chunk.text)
    if len(words) > _EXCERPT:
        words = words[: _EXCERPT - 1].rsplit(" ", 1)[0] + "…"
    return line(context.source), line(context.locator or page), words


def _remarks(answer: Answer) -> list[str]:
    said = [f"{one.source} could not be read in full: {one.missing}." for one in incomplete_of(answer)]
    for key in ("degraded", "remarks"):
        said += answer.trace.get(key, ())
    if answer.status == "complete" and answer.reason:
        said.append(answer.reason)
    return [line(sentence) for sentence in said]


def _facts(turn: Turn) -> list[tuple[str, str]]:
    answer = turn.answer
    facts = [("Asked", moment(turn.created_at))]
    if turn.standalone_question and turn.standalone_question != turn.question:
        facts.append(("Searched for", line(turn.standalone_question)))
    if len(turn.versions) > 1:
        facts.append(("Version", f"{turn.versions.index(turn.id) + 1} of {len(turn.versions)}"))
    facts.append(("Status", answer.status))
    facts.append(("Answered by", line(answer.model)))
    if answer.usage.input_tokens or answer.usage.output_tokens:
        facts.append(("Tokens", f"{answer.usage.input_tokens:,} read, {answer.usage.output_tokens:,} written"))
    if answer.cost_usd:
        facts.append(("Cost", f"${answer.cost_usd:.4f}"))
    elif answer.cost_usd is None:
        facts.append(("Cost", line(str(answer.trace.get("cost_note", ""))) or "not known"))
    if turn.feedback:
        words = [turn.feedback.reason or "", turn.feedback.note]
        said = ": ".join(["good" if turn.feedback.good else "not good", *(line(word) for word in words if word)])
        facts.append(("Thought to be", said))
    return [(name, value) for name, value in facts if value]
