"""The search behind a stored turn, done again from its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from citewise.errors import NotAllowedError, NotFoundError
from citewise.registry import documents
from citewise.registry.database import Registry
from citewise.retrieve.search import Plan, Searcher
from citewise.types import Replay, ScoredChunk, SearchResult, Turn

_SETTINGS = {"fetch_k": "the candidates of each search", "fusion": "how both searches are merged"}


def replay(registry: Registry, searcher: Searcher, turn: Turn) -> Replay:
    """Search again with everything that decided what a turn was answered from.

    Nothing is worded anew: the standalone question and its variants are those of then. While the
    same generation serves and no document and no setting changed, the hits are the same.

    Raises:
        NotAllowedError: The turn was answered before searches were kept, or it never searched.
        NotFoundError: The collection is gone.
        StoreError: No index could answer.
    """
    kept = turn.answer.trace.get("search", {})
    try:
        plan = Plan.from_json(kept["query"])
        then = [tuple(hit) for hit in kept["hits"]]
    except KeyError:
        raise NotAllowedError(
            "This turn cannot be replayed: how it was searched for was not kept. Ask the question again."
        ) from None
    result = searcher.run(plan)
    same = [(hit.chunk.id, hit.chunk.start, hit.chunk.end) for hit in result.hits] == then
    changed: list[str] = []
    with registry.read() as rx:
        changed += _documents(rx, turn.answer.contexts)
    changed += _differences(turn.answer.trace, kept, result)
    if not same and not changed:
        changed.append("Other documents were added, changed or removed since.")
    return Replay(turn.id, result, same, tuple(changed))


def _differences(trace: Mapping[str, Any], kept: Mapping[str, Any], result: SearchResult) -> list[str]:
    changed = []
    if trace.get("generation") != result.generation:
        changed.append(
            f"Index generation {result.generation[:8]} serves now; the answer was found in "
            f"{str(trace.get('generation'))[:8]}."
        )
    if trace.get("reranker") != result.reranker:
        changed.append(f"Reranked by {result.reranker or 'nobody'} now, then by {trace.get('reranker') or 'nobody'}.")
    for name, what in _SETTINGS.items():
        if kept.get(name) != result.trace.get(name):
            changed.append(f"The settings changed {what}: {result.trace.get(name)} now, {kept.get(name)} then.")
    changed += [sentence for sentence in result.degraded if sentence not in trace.get("degraded", ())]
    return changed


def _documents(rx: Connection, contexts: Sequence[ScoredChunk]) -> list[str]:
    changed = []
    for document_id, version, source in dict.fromkeys(
        (context.chunk.document_id, context.chunk.version, context.source) for context in contexts
    ):
        if sentence := change_of(rx, document_id, version, source):
            changed.append(sentence)
    return changed


def change_of(rx: Connection, document_id: str, version: int, source: str) -> str | None:
    """Say what became of a document that an answer was written from; ``None`` when it serves as it was."""
    try:
        document = documents.get(rx, document_id)
    except NotFoundError:
        return f"{source or 'A document'} was {'removed' if source else 'erased'} since."
    if not document.enabled:
        return f"{document.source} is switched off now."
    if document.serving_version != version:
        return f"{document.source} changed since."
    return None
