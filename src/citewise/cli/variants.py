"""Runs a grid of variants, each on an engine of its own."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import ValidationError

from citewise.errors import CitewiseError, NotAllowedError, NotFoundError, QuestionError, SettingsError
from citewise.evaluate.run import How, Progress, add_all, evaluate_dataset, index
from citewise.evaluate.shared import SharedEmbedders
from citewise.evaluate.variants import Variant
from citewise.ingest.intake import TEXT_RECORD
from citewise.types import ARCHIVE, UNFINISHED, SearchMode, Upload

if TYPE_CHECKING:
    from citewise.engine import Engine
    from citewise.evaluate.datasets import Dataset
    from citewise.protocols import Embedder
    from citewise.settings import Settings

Opener = Callable[..., "Engine"]
"""Opens an engine: ``build.open_engine``."""

_AT_ONCE = 8  # files
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Bench:
    """What every variant of a grid is measured on.

    Documents that the set does not bring come from ``documents``, or else from the
    collection of the data directory.
    """

    settings: Settings
    dataset: Dataset
    how: How
    collection: str | None = None
    documents: Path | None = None  # a folder with files that the questions are about


def run_grid(
    bench: Bench,
    variants: Sequence[Variant],
    *,
    open_engine: Opener,
    open_embedder: Callable[[str], Embedder],
    progress: Progress,
    stopping: Callable[[], bool],
) -> list[dict[str, Any]]:
    """Measure every variant; returns their reports in order, each with ``name`` and ``settings``.

    Variants with the same index share one data directory; all share their models, and no text
    is embedded twice. Nothing is written into the data directory of the settings. A variant
    that fails is a report with ``error``; once ``stopping`` holds, the rest is left out.

    Raises:
        SettingsError: A value cannot be used; nothing was run.
        QuestionError: Likewise.
    """
    hows = {variant: _how(bench.how, variant) for variant in variants}
    wanted = {variant: changed(bench.settings, variant) for variant in variants}
    reports: dict[Variant, dict[str, Any]] = {}
    with ExitStack() as stack:
        shared = SharedEmbedders(open_embedder)
        stack.callback(shared.close)
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="citewise-eval-")))
        homes: dict[tuple[tuple[tuple[str, str], str], ...], tuple[Path, str]] = {}
        for number, variant in enumerate(variants, 1):
            if stopping():
                break

            def tell(
                what: str, done: int, total: int, *, label: str = f"{number}/{len(variants)} {variant.name}"
            ) -> None:
                progress(f"{label}: {what}", done, total)

            key = tuple(sorted(variant.overrides(indexed=True).items()))
            try:
                if key not in homes and not _in_place(bench, variant):
                    home = scratch / str(len(homes))
                    with opened(open_engine, wanted[variant], home, shared) as engine:
                        homes[key] = home, _fill(engine, bench, open_engine, tell, stopping)
                home, collection = homes.get(key) or (bench.settings.home, bench.collection or "default")
                with opened(open_engine, wanted[variant], home, shared) as engine:
                    report = evaluate_dataset(
                        engine,
                        bench.dataset,
                        how=hows[variant],
                        collection=collection,
                        progress=tell,
                        stopping=stopping,
                    )
            except NotAllowedError:
                if stopping():
                    break
                raise
            except CitewiseError as error:
                report = {"dataset": bench.dataset.name, "error": str(error)}
            reports[variant] = {"name": variant.name, "settings": dict(variant.values), **report}
    return [reports[variant] for variant in variants if variant in reports]


@contextmanager
def opened(open_engine: Opener, settings: Settings, home: Path, shared: SharedEmbedders) -> Iterator[Engine]:
    """Open an engine on a data directory, with models that outlive it."""
    engine = open_engine(settings.model_copy(update={"home": home}), open_embedder=shared.get, patient=True)
    try:
        yield engine
    finally:
        engine.close()


def changed(settings: Settings, variant: Variant) -> Settings:
    """Return the settings as a variant has them. Raises ``SettingsError`` for a value that cannot be used."""
    overrides = variant.overrides(indexed=True) | variant.overrides(indexed=False)
    for (section, field), value in overrides.items():
        own = getattr(settings, section)
        try:
            new = type(own)(**{**own.model_dump(), field: value})
        except ValidationError as error:
            why = "; ".join(problem["msg"] for problem in error.errors())
            raise SettingsError(f"{section}.{field} cannot be {value!r}: {why}.") from error
        settings = settings.model_copy(update={section: new})
    return settings


def _how(how: How, variant: Variant) -> How:
    if k := variant.get("k"):
        if not k.isdigit() or not 1 <= int(k) <= 300:
            raise QuestionError(f"k cannot be {k!r}: it is a whole number from 1 to 300.")
        how = replace(how, k=int(k))
    if mode := variant.get("mode"):
        if mode not in get_args(SearchMode):
            raise QuestionError(f"mode cannot be {mode!r}: it is one of {', '.join(get_args(SearchMode))}.")
        how = replace(how, mode=cast(SearchMode, mode))
    return how


def _in_place(bench: Bench, variant: Variant) -> bool:
    """Whether a variant is asked of the data directory itself: its own documents, with its own index."""
    brings = bench.dataset.records or bench.documents
    return not brings and not variant.overrides(indexed=True)


def _fill(engine: Engine, bench: Bench, open_engine: Opener, progress: Progress, stopping: Callable[[], bool]) -> str:
    """Give a new data directory the documents; returns their collection."""
    if bench.dataset.records and bench.collection is None:
        return index(engine, bench.dataset.records, progress, stopping)
    files = list(_files(bench.documents) if bench.documents else _library(bench, open_engine))
    uploads = (_upload(*file) for file in files)
    # A few at once: each is held in memory until it is stored.
    add_all(
        engine, uploads, collection="default", total=len(files), progress=progress, stopping=stopping, at_once=_AT_ONCE
    )
    while any(document.status in UNFINISHED for document in engine.documents(collection="default")):
        time.sleep(_POLL_S)  # what came out of archives
    return "default"


def _files(folder: Path) -> Iterator[tuple[str, Path, str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(folder).as_posix(), path, "", ""


def _library(bench: Bench, open_engine: Opener) -> list[tuple[str, Path, str, str]]:
    """The originals of a collection of the data directory: source, file, title, media type."""
    engine = open_engine(bench.settings)
    collection = bench.collection or "default"
    try:
        if not any(one.name == collection for one in engine.collections()):
            raise NotFoundError("collection", collection)
        found = []
        for document in engine.documents(collection=collection):
            # What came out of an archive is a document of its own.
            if document.serving_version and document.enabled and document.media_type != ARCHIVE:
                original = engine.original(document.id, version=document.serving_version)
                found.append((document.source, original.path, document.title, document.media_type))
        return found
    finally:
        engine.close()


def _upload(source: str, path: Path, title: str, media_type: str) -> Upload:
    if media_type == TEXT_RECORD:
        return Upload(source, text=path.read_text(encoding="utf-8"), title=title or None)
    return Upload(source, stream=io.BytesIO(path.read_bytes()), title=title or None)


def failed(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences: which variants failed, and why."""
    return [f"{one['name']}: {one['error']}" for one in reports if "error" in one]
