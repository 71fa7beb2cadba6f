"""From settings to an open engine: the one module that names back-ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from citewise.answer.anthropic import AnthropicModel
from citewise.answer.extractive import ExtractiveModel
from citewise.answer.jobs import AnswerRunner
from citewise.answer.models import ChatModels, Provider
from citewise.answer.openai import OpenAIModel
from citewise.embed.local import LocalEmbedder
from citewise.engine import Engine
from citewise.errors import SettingsError
from citewise.index.chroma import ChromaIndex
from citewise.index.generations import Indexes, open_indexes
from citewise.index.tantivy import TantivyIndex
from citewise.ingest import split
from citewise.ingest.pipeline import Pipeline, Splitter
from citewise.ingest.runner import IngestRunner
from citewise.protocols import ChatModel, Embedder
from citewise.registry import generations, serving
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.registry.owner import OwnerLock
from citewise.retrieve.hybrid import Retriever
from citewise.retrieve.rerank import LinearReranker
from citewise.settings import Settings

SPECIAL_TOKENS = 2
"""What the embedding model adds to every text: one token before, one after."""


def open_engine(settings: Settings, *, embedder: Embedder | None = None) -> Engine:
    """Take the data directory, open everything in it and go on with what was left.

    Returns at once: the indexes and the embedding model are opened in the background, and
    whoever needs them waits.

    Args:
        settings: Where and how.
        embedder: Used instead of the one that the settings name; for tests.

    Raises:
        DirectoryInUseError: Another process has the directory.
        RegistryError: The directory or the registry cannot be used.
        SettingsError: The settings do not fit what is stored.
        ProviderError: The embedding model is not on this machine.
    """
    with ExitStack() as stack:
        lock = OwnerLock(settings.home)
        stack.callback(lock.release)
        registry = Registry(settings.home)
        stack.callback(registry.close)
        blobs = Blobs(settings.home)
        local = None
        if embedder is None:
            embedder = local = _local_embedder(settings)
            stack.callback(local.close)
        splitter = _splitter(settings, embedder)
        _check_model(registry, embedder)
        indexes = _open_indexes_in_background(settings.home / "index", registry, embedder, splitter, stack)
        ingest = IngestRunner(
            registry=registry,
            make_pipeline=lambda runner: Pipeline(
                registry=registry,
                blobs=blobs,
                embedder=embedder,
                indexes=indexes.result,
                splitter=splitter,
                parse_seconds=settings.ingest.parse_seconds,
                parse_memory_mb=settings.ingest.parse_memory_mb,
                cancelled=runner.cancelled,
                stopping=runner.stopping,
            ),
        )
        stack.callback(ingest.close)
        retriever = Retriever(
            embedder=embedder,
            indexes=indexes.result,
            join=_joiner(registry),
            fetch_k=settings.search.fetch_k,
            reranker=LinearReranker(),
        )
        stack.callback(retriever.close)
        answers = AnswerRunner(registry)
        stack.callback(answers.close)
        if local:
            local.start()
        ingest.start()
        answers.start()
        return Engine(
            settings=settings,
            lock=lock,
            registry=registry,
            blobs=blobs,
            embedder_state=(lambda: local.state) if local else (lambda: "ready"),
            indexes=indexes,
            retriever=retriever,
            models=_chat_models(settings, embedder),
            ingest=ingest,
            answers=answers,
            close=stack.pop_all().close,
        )
    raise AssertionError("unreachable")  # an ExitStack swallows nothing


def _local_embedder(settings: Settings) -> LocalEmbedder:
    provider, _, name = settings.embed.model.partition(":")
    match provider:
        case "local":
            return LocalEmbedder(name, batch=settings.embed.batch)
        case _:
            raise SettingsError(
                f"The embedding model {settings.embed.model!r} names an unknown provider. "
                "CITEWISE_EMBED__MODEL must look like `local:all-MiniLM-L6-v2`."
            )


def _splitter(settings: Settings, embedder: Embedder) -> Splitter:
    size = min(settings.split.size, embedder.max_tokens - SPECIAL_TOKENS)
    overlap = min(settings.split.overlap, size // 2)
    return Splitter(size, overlap, split.fingerprint(size=size, overlap=overlap, tokenizer=embedder.fingerprint))


def _check_model(registry: Registry, embedder: Embedder) -> None:
    with registry.read() as rx:
        active = generations.active(rx)
    if active and active.embedder != embedder.fingerprint:
        raise SettingsError(
            f"The documents here were embedded with {active.embedder}, but the settings name "
            f"{embedder.fingerprint}. Set CITEWISE_EMBED__MODEL back, or use another directory (CITEWISE_HOME)."
        )


def _open_indexes_in_background(
    directory: Path, registry: Registry, embedder: Embedder, splitter: Splitter, stack: ExitStack
) -> Future[Indexes]:
    """Start to open the serving generation; a new data directory gets its first."""

    def open_or_create() -> Indexes:
        with registry.write() as tx:
            active = generations.active(tx)
            generation = active or generations.create(
                tx, embedder=embedder.fingerprint, splitter=splitter.fingerprint, dimension=embedder.dimension
            )
        opened = open_indexes(
            directory,
            generation,
            create=active is None,
            open_vectors=ChromaIndex,
            open_keywords=TantivyIndex,
        )
        if active is None:
            with registry.write() as tx:
                generations.publish(tx, generation.id)
        return opened

    executor = ThreadPoolExecutor(1, thread_name_prefix="open-indexes")
    opening = executor.submit(open_or_create)
    executor.shutdown(wait=False)

    def close() -> None:
        if opening.exception() is None:  # waits for an opening that still goes on
            opening.result().close()

    stack.callback(close)
    return opening


def _joiner(registry: Registry) -> Callable[[Sequence[str], str], Mapping[str, serving.Joined]]:
    def join(chunk_ids: Sequence[str], collection_id: str) -> Mapping[str, serving.Joined]:
        with registry.read() as rx:
            return serving.join(rx, chunk_ids, collection_id)

    return join


def _chat_models(settings: Settings, embedder: Embedder) -> ChatModels:
    answer = settings.answer

    def openai(name: str) -> ChatModel:
        return OpenAIModel(
            name,
            api_key=settings.openai_api_key,
            base_url=settings.openai_base_url,
            context_tokens=answer.context_tokens,
            output_tokens=answer.output_tokens,
            connect_s=answer.connect_s,
            first_token_s=answer.first_token_s,
            between_tokens_s=answer.between_tokens_s,
            total_s=answer.total_s,
        )

    def anthropic(name: str) -> ChatModel:
        return AnthropicModel(
            name,
            api_key=settings.anthropic_api_key,
            base_url=settings.anthropic_base_url,
            context_tokens=answer.context_tokens,
            output_tokens=answer.output_tokens,
            connect_s=answer.connect_s,
            first_token_s=answer.first_token_s,
            between_tokens_s=answer.between_tokens_s,
            total_s=answer.total_s,
        )

    has_openai = settings.openai_api_key or settings.openai_base_url
    return ChatModels(
        [
            Provider(
                "openai",
                "OpenAI" if not settings.openai_base_url else "OpenAI-compatible",
                answer.openai_models,
                openai,
                ""
                if has_openai
                else "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a compatible server, and start again.",
            ),
            Provider(
                "anthropic",
                "Anthropic",
                answer.anthropic_models,
                anthropic,
                "" if settings.anthropic_api_key else "Set ANTHROPIC_API_KEY and start again.",
            ),
            Provider("extractive", "Quotes only (no model)", ("",), lambda _: ExtractiveModel(embedder)),
        ],
        default=answer.model,
    )
