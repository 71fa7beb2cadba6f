"""A library of any size for benchmarks: texts with the statistics of language, and vectors with those of a model.

Words follow Zipf's law; the most frequent are English, the rest made up. A document has a subject, which gives
its words and the direction of its vectors: chunks of one document are near each other, documents of one subject
less so. A question is some words of a chunk, and its vector lies near that chunk's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

DIMENSION = 384
CHUNKS = 20  # of a document
_WORDS = 130  # of a chunk
_SUBJECTS = 400
_FREQUENT = (  # noqa: SIM905 - easier to read
    "the of and to in is was that for it with as on are be by this from at which or an have were not has had but "
    "their they his its her been can will would there more when who out up one about some into than them only new "
    "time two may first like people over such after also made many between water line system pressure report valve "
    "pump number each house service station year power light board water record member island boat group engine"
).split()
_SYLLABLES = "ba ce di fo gu ha ke li mo nu pa re si to vu wa xe yi zo bra cle dri flo gru ste tra plo spi".split()  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Made:
    """One document: its chunks' texts and vectors, and questions with their vectors, one for each chunk."""

    texts: list[str]
    vectors: np.ndarray  # float32, unit length, a row for each chunk
    questions: list[str]
    question_vectors: np.ndarray


def documents(count: int, *, seed: int = 0) -> Iterator[Made]:
    """Yield ``count`` documents, the same for the same seed."""
    random = np.random.default_rng(seed)
    vocabulary = np.array(_FREQUENT + _made_up(random, 60_000 - len(_FREQUENT)))
    # Rank-frequency of English, flattened at the top (Mandelbrot).
    frequency = 1 / (np.arange(len(vocabulary)) + 2.7)
    likelihood = np.cumsum(frequency / frequency.sum())
    subjects = _unit(random.normal(size=(_SUBJECTS, DIMENSION)))
    for _ in range(count):
        subject = int(random.integers(_SUBJECTS))
        own = random.integers(100, len(vocabulary), size=40)  # words of this document
        shared = 100 + (subject * 97 + random.integers(0, 120, size=40)) % (len(vocabulary) - 100)
        centre = _unit(subjects[subject] + 0.9 * _unit(random.normal(size=DIMENSION)))
        vectors = _unit(centre + 0.8 * _unit(random.normal(size=(CHUNKS, DIMENSION))))
        question_vectors = _unit(vectors + 0.7 * _unit(random.normal(size=(CHUNKS, DIMENSION))))
        texts, questions = [], []
        for _ in range(CHUNKS):
            indices = np.searchsorted(likelihood, random.random(_WORDS))
            indices = np.minimum(indices, len(vocabulary) - 1)
            places = random.random(_WORDS)
            indices[places < 0.12] = random.choice(own, size=int((places < 0.12).sum()))
            indices[places > 0.9] = random.choice(shared, size=int((places > 0.9).sum()))
            words = vocabulary[indices]
            texts.append(_sentences(words))
            asked = random.choice(words, size=int(random.integers(6, 12)), replace=False)
            questions.append(f"what {' '.join(asked)}?")
        yield Made(texts, vectors.astype(np.float32), questions, question_vectors.astype(np.float32))


def vectors(count: int, *, questions: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return ``count`` vectors of chunks and some of questions about them."""
    random = np.random.default_rng(seed)
    subjects = _unit(random.normal(size=(_SUBJECTS, DIMENSION)))
    made = -(-count // CHUNKS)
    centres = _unit(
        subjects[random.integers(_SUBJECTS, size=made)] + 0.9 * _unit(random.normal(size=(made, DIMENSION)))
    )
    chunks = _unit(np.repeat(centres, CHUNKS, axis=0)[:count] + 0.8 * _unit(random.normal(size=(count, DIMENSION))))
    chosen = chunks[random.choice(count, size=questions, replace=False)]
    asked = _unit(chosen + 0.7 * _unit(random.normal(size=chosen.shape)))
    return chunks.astype(np.float32), asked.astype(np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _made_up(random: np.random.Generator, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(random.choice(_SYLLABLES, size=int(random.integers(2, 5))))] = None
    return list(found)


def _sentences(words: np.ndarray) -> str:
    """Words in sentences of 14."""
    return " ".join(" ".join(words[at : at + 14]).capitalize() + "." for at in range(0, len(words), 14))
