from __future__ import annotations

from dataclasses import replace

import pytest

from citewise.retrieve.rerank import WEIGHTS, LinearReranker, features
from citewise.types import Chunk, ScoredChunk


def hit(
    text: str, *, score: float = 0.5, ordinal: int = 3, context: str = "", document: str = "d", **scores: float
) -> ScoredChunk:
    chunk = Chunk(f"{document}-{ordinal}-{text}", document, 1, ordinal, 0, len(text), None, None, (), text, context)
    return ScoredChunk(chunk, score, 1, scores or {"dense": 0.4, "keyword": 5.0}, "manual.pdf", "", "hash")


def best(question: str, *hits: ScoredChunk) -> str:
    return LinearReranker().rerank(question, hits)[0].chunk.text


def test_hits_come_back_best_first_with_the_new_score_beside_the_old_ones() -> None:
    hits = [hit("Nothing of the kind."), hit("The pump needs oil every week."), hit("A pump.")]

    ranked = LinearReranker().rerank("How often does the pump need oil?", hits)

    assert {found.chunk.id for found in ranked} == {found.chunk.id for found in hits}
    assert [found.rank for found in ranked] == [1, 2, 3]
    assert [found.score for found in ranked] == sorted((found.score for found in ranked), reverse=True)
    assert all(found.scores == {"dense": 0.4, "keyword": 5.0, "rerank": found.score} for found in ranked)


def test_equals_keep_their_order_and_nothing_stays_nothing() -> None:
    one = hit("The pump.")
    twins = [one, replace(one, source="b.pdf"), replace(one, source="c.pdf")]

    assert [found.source for found in LinearReranker().rerank("pump", twins)] == ["manual.pdf", "b.pdf", "c.pdf"]
    assert LinearReranker().rerank("pump", []) == []


@pytest.mark.parametrize(
    ("question", "better", "worse"),
    [
        ("What oil does the pump take?", "The pump takes oil of grade two.", "The valve takes air of any kind."),
        (
            "How is the oil filter changed?",
            "Change the oil filter every year.",
            "The filter of the air intake is clean. Some more words stand between these and the rest. Oil is black.",
        ),
        ("What does error TS-999 mean?", "TS-999 means no water.", "TS-101 means an error of the pump."),
        ("Where does it say “no open fire”?", "Here: no open fire.", "Here: fire, open or no."),
    ],
    ids=["more of its words", "words close together", "the identifier", "the quoted phrase"],
)
def test_of_two_chunks_that_score_alike_the_one_that_answers_better_wins(
    question: str, better: str, worse: str
) -> None:
    assert best(question, hit(worse), hit(better)) == better


def test_a_heading_that_names_the_subject_speaks_for_its_chunk() -> None:
    under = hit("It takes four litres.", context="Manual › Oil of the pump")
    elsewhere = hit("It takes nine litres.", context="Manual › Tyres")

    assert best("How much oil does the pump take?", elsewhere, under) == under.chunk.text


def test_a_word_that_every_hit_holds_counts_less_than_a_rare_one() -> None:
    hits = [hit(f"The pump number {number}.") for number in range(8)]

    assert best("pump gasket", *hits, hit("The gasket is red.")) == "The gasket is red."


def test_a_chunk_closer_in_meaning_wins_when_words_say_nothing() -> None:
    near, far = hit("Uno.", dense=0.7), hit("Due.", dense=0.2)

    assert best("What is this about?", far, near) == "Uno."


def test_a_hit_of_one_search_alone_is_ranked_too() -> None:
    hits = [hit("Meaning only.", dense=0.6), hit("Words only.", keyword=9.0), hit("Both.", dense=0.5, keyword=8.0)]

    assert {found.chunk.text for found in LinearReranker().rerank("words and meaning", hits)} == {
        "Meaning only.",
        "Words only.",
        "Both.",
    }


def test_where_no_chunk_stands_out_by_its_words_meaning_decides_more() -> None:
    def gap(*others: float) -> float:
        """How much better meaning does than words, with these scores by words among the rest."""
        near = hit("Uno.", ordinal=0, dense=0.6, keyword=4.0)
        wordy = hit("Due.", ordinal=0, dense=0.2, keyword=9.0)
        rest = [hit(f"Tre {number}.", ordinal=0, dense=0.2, keyword=score) for number, score in enumerate(others)]
        scores = {found.chunk.text: found.score for found in LinearReranker().rerank("?", [near, wordy, *rest])}
        return scores["Uno."] - scores["Due."]

    assert gap(*[8.5] * 10, 1.0) > gap(*[1.0] * 11)


@pytest.mark.parametrize("question", ["", "?", "the of and", "机器怎么清洗？", "\ud800", "a" * 8000])
def test_any_question_and_any_text_can_be_ranked(question: str) -> None:
    hits = [hit(""), hit("机器要用水清洗。"), hit("The of and."), hit("\x00 | | |")]

    assert len(LinearReranker().rerank(question, hits)) == 4


def test_there_is_a_weight_for_every_figure() -> None:
    assert {len(row) for row in features("pump 12", [hit("The pump."), hit("12")])} == {len(WEIGHTS)}
