"""Ids: random for what a person makes, derived for what follows from it."""

from __future__ import annotations

import hashlib
import uuid


def new_id() -> str:
    """Return 32 random hex digits, never used before."""
    return uuid.uuid4().hex


def make_chunk_id(*, document_id: str, version: int, ordinal: int, start: int, end: int, splitter: str) -> str:
    """Return the id of a chunk, 32 hex digits: the same cut of the same version always has the same one.

    Args:
        splitter: Fingerprint of the way of cutting.
    """
    parts = (document_id, version, ordinal, start, end, splitter)
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


def hash_text(text: str) -> str:
    """Return what embeddings are remembered by: the first 128 bits of SHA-256, as 32 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
