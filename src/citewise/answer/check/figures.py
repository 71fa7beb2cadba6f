"""Do the figures of a sentence stand in its quotes, and for the same things?"""

from __future__ import annotations

from collections.abc import Sequence

from citewise.answer.check.reading import Reading, Word, closest
from citewise.language.quantities import Quantity, agrees, same_kind

_MARGIN = 1.0  # of words, by which a rival must fit better


def missing_figures(claim: Reading, quoted: Sequence[Reading]) -> list[Quantity]:
    """The figures of a claim that no figure of the quotes makes true."""
    given = [figure for one in quoted for figure in one.figures]
    written = " ".join(one.text for one in quoted)
    return [
        figure
        for figure in claim.figures
        if not any(agrees(figure, other) for other in given)
        and not (figure.kind == "percent" and "%" in written and _bare(figure, given))
    ]


def _bare(figure: Quantity, given: Sequence[Quantity]) -> bool:
    """Whether the number stands in the quotes without a unit, as in a table whose header has it."""
    return any(one.kind == "count" and set(one.values) & set(figure.values) for one in given)


def misplaced_figure(claim: Reading, quoted: Sequence[Reading]) -> tuple[Quantity, Quantity] | None:
    """A figure that stands in the quotes for something else, and the one that stands there in its place.

    Found where a rival of the same kind is closer, in its own clause, to what the claim says of its
    figure than the figure itself is: ``founded in 1931, moved in 1950`` does not say *founded in 1950*.
    """
    near = closest(claim, quoted)
    for clause in claim.clauses:
        for figure in claim.figures_of(clause):
            anchors = _anchors(clause, figure, claim)
            others = [one for one in claim.figures_of(clause) if one is not figure]
            rival = _rival(figure, anchors, others, near)
            if rival:
                return figure, rival
    return None


def _rival(
    figure: Quantity, anchors: dict[str, float], others: Sequence[Quantity], near: Sequence[Reading]
) -> Quantity | None:
    found: Quantity | None = None
    for sentence in near:
        places = [
            (one, _affinity(sentence, clause, anchors, others))
            for clause in sentence.clauses
            for one in sentence.figures_of(clause)
            if same_kind(one, figure)
        ]
        own = [affinity for one, affinity in places if agrees(figure, one)]
        rivals = [(affinity, one) for one, affinity in places if not agrees(figure, one)]
        if not own:
            continue
        if not rivals or max(own) + _MARGIN >= max(affinity for affinity, _ in rivals):
            return None  # one sentence that fits is enough
        found = max(rivals, key=lambda pair: pair[0])[1]
    return found


def _anchors(clause: Sequence[Word], figure: Quantity, claim: Reading) -> dict[str, float]:
    """What a claim says around a figure, and how much each word counts: its neighbours most."""
    anchors = {word.term: 1.0 for word in clause if word.term}
    before = [word.term for word in clause if word.term and word.start < figure.start]
    after = [word.term for word in clause if word.term and word.start >= figure.end]
    for term in (*before[-1:], *after[:1]):
        anchors[term] = 2.0
    if not anchors:  # "founded in 1931, in Bern": the clause before has what it is about
        anchors = {word.term: 1.0 for word in claim.words if word.term}
    return anchors


def _affinity(
    sentence: Reading, clause: Sequence[Word], anchors: dict[str, float], others: Sequence[Quantity]
) -> float:
    shared = sum(anchors.get(term, 0.0) for term in {word.term for word in clause if word.term})
    return shared + 2.0 * sum(any(agrees(one, other) for other in sentence.figures_of(clause)) for one in others)
