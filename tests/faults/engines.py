"""How these tests open Citewise, and the few places where they look behind its front."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from citewise.build import open_engine
from citewise.engine import Engine
from citewise.index.generations import Indexes
from citewise.protocols import Embedder
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.settings import Settings
from citewise.types import UNFINISHED, Vectors
from tests.fakes import HashEmbedder


def settings_for(home: Path, **changed: Any) -> Settings:
    """Settings whose chunks are small, so that little text makes many; any disk has space enough for them."""
    return Settings(home=home, **{"split": {"size": 48, "overlap": 8}, "ingest": {"keep_free_mb": 1}, **changed})


def embedder_named(name: str) -> HashEmbedder:
    """``fake:96`` has 96 dimensions; any other name means the usual 64."""
    return HashEmbedder(_dimension(name))


def opened(home: Path, *, open_embedder: Callable[[str], Embedder] = embedder_named, **changed: Any) -> Engine:
    """An engine as a front end opens it, but with an embedder that needs no model."""
    return open_engine(settings_for(home, **changed), open_embedder=open_embedder)


class SlowEmbedder(HashEmbedder):
    """Takes a while for every text, so that something can happen meanwhile."""

    seconds = 0.01  # for each text

    @classmethod
    def named(cls, name: str) -> SlowEmbedder:
        return cls(_dimension(name))

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        time.sleep(self.seconds * len(texts))
        return super().embed_documents(texts)


def _dimension(name: str) -> int:
    provider, _, size = name.partition(":")
    return int(size) if provider == "fake" else 64


def registry_of(engine: Engine) -> Registry:
    return engine._registry


def blobs_of(engine: Engine) -> Blobs:
    return engine._blobs


def leased(engine: Engine) -> AbstractContextManager[Indexes]:
    """The indexes that answer now."""
    return engine._index.lease()


def unrest(engine: Engine) -> str:
    """What still goes on or is wrong, as a sentence; empty once everything has come to its end."""
    unfinished = [document for document in engine.documents() if document.status in UNFINISHED]
    if unfinished:
        return f"{unfinished[0].source} is still {unfinished[0].status}"
    status = engine.index_status()
    if status.state != "ok":
        return f"the index is {status.state}: {status.detail}"
    working = [job for job in status.jobs if job.state in ("queued", "running")]
    if working:
        return f"the index job {working[0].kind} is still at {working[0].stage!r}"
    if status.waiting_documents:
        return f"{status.waiting_documents} documents are not yet in the index as they ought to be"
    return ""


def wait_for_rest(engine: Engine, *, seconds: float = 150) -> str:
    """Wait until nothing goes on any more; what did not end in time, as a sentence."""
    deadline = time.monotonic() + seconds
    while (going_on := unrest(engine)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return going_on


def until(condition: Callable[[], bool], *, seconds: float = 30) -> bool:
    """Wait until something holds; whether it did in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True
