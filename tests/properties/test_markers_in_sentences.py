"""What holds of sentences and citations whatever the text."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from citewise.answer.cite import Native, best_span, cite
from citewise.answer.markers import MarkerFilter, normal_markers
from citewise.answer.sentences import sentence_spans
from tests.unit.answer.builders import no_page, sources

PIECES = [
    "Dr. Smith", " went home", ". ", "! ", "?\n", "\n\n", "\n", "- item", "1. ", "# Heading\n", "a | b | c\n",
    " [1]", "[2]", " U.S. ", "3.14", " e.g. ", "文です。", "…", " ", "\t", "(see Fig. 3)", "”", '"', "the refund",
    "Anvils are heavy",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=16).map("".join)
PASSAGES = ("Anvils are heavy. They weigh 50 kg! Handle with care.\n\nSmith went home", "The refund takes 14 days.")


@given(text=texts)
@example(text="[1]")
@example(text="A.\x85B.")
def test_sentences_are_in_order_and_hold_every_visible_character(text: str) -> None:
    spans = sentence_spans(text)
    covered: set[int] = set()
    at = 0
    for start, end in spans:
        assert at <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        covered.update(range(start, end))
        at = end
    assert all(character.isspace() for position, character in enumerate(text) if position not in covered)


@given(passage=texts, claim=texts)
def test_the_best_span_lies_in_its_passage(passage: str, claim: str) -> None:
    start, end = best_span(passage, claim)
    assert 0 <= start <= end <= len(passage)
    assert passage[start:end] == passage[start:end].strip()
    assert start < end or not passage.strip()


@given(raw=texts, data=st.data())
def test_every_citation_is_verbatim_and_numbered_by_first_use(raw: str, data: st.DataObject) -> None:
    sent = sources(*PASSAGES)
    markers = MarkerFilter([1, 2])
    text = markers.feed(raw) + markers.flush()
    positions = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
    quoted = [Native(position, 1, 0, 17) for position in positions]
    cited = cite(text, sent, quoted, page_of=no_page)
    used = [number for _, _, number in normal_markers(cited.text)]
    # A quote may fall inside code or behind a letter, where its number is no marker.
    assert list(dict.fromkeys(used)) == sorted(set(used)) or quoted
    assert [citation.marker for citation in cited.citations] == list(range(1, len(cited.citations) + 1))
    for citation in cited.citations:
        chunk = next(source.hit.chunk for source in sent if source.hit.chunk.id == citation.chunk_id)
        assert chunk.text[citation.start - chunk.start : citation.end - chunk.start] == citation.quote != ""
    known = {citation.marker for citation in cited.citations}
    for evidence in cited.evidence:
        assert set(evidence.citations) <= known
        assert cited.text[evidence.start : evidence.end].strip()
    if not quoted:
        assert len({(citation.chunk_id, citation.start, citation.end) for citation in cited.citations}) == len(known)
        assert set(used) == known
