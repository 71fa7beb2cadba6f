"""Verdicts on the sentences of an answer: by rules, by the paragraph's citation, by a judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from citewise.answer.cite import Cited, cite
from citewise.answer.evidence import check_evidence
from citewise.answer.judge import Doubt, Judged
from citewise.types import Evidence, Verdict
from tests.unit.answer.builders import no_page, sources

PRESS = "The Bern press was built by Otto Keller in 1931. It weighs 900 kg. It stands in the cellar."
FERRY = "The ferry leaves at noon on Tuesdays."


def cited(text: str) -> Cited:
    return cite(text, sources(PRESS, FERRY), [], page_of=no_page)


def checked(text: str) -> tuple[Evidence, ...]:
    return check_evidence(cited(text), sources(PRESS, FERRY))[0]


def test_a_sentence_whose_paragraph_is_cited_at_its_end_is_held_against_that_source() -> None:
    one, other = checked("The Bern press was built in 1931. It stands in the cellar [1].")
    assert (one.verdict, one.citations) == ("partial", (1,))
    assert one.reason == "cited only at the end of its paragraph; the source there says it"
    assert (other.verdict, other.citations) == ("supported", (1,))


@pytest.mark.parametrize(
    ("sentence", "verdict", "words"),
    [
        ("The Bern press was built in 1952.", "unsupported", "states something without a citation"),
        ("The Bern press was not built by Otto Keller.", "unsupported", "denies"),
        ("Museums in many countries collect old machines.", "unsupported", "states something without a citation"),
        ("Here is what the handbook says.", "not_checked", "nothing that needs one"),
    ],
)
def test_what_that_source_does_not_say_stays_flagged(sentence: str, verdict: str, words: str) -> None:
    first, _ = checked(f"{sentence} It stands in the cellar [1].")
    assert (first.verdict, words in first.reason) == (verdict, True), first.reason


def test_a_citation_reaches_back_over_a_paragraph_and_no_further() -> None:
    other_paragraph = checked("The Bern press was built in 1931.\n\nIt stands in the cellar [1].")
    point = checked("- The Bern press was built in 1931.\n- It stands in the cellar [1].")
    after = checked("It stands in the cellar [1]. The Bern press was built in 1931.")
    for evidence in (other_paragraph[0], point[0], after[1]):
        assert (evidence.verdict, evidence.citations) == ("unsupported", ())
    nearest = checked("It weighs 900 kg. The ferry leaves at noon [2]. It stands in the cellar [1].")
    assert nearest[0].reason == "states something without a citation", "the next marker is the ferry's"


def test_a_quote_that_is_not_verbatim_supports_nothing_before_it_either() -> None:
    answer = cited("The Bern press was built in 1931. It stands in the cellar [1].")
    forged = replace(answer, citations=(replace(answer.citations[0], quote="It stands in the attic."),))
    verdicts = [one.verdict for one in check_evidence(forged, sources(PRESS))[0]]
    assert verdicts == ["unsupported", "unsupported"]


class Judging:
    """Gives one verdict on everything, and remembers what it was asked."""

    def __init__(self, verdict: Verdict = "supported") -> None:
        self._verdict = verdict
        self.asked: list[Doubt] = []

    def __call__(self, doubts: Sequence[Doubt]) -> Judged:
        self.asked += doubts
        said = dict.fromkeys(range(len(doubts)), (self._verdict, "judged by a fake: so"))
        return Judged(said, "fake:judge", len(doubts))


OPEN = "The heavy, old press weighs 900 kg [1]."
TEXT = (
    f"{OPEN} The press weighs 950 kg [1]. It weighs 900 kg [1]. The press weighs 900 kg, or 1,984 pounds [1].\n\n"
    "印刷机很重 [1].\n\nShips are rare. Is that all?"
)


def test_a_judge_is_asked_only_about_what_the_rules_leave_open() -> None:
    judging = Judging()
    evidence, judged = check_evidence(cited(TEXT), sources(PRESS, FERRY), judge=judging)
    assert [doubt.sentence for doubt in judging.asked] == [
        "The heavy, old press weighs 900 kg.",
        "印刷机很重.",
    ]
    assert judging.asked[0].quotes[0] in PRESS
    assert judged is not None
    verdicts = {one.sentence: one.verdict for one in evidence}
    assert verdicts["印刷机很重."] == "supported"
    assert verdicts["The press weighs 950 kg."] == "unsupported", "the rules have decided"
    assert verdicts["Ships are rare."] == "unsupported"
    assert sum(one.reason.startswith("judged by") for one in evidence) == 2


def test_a_judge_cannot_pass_what_is_not_verbatim() -> None:
    answer = cited(OPEN)
    forged = replace(answer, citations=(replace(answer.citations[0], quote="It is heavy and old."),))
    judging = Judging()
    (evidence,), judged = check_evidence(forged, sources(PRESS), judge=judging)
    assert (evidence.verdict, judged, judging.asked) == ("unsupported", None, [])


def test_without_open_sentences_nobody_is_asked() -> None:
    judging = Judging()
    assert check_evidence(cited("It weighs 900 kg [1]."), sources(PRESS), judge=judging)[1] is None
    assert judging.asked == []
