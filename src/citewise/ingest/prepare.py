"""From what was read of a document to its chunks and their vectors, all in the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from citewise.errors import NotFoundError
from citewise.failpoints import failpoint
from citewise.ingest.split import Embed, fingerprint, split_document
from citewise.observe.metrics import metrics
from citewise.protocols import Embedder
from citewise.registry import documents, embeddings, held
from citewise.registry.database import Registry
from citewise.registry.held import Entry
from citewise.registry.ids import make_chunk_id
from citewise.registry.sql import batches
from citewise.types import Chunk, ParsedDocument, SplitStrategy, Vector, Vectors

EMBED_COMMIT = 64
"""Chunks embedded between two commits: what a kill can cost, about two seconds of work."""

SPECIAL_TOKENS = 2
"""What an embedding model adds to every text: one token before, one after."""

_AT_ONCE = 8  # documents whose texts are embedded together, so that small ones share their batches


@dataclass(frozen=True, slots=True)
class Splitter:
    """How documents are cut, and what identifies that way of cutting."""

    strategy: SplitStrategy
    size: int  # tokens, context included
    overlap: int  # tokens
    fingerprint: str
    embed: Embed  # for cutting by meaning


def splitter_for(embedder: Embedder, *, strategy: SplitStrategy, size: int, overlap: int) -> Splitter:
    """Fit the wanted sizes, in tokens, to what a model reads."""
    size = min(size, embedder.max_tokens - SPECIAL_TOKENS)
    overlap = min(overlap, size // 2)
    name = fingerprint(strategy=strategy, size=size, overlap=overlap, model=embedder.fingerprint)
    return Splitter(strategy, size, overlap, name, embedder.embed_documents)


def cut(
    parsed: ParsedDocument,
    *,
    document_id: str,
    version: int,
    title: str,
    splitter: Splitter,
    token_spans: Callable[[str], list[tuple[int, int]]],
    check: Callable[[], None],
) -> list[Chunk]:
    """Split a version of a document into chunks that have ids.

    Args:
        parsed: What was read of it.
        document_id: The document.
        version: Its version.
        title: Given at upload; empty takes the file's own.
        splitter: How.
        token_spans: Of the embedding model.
        check: Called before each batch of sentences that is embedded; raises to end early.

    Raises:
        ProviderError: Documents are cut by meaning, and the model failed.
    """
    if title:
        parsed = replace(parsed, title=title)

    def embed(texts: Sequence[str]) -> Vectors:
        check()
        return splitter.embed(texts)

    spans = split_document(
        parsed,
        strategy=splitter.strategy,
        size=splitter.size,
        overlap=splitter.overlap,
        token_spans=token_spans,
        embed=embed,
    )
    return [
        Chunk(
            id=make_chunk_id(
                document_id=document_id,
                version=version,
                ordinal=ordinal,
                start=span.start,
                end=span.end,
                splitter=splitter.fingerprint,
            ),
            document_id=document_id,
            version=version,
            ordinal=ordinal,
            start=span.start,
            end=span.end,
            page_first=span.page_first,
            page_last=span.page_last,
            headings=span.headings,
            text=parsed.text[span.start : span.end],
            context=span.context,
        )
        for ordinal, span in enumerate(spans)
    ]


def embed_missing(
    registry: Registry,
    embedder: Embedder,
    missing: Mapping[str, str],
    *,
    on_batch: Callable[[Mapping[str, Vector]], None] = lambda _: None,
    check: Callable[[], None],
) -> None:
    """Embed texts and store their vectors, a batch at a time.

    Args:
        registry: Where they are stored.
        embedder: The model.
        missing: Texts by hash.
        on_batch: Gets the new vectors by hash, once they are stored.
        check: Called before each batch; raises to end early.
    """
    for batch in batches(list(missing), EMBED_COMMIT):
        check()
        fresh = embedder.embed_documents([missing[text_hash] for text_hash in batch])
        new = dict(zip(batch, fresh, strict=True))
        metrics().texts_embedded(len(batch))
        failpoint("vectors-made")
        with registry.write() as tx:
            there = embeddings.of_chunks(tx, batch)
            embeddings.put_many(tx, embedder.fingerprint, {key: new[key] for key in batch if key in there})
        failpoint("vectors-stored")
        on_batch(new)


def prepare(
    entries: Sequence[Entry],
    *,
    registry: Registry,
    embedder: Embedder,
    splitter: Splitter,
    on_progress: Callable[[int], None],
    stopping: Callable[[], bool],
) -> None:
    """Make the chunks and vectors of versions that were read before, where they are not stored yet.

    Args:
        entries: What is wanted.
        registry: Has what was read of them.
        embedder: The model.
        splitter: Cuts those that are not cut yet; entries that are cut another way keep their cut.
        on_progress: Gets the number of documents done.
        stopping: Ends the work early; what was made stays.

    Raises:
        ProviderError: The model failed.
    """

    class _Enough(Exception):  # noqa: N818 - a signal
        pass

    def check() -> None:
        if stopping():
            raise _Enough

    with registry.read() as rx:
        todo = held.incomplete(rx, entries, embedder.fingerprint)
    done = len(entries) - len(todo)
    try:
        for group in batches(todo, _AT_ONCE):
            missing: dict[str, str] = {}
            for entry in group:
                check()
                with registry.read() as rx:
                    is_cut = held.is_cut(rx, entry)
                if not is_cut and entry.splitter == splitter.fingerprint:
                    with suppress(NotFoundError):  # purged meanwhile; whoever asked finds that out later
                        _cut_again(registry, entry, splitter, embedder, check)
                with registry.read() as rx:
                    missing |= held.missing_texts(rx, entry, embedder.fingerprint)
            embed_missing(registry, embedder, missing, check=check)
            done += len(group)
            on_progress(done)
    except _Enough:
        return


def _cut_again(
    registry: Registry, entry: Entry, splitter: Splitter, embedder: Embedder, check: Callable[[], None]
) -> None:
    with registry.read() as rx:
        parsed = documents.parsed(rx, entry.document_id, entry.version)
    chunks = cut(
        parsed,
        document_id=entry.document_id,
        version=entry.version,
        title="",
        splitter=splitter,
        token_spans=embedder.token_spans,
        check=check,
    )
    with registry.write() as tx:
        if not held.still_wanted(tx, [entry]):
            return  # removed meanwhile, perhaps for good
        documents.save_chunks(tx, entry.document_id, entry.version, chunks, splitter=splitter.fingerprint)
    failpoint("document-cut-again")
