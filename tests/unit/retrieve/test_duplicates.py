from __future__ import annotations

from citewise.retrieve.duplicates import distinct, names_one, spread
from citewise.types import Chunk, ScoredChunk

TERMS = "The tenant pays the rent within thirty days of the invoice and hands in all receipts by the end of the month."


def hit(
    rank: int, text: str, *, document: str = "a", ordinal: int | None = None, score: float | None = None
) -> ScoredChunk:
    chunk = Chunk(
        f"{document}{rank}",
        document,
        1,
        10 * rank if ordinal is None else ordinal,
        0,
        len(text),
        None,
        None,
        (),
        text,
        "",
    )
    return ScoredChunk(
        chunk, 1 / rank if score is None else score, rank, {}, f"{document}.txt", f"Title {document}", "h"
    )


def kept(*hits: ScoredChunk) -> tuple[list[str], dict[str, str]]:
    dropped: dict[str, str] = {}
    return [one.chunk.id for one in distinct(hits, dropped)], dropped


def test_the_same_words_are_kept_once_and_the_trace_says_of_which() -> None:
    longer = f"{TERMS} {' '.join(f'and then they {word} it' for word in ('read', 'check', 'sign', 'file', 'send'))}."
    found, dropped = kept(hit(1, longer), hit(2, longer.replace(" the invoice", " an invoice"), document="b"))
    assert (found, dropped) == (["a1"], {"b2": "near-duplicate of a1 in a.txt"})


def test_another_number_name_or_denial_is_another_text() -> None:
    for other in (
        TERMS.replace("thirty", "30"),
        TERMS.replace("tenant", "Tenant Miller"),
        TERMS.replace("pays", "never pays"),
    ):
        assert kept(hit(1, TERMS), hit(2, other))[0] == ["a1", "a2"]


def test_short_and_empty_texts_are_compared_whole() -> None:
    assert kept(hit(1, "Yes."), hit(2, "Yes."), hit(3, "No."), hit(4, ""), hit(5, ""))[0] == ["a1", "a3", "a4"]


def test_one_document_does_not_take_all_places_while_others_are_close() -> None:
    hits = [hit(n, f"a{n}", score=1 - n / 100) for n in range(1, 7)]
    hits += [hit(7, "b", document="b", score=0.9), hit(8, "c", document="c", score=0.1)]
    dropped: dict[str, str] = {}
    order = [one.chunk.id for one in spread(hits, k=4, per_document=2, dropped=dropped)]
    # b is close and gets a place, c is not; a gets what is left.
    assert order[:4] == ["a1", "a2", "a3", "b7"]
    assert dropped == dict.fromkeys(("a4", "a5", "a6"), "more than 2 of a.txt")


def test_neighbours_take_one_place_together() -> None:
    hits = [
        hit(1, "x", ordinal=5),
        hit(2, "y", ordinal=6),
        hit(3, "z", ordinal=4),
        hit(4, "b", document="b", score=0.9),
    ]
    assert [one.chunk.id for one in spread(hits, k=2, per_document=1, dropped={})] == ["a1", "a2", "a3", "b4"]


def test_a_single_document_has_all_places() -> None:
    hits = [hit(n, f"a{n}") for n in range(1, 7)]
    assert spread(hits, k=4, per_document=1, dropped={}) == hits


def test_a_question_may_name_a_document_by_file_or_title() -> None:
    hits = [hit(1, TERMS, document="rental-agreement")]
    assert names_one("What does rental-agreement.txt say about rent?", hits)
    assert names_one("And in Rental-Agreement?", hits)
    assert not names_one("When is the rent paid?", hits)
