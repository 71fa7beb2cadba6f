"""From settings to an open engine: the one module that names back-ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, cast

from pydantic import SecretStr

from citewise.answer.anthropic import AnthropicModel
from citewise.answer.blocks import BlocksOfChunks
from citewise.answer.extractive import ExtractiveModel
from citewise.answer.jobs import AnswerRunner
from citewise.answer.models import ChatModels, Provider
from citewise.answer.openai import Account, OpenAIModel, Parameters
from citewise.answer.quotable import BlocksOf
from citewise.answer.sentences import sentence_spans
from citewise.asking import Asking
from citewise.embed.cohere import cohere_embedder
from citewise.embed.embedders import Embedders
from citewise.embed.local import LocalEmbedder
from citewise.embed.openai import openai_embedder
from citewise.engine import Engine
from citewise.errors import SettingsError
from citewise.evaluate.compare import compare_generations
from citewise.index.budget import index_bytes, require_memory
from citewise.index.chroma import ChromaIndex
from citewise.index.generations import GenerationFiles
from citewise.index.maintenance import Parts
from citewise.index.manager import IndexManager
from citewise.index.process import IndexProcess
from citewise.index.tantivy import TantivyIndex
from citewise.ingest.originals import Originals
from citewise.ingest.pipeline import Pipeline
from citewise.ingest.prepare import Splitter, prepare, splitter_for
from citewise.ingest.runner import IngestRunner
from citewise.ingest.watch import FolderWatcher
from citewise.observe.metrics import metrics
from citewise.protocols import ChatModel, Embedder, RelevanceModel
from citewise.providers.calls import Throttle
from citewise.registry import erasure, serving
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.registry.owner import OwnerLock
from citewise.registry.space import require_free
from citewise.retrieve.asked import AskedQuestions
from citewise.retrieve.cohere import CohereReranker
from citewise.retrieve.cross_encoder import CrossEncoderModel
from citewise.retrieve.hybrid import Retriever
from citewise.retrieve.rerank import LinearReranker
from citewise.retrieve.rerankers import Rerankers, unknown_reranker
from citewise.retrieve.search import Searcher
from citewise.settings import ModelProfile, Settings
from citewise.types import ModelInfo


def open_engine(
    settings: Settings, *, open_embedder: Callable[[str], Embedder] | None = None, patient: bool = False
) -> Engine:
    """Take the data directory, open everything in it and go on with what was left.

    Returns at once: the indexes and the embedding model are opened in the background, and
    whoever needs them waits.

    Args:
        settings: Where and how.
        open_embedder: Used instead of the back-ends here, from PROVIDER:NAME; for tests.
        patient: Let searches wait until their reranking model is loaded instead of doing without it;
            for a process that answers one question and ends.

    Raises:
        DirectoryInUseError: Another process has the directory.
        RegistryError: The directory or the registry cannot be used.
        SettingsError: A setting names something that does not exist.
        NotFoundError: There is no reranker of the name that the settings say.
        ProviderError: The embedding or reranking model is not on this machine, or has no key.
    """
    with ExitStack() as stack:
        lock = OwnerLock(settings.home)
        stack.callback(lock.release)
        registry = Registry(settings.home, unclean=lock.unclean)
        stack.callback(registry.close)
        blobs = Blobs(settings.home, keep_free=settings.ingest.keep_free_mb * 10**6)
        embedders = Embedders(open_embedder or embedder_opener(settings))
        stack.callback(embedders.close)
        embedding_model = _embedding_model(settings)
        embedders.get(embedding_model)  # a wrong name is said now

        def splitter(embedder: Embedder) -> Splitter:
            return splitter_for(
                embedder,
                strategy=settings.split.strategy,
                size=settings.split.size,
                overlap=settings.split.overlap,
            )

        parts = Parts(
            home=settings.home,
            registry=registry,
            files=GenerationFiles(
                settings.home / "index",
                open_vectors=ChromaIndex,
                open_keywords=TantivyIndex,
            ),
            process=IndexProcess([sys.executable, "-m", "citewise.index_process"], inherited=[lock.fileno()]),
            embedder_of=embedders.get,
            model=embedding_model,
            splitter_of=lambda embedder: splitter(embedder).fingerprint,
            prepare=lambda entries, *, embedder, on_progress, stopping: prepare(
                entries,
                registry=registry,
                embedder=embedder,
                splitter=splitter(embedder),
                on_progress=on_progress,
                stopping=stopping,
            ),
            compare=lambda serving, candidate, *, options, on_progress, stopping: compare_generations(
                serving,
                candidate,
                registry=registry,
                search=searcher.search,
                spans_of=sentence_spans,
                options=options,
                on_progress=on_progress,
                stopping=stopping,
            ),
            erase=lambda options: erasure.erase(registry, blobs, quotes=bool(options.get("quotes"))),
            prove=lambda erased, *, stopping: erasure.prove(
                registry, cast(erasure.Erased, erased), stopping=stopping
            ).as_json(),
            check_room=partial(_check_room, settings),
        )
        index = IndexManager(parts, full_rebuild_above=settings.index.full_rebuild_above)
        stack.callback(index.close)
        ingest = IngestRunner(
            registry=registry,
            make_pipeline=lambda runner: Pipeline(
                registry=registry,
                blobs=blobs,
                embedder=index.embedder,
                writing=index.writing,
                splitter=splitter,
                parse_seconds=settings.ingest.parse_seconds,
                parse_memory_mb=settings.ingest.parse_memory_mb,
                ocr_languages=settings.ingest.ocr_languages,
                ocr_seconds=settings.ingest.ocr_seconds,
                cancelled=runner.cancelled,
                stopping=runner.stopping,
            ),
        )
        stack.callback(ingest.close)

        def end_waiting() -> None:
            # Work that waits for a remote model would keep the end waiting, so its calls are
            # ended, once it knows why: else it would take the end for a failure.
            ingest.stop()
            index.stop()
            embedders.close()

        stack.callback(end_waiting)
        watcher = FolderWatcher(
            registry=registry,
            blobs=blobs,
            limit_bytes=settings.ingest.max_file_mb * 10**6,
            data_directory=settings.home,
            wake_ingest=ingest.wake,
            came_back=index.sync,
        )
        stack.callback(watcher.close)
        rerankers = Rerankers(
            LinearReranker(),
            open_model=partial(_open_relevance_model, settings),
            default=settings.search.reranker,
            patient=patient,
        )
        stack.callback(rerankers.close)
        retriever = Retriever(
            indexes=index.lease,
            join=_joiner(registry),
            fetch_k=settings.search.fetch_k,
            fusion=settings.search.fusion,
            rerankers=rerankers,
        )
        stack.callback(retriever.close)
        searcher: Searcher = Searcher(
            registry, retriever, variants=settings.search.variants, per_document=settings.search.per_document
        )
        answers = AnswerRunner(registry)
        stack.callback(answers.close)
        originals = Originals(
            registry,
            blobs,
            parse_seconds=settings.ingest.parse_seconds,
            parse_memory_mb=settings.ingest.parse_memory_mb,
        )
        asked = AskedQuestions(registry, index.embedder)
        blocks = BlocksOfChunks(registry)
        models = _chat_models(settings, index.embedder, blocks)
        engine = Engine(
            settings=settings,
            lock=lock,
            registry=registry,
            blobs=blobs,
            index=index,
            originals=originals,
            asking=Asking(
                registry=registry,
                blocks=blocks,
                index=index,
                originals=originals,
                searcher=searcher,
                asked=asked,
                models=models,
                answers=answers,
                settings=settings.answer,
                k=settings.search.k,
            ),
            asked=asked,
            models=models,
            ingest=ingest,
            watcher=watcher,
            answers=answers,
            close=lambda: opened.close(),  # noqa: PLW0108 - made below
        )
        index.start()
        ingest.start()
        watcher.start()
        answers.start()
        rerankers.start()
        opened: ExitStack = stack.pop_all()
        return engine
    raise AssertionError("unreachable")  # an ExitStack swallows nothing


def _check_room(settings: Settings, rows: int, dimension: int) -> None:
    """Pass if an index of so many vectors fits into memory and onto the disk."""
    require_memory(rows, dimension)
    require_free(settings.home, index_bytes(rows, dimension), keep=settings.ingest.keep_free_mb * 10**6, times=1)


def _embedding_model(settings: Settings) -> str:
    """The model that the settings name, with the dimensions wanted: by this name a generation opens it again."""
    model, dimensions = settings.embed.model, settings.embed.dimensions
    if dimensions is None:
        return model
    if model.startswith("local:"):
        raise SettingsError(
            f"CITEWISE_EMBED__DIMENSIONS is set, but {model} runs on this machine and has vectors of one length. "
            "Unset it."
        )
    return f"{model.partition('@')[0]}@{dimensions}"


def embedder_opener(settings: Settings) -> Callable[[str], Embedder]:
    """From PROVIDER:NAME[@DIMENSIONS] to an embedder; remote ones share the limits of their account."""
    throttles = {
        provider: Throttle(
            requests_per_minute=settings.embed.requests_per_minute,
            tokens_per_minute=settings.embed.tokens_per_minute,
        )
        for provider in ("openai", "cohere")
    }

    def open_embedder(model: str) -> Embedder:
        provider, _, name = model.partition(":")
        remote: dict[str, Any] = {}
        if provider in throttles:
            name, _, dimensions = name.partition("@")
            if dimensions and not dimensions.isdecimal():
                raise SettingsError(f"The embedding model {model!r} has no number after its @. Correct it.")
            remote = {
                "dimensions": int(dimensions) if dimensions else None,
                "throttle": throttles[provider],
                "on_tokens": metrics().tokens_embedded,
            }
        match provider:
            case "local":
                return LocalEmbedder(name, batch=settings.embed.batch, models=settings.home / "models")
            case "openai":
                return openai_embedder(
                    name,
                    api_key=_secret(settings.openai_api_key),
                    base_url=settings.openai_base_url,
                    batch=settings.embed.batch,
                    **remote,
                )
            case "cohere":
                return cohere_embedder(
                    name, api_key=_secret(settings.co_api_key), base_url=settings.co_api_url, **remote
                )
            case _:
                raise SettingsError(
                    f"The embedding model {model!r} names an unknown provider. CITEWISE_EMBED__MODEL must look like "
                    "`local:all-MiniLM-L6-v2`, `openai:text-embedding-3-small` or `cohere:embed-v4.0`."
                )

    return open_embedder


def _open_relevance_model(settings: Settings, reranker: str) -> RelevanceModel:
    provider, _, name = reranker.partition(":")
    budget_ms = settings.search.rerank_ms
    match provider:
        case "cross-encoder":
            return CrossEncoderModel(name, budget_ms=budget_ms)
        case "cohere":
            return CohereReranker(
                name,
                api_key=_secret(settings.co_api_key),
                base_url=settings.co_api_url,
                budget_ms=budget_ms,
                on_searches=metrics().reranks_billed,
            )
        case _:
            raise unknown_reranker(reranker)


def _secret(key: SecretStr | None) -> str:
    return key.get_secret_value() if key else ""


def _joiner(registry: Registry) -> Callable[[Sequence[str], str, str], Mapping[str, serving.Joined]]:
    def join(chunk_ids: Sequence[str], collection_id: str, generation_id: str) -> Mapping[str, serving.Joined]:
        with registry.read() as rx:
            return serving.join(rx, chunk_ids, collection_id, generation_id=generation_id)

    return join


def offered_models(settings: Settings) -> list[ModelInfo]:
    """The chat models that can be chosen with these settings, the default first; opens nothing."""

    def no_embedder() -> Embedder:
        raise AssertionError("a list of models asks none")

    return _chat_models(settings, no_embedder).offered()


def _chat_models(settings: Settings, embedder: Callable[[], Embedder], blocks_of: BlocksOf | None = None) -> ChatModels:
    answer = settings.answer
    limits: dict[str, Any] = {
        "context_tokens": answer.context_tokens,
        "output_tokens": answer.output_tokens,
        "connect_s": answer.connect_s,
        "first_token_s": answer.first_token_s,
        "between_tokens_s": answer.between_tokens_s,
        "total_s": answer.total_s,
    }

    def openai(name: str) -> ChatModel:
        return OpenAIModel(name, api_key=settings.openai_api_key, base_url=settings.openai_base_url, **limits)

    def anthropic(name: str) -> ChatModel:
        return AnthropicModel(name, api_key=settings.anthropic_api_key, base_url=settings.anthropic_base_url, **limits)

    def extractive(_: str) -> ChatModel:
        return ExtractiveModel(embedder(), blocks_of=blocks_of)

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
            *(_profile(profile, limits) for profile in answer.profiles),
            Provider("extractive", "Quotes only (no model)", ("",), extractive),
        ],
        default=answer.model,
    )


def _profile(profile: ModelProfile, limits: Mapping[str, Any]) -> Provider:
    account = Account(
        provider=profile.name,
        label=profile.name,
        key_variable=profile.key_variable or "CITEWISE_ANSWER__PROFILES",
        url_variable="CITEWISE_ANSWER__PROFILES",
    )
    parameters = Parameters(length=profile.length, temperature=profile.temperature, usage=profile.usage)
    context_tokens = min(profile.context_tokens or limits["context_tokens"], limits["context_tokens"])

    def make(name: str) -> ChatModel:
        return OpenAIModel(
            name,
            api_key=profile.key,
            base_url=profile.base_url,
            account=account,
            parameters=parameters,
            **{**limits, "context_tokens": context_tokens},
        )

    without_key = profile.key_variable and not profile.key
    missing = f"Set {profile.key_variable} and start again." if without_key else ""
    return Provider(profile.name, profile.name, profile.models, make, missing)
