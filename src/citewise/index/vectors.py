"""What every vector index demands of the vectors it is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from citewise.errors import DimensionMismatchError, StoreError
from citewise.types import EmbeddedChunk, Vector, Vectors

_UNIT_TOLERANCE = 1e-3


def checked_matrix(chunks: Sequence[EmbeddedChunk], *, dimension: int) -> Vectors:
    """Stack the vectors of ``chunks``, shape ``(len(chunks), dimension)``.

    Raises:
        DimensionMismatchError: One of them has another length.
        StoreError: One of them holds NaN or infinity, or has no unit length.
    """
    return np.stack([checked_vector(item.vector, dimension=dimension, owner=item.chunk.id) for item in chunks])


def checked_vector(vector: Vector, *, dimension: int, owner: str = "the question") -> Vector:
    """Return ``vector`` as float32 if an index can hold it; see ``checked_matrix`` for errors."""
    array = np.asarray(vector, dtype=np.float32)
    if array.shape != (dimension,):
        raise DimensionMismatchError(expected=dimension, got=array.shape[-1] if array.ndim else 1)
    length = float(np.linalg.norm(array))
    # A comparison with NaN is false, so this refuses NaN and infinity as well.
    if not abs(length - 1) <= _UNIT_TOLERANCE:
        raise StoreError(
            f"The vector of {owner} has length {length:.4g} instead of 1, so it has no usable direction. "
            "Nothing was written; check the embedding model with `citewise doctor`."
        )
    return array


def ranked(scores: Iterable[tuple[str, float]], *, k: int) -> list[tuple[str, float]]:
    """The ``k`` best of ``(id, score)``, best first, equal scores in order of id."""
    return sorted(scores, key=lambda item: (-item[1], item[0]))[:k]


def top(ids: Sequence[str], scores: NDArray[np.float32], *, k: int) -> list[tuple[str, float]]:
    """The ``k`` best of many, as ``ranked``: only those are sorted that may be among them."""
    if k < 1:
        return []
    least = np.partition(scores, -k)[-k] if len(scores) > k else -np.inf
    rows: list[int] = np.flatnonzero(scores >= least).tolist()  # equal scores at the end are cut by id
    return ranked(((ids[row], float(scores[row])) for row in rows), k=k)
