from __future__ import annotations

from citewise.answer.choose import MOST_COMPARED, shortlist
from citewise.answer.quotable import Candidate
from citewise.language.question import read_question
from citewise.language.terms import terms


def candidate(text: str, *, source: int = 0, ordinal: int = 0) -> Candidate:
    return Candidate(source, ordinal, 0, len(text), text, frozenset(terms(text)), frozenset(), whole=True)


def test_few_candidates_all_stay() -> None:
    found = [candidate("Roses bloom."), candidate("The pump is red.")]
    assert shortlist(read_question("Which colour has the pump?"), found) == found


def test_of_many_those_stay_that_hold_the_question_or_stand_in_the_best_passage_in_their_order() -> None:
    first = [candidate("Roses bloom.", ordinal=number) for number in range(MOST_COMPARED - 1)]
    last = [candidate("Tulips bloom.", source=7, ordinal=number) for number in range(40)]
    answer = candidate("The pump is red.", source=7, ordinal=40)

    kept = shortlist(read_question("Which colour has the pump?"), [*first, *last, answer])

    assert kept == [*first, answer]
