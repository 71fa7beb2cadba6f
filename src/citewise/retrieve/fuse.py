"""Merging ranked lists into one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import fsum

_HALF = 0.5
_USUAL_PEAK = 0.48  # mean over 1,400 questions of seven public sets
_PER_PEAK = 0.29  # fitted on these, see docs/decisions/0022
_RIVALS = 10


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[str]], *, k: int = 60, weights: Sequence[float] | None = None
) -> list[tuple[str, float]]:
    """Merge ranked id lists by summed reciprocal rank.

    Args:
        rankings: Ids, best first; an id may be missing from some lists.
        k: Damping constant, >= 1; 60 is the value of Cormack et al., SIGIR 2009.
        weights: One per ranking, >= 0; equal ones by default.

    Returns:
        ``(id, score)`` pairs, best first, equal scores in order of id; empty for no rankings.
    """
    shares: defaultdict[str, list[float]] = defaultdict(list)
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, chunk_id in enumerate(dict.fromkeys(ranking), start=1):
            shares[chunk_id].append(weight / (k + rank))
    # fsum: a plain sum depends on the order of the rankings and splits ties.
    fused = ((chunk_id, fsum(parts)) for chunk_id, parts in shares.items())
    return sorted(fused, key=lambda item: (-item[1], item[0]))


def score_fusion(
    rankings: Sequence[Sequence[tuple[str, float]]], *, weights: Sequence[float]
) -> list[tuple[str, float]]:
    """Merge scored id lists by a weighted sum of their scores, each list scaled to 0..1 (min-max).

    Scores say how much better the first is than the second, which ranks alone do not. nDCG@10
    with 50 candidates of each search, equal weights against ranks (k 60): scifact 0.734, 0.713;
    cranfield 0.420, 0.426; hotpotqa 0.840, 0.820; nq 0.937, 0.917.

    See Bruch et al., "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023.

    Args:
        rankings: ``(id, score)`` pairs, best first; an id may be missing from some lists and
            then counts like the worst of them, 0.
        weights: One per ranking, >= 0.

    Returns:
        ``(id, score)`` pairs, best first, equal scores in order of id; empty for no rankings.
    """
    shares: defaultdict[str, list[float]] = defaultdict(list)
    for ranking, weight in zip(rankings, weights, strict=True):
        values = [score for _, score in ranking]
        lowest, spread = (min(values), max(values) - min(values)) if values else (0.0, 0.0)
        for chunk_id, score in dict(ranking).items():
            shares[chunk_id].append(weight * ((score - lowest) / spread if spread > 0 else 1.0))
    fused = ((chunk_id, fsum(parts)) for chunk_id, parts in shares.items())
    return sorted(fused, key=lambda item: (-item[1], item[0]))


def peak(scores: Sequence[float]) -> float:
    """Return how far the best score stands above the next ten, as a share of it; 0.0 for fewer than two scores.

    Of a search by words it says whether the words tell chunks apart: 0.6 where one chunk alone has
    them together, 0.2 where a long question has a few words in common with everything.

    Args:
        scores: In any order, >= 0.
    """
    best, *rivals = sorted(scores, reverse=True)[: _RIVALS + 1] or [0.0]
    return (best - fsum(rivals) / len(rivals)) / best if rivals and best > 0 else 0.0


def unusual_peak(scores: Sequence[float]) -> float:
    """Return how much higher than usual the ``peak`` is; below 0 for a flat list."""
    return peak(scores) - _USUAL_PEAK


def weight_of_meaning(keyword_scores: Sequence[float]) -> float:
    """Return what the search by meaning counts beside the one by words, which counts the rest: 0.35 to 0.64.

    More, the less the words tell chunks apart; see ``peak``.
    """
    return _HALF - _PER_PEAK * unusual_peak(keyword_scores)
