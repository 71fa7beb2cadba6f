"""Erasing removed documents for good, and proving it: the steps of ``citewise index compact``.

``erase`` takes them out of the registry and the blobs. The caller then builds the indexes
anew and deletes the former files, and ``prove`` looks in every byte of the data directory
for samples of what was erased. A crash between any two steps is harmless: the next run does
what is left to do, but cannot look for words that nobody knows any more, and says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select

from citewise.failpoints import failpoint
from citewise.registry import quotes as quoted
from citewise.registry import removal
from citewise.registry.blobs import Blobs
from citewise.registry.database import Registry
from citewise.registry.needles import Needles, Place, distinctive, find_needles, fingerprints
from citewise.registry.sql import batches
from citewise.registry.tables import chunks, documents, embeddings, jobs, versions, watched_files

MODELS = "models"  # weights, in the data directory
_REPLACED = "replaced-"  # folders of what a restore replaced
_PUT_ASIDE = "The folder that a restore put aside,"
_LISTED = 5  # places named in the sentence; the report has all
OUTSIDE = (
    "Backups that were made before, and snapshots of the file system, still hold what was erased.",
    "What was deleted from a disk can be read from its unused blocks until they are written again.",
)


@dataclass(frozen=True, slots=True, repr=False)
class Erased:
    """What an erasure did; ``prove`` needs it. Kept in memory only, for it knows what was erased."""

    documents: int
    chunks: int
    vectors: int
    blobs: int
    quotes: int  # blanked
    earlier: int  # documents that were erased before, without a proof
    bytes_before: int  # of the data directory
    needles: Needles


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What was erased, where it was looked for, and what stays. Holds no word of it."""

    documents: int
    chunks: int
    vectors: int
    blobs: int
    bytes_freed: int
    earlier: int  # documents erased before, whose words could not be looked for any more
    needles: int  # samples looked for
    documents_sampled: int
    documents_without_needles: int  # nothing of theirs stood in them alone
    files_searched: int
    bytes_searched: int
    found: tuple[str, ...]  # where, as sentences
    quotes_blanked: int
    quotes_kept: tuple[tuple[str, str, int, str], ...]  # conversation, turn, marker, document
    names_kept: int  # of files that still lie in watched folders
    outside: tuple[str, ...]  # what no search reaches, as sentences

    @property
    def sentence(self) -> str:
        """The report for a person."""
        parts = [self._erased(), self._searched()]
        if self.quotes_kept:
            answers = len({turn for _, turn, _, _ in self.quotes_kept})
            parts.append(
                f"{_counted(len(self.quotes_kept), 'quote')} of erased documents "
                f"{'stays' if len(self.quotes_kept) == 1 else 'stay'} in {_counted(answers, 'old answer')}; "
                "`citewise remove --purge DOC` blanks those too."
            )
        if self.names_kept:
            parts.append(
                f"{_counted(self.names_kept, 'file')} of erased documents still "
                f"{'lies in a watched folder and is' if self.names_kept == 1 else 'lie in watched folders and are'} "
                "not taken in again."
            )
        return " ".join(part for part in (*parts, *self.outside) if part)

    def as_json(self) -> dict[str, Any]:
        """The report as it is stored and shown."""
        return {**asdict(self), "sentence": self.sentence}

    def _erased(self) -> str:
        if not self.documents:
            return "There was no removed document to erase."
        return (
            f"{_counted(self.documents, 'document')} with {_counted(self.chunks, 'chunk')} and "
            f"{_counted(self.vectors, 'vector')} {'is' if self.documents == 1 else 'are'} erased."
        )

    def _searched(self) -> str:
        parts = []
        if self.needles:
            where = f"{_counted(self.files_searched, 'file')} ({self.bytes_searched / 1e6:,.1f} MB)"
            parts.append(
                f"{_counted(self.needles, 'sample')} of what they held "
                f"{'was' if self.needles == 1 else 'were'} looked for in every byte of {where}: "
                f"{' '.join(self.found[:_LISTED]) if self.found else 'none was found.'}"
            )
        if len(self.found) > _LISTED:
            parts.append(f"And in {len(self.found) - _LISTED:,} more places.")
        if any(not sentence.startswith(_PUT_ASIDE) for sentence in self.found):
            parts.append("Run `citewise index compact` again when nothing else goes on.")
        if self.documents_without_needles:
            parts.append(
                f"{_counted(self.documents_without_needles, 'document')} held nothing that stands in no other, "
                "so there was nothing to look for."
            )
        if self.earlier:
            parts.append(
                f"{_counted(self.earlier, 'document')} {'was' if self.earlier == 1 else 'were'} erased before, by "
                "`remove --purge` or by a run that was cut off: the indexes were built anew without them, but their "
                "words were forgotten with them and could not be looked for."
            )
        return " ".join(parts)


def erase(registry: Registry, blobs: Blobs, *, quotes: bool = False) -> Erased:
    """Erase all removed documents from the registry, the blobs and the logs of its directory.

    Args:
        registry: Of the data directory.
        blobs: Of the same.
        quotes: Whether to blank the quotes that old answers keep, of documents erased before too.

    Raises:
        RegistryError: There is no room to write the registry anew, or it cannot be written. What
            was done until then stands, and may be repeated.
    """
    home = registry.path.parent
    before = directory_bytes(home)
    with registry.write() as tx:
        earlier = int(tx.scalar(select(func.count(jobs.c.document_id.distinct())).where(_is_gone())) or 0)
        removed = removal.removed_ids(tx)
        candidates = fingerprints(tx, removed)
        purged = erase_removed(tx, quotes=quotes)
    failpoint("erase-rows-gone")
    deleted = delete_unreferred(registry, blobs)
    failpoint("erase-blobs-gone")
    registry.pack()
    failpoint("erase-registry-packed")
    empty_logs(home)
    return Erased(
        documents=len(removed),
        chunks=len(purged.chunk_ids),
        vectors=purged.vectors,
        blobs=deleted,
        quotes=purged.quotes,
        earlier=earlier,
        bytes_before=before,
        needles=distinctive(registry, candidates, quotes=not quotes, besides=[home / MODELS]),
    )


def erase_removed(tx: Connection, *, quotes: bool) -> removal.Purged:
    """Erase the rows of all removed documents, and vectors that no chunk has any more.

    Args:
        tx: A write transaction.
        quotes: Whether to blank the quotes that old answers keep, of documents erased before too.
    """
    ids = removal.removed_ids(tx)
    if quotes:
        ids += sorted({quote.document_id for quote in quoted.of_erased(tx)})
    purged = removal.purge(tx, ids, quotes=quotes)
    # An earlier cut of an erased document may have left some.
    tx.execute(delete(embeddings).where(embeddings.c.text_hash.not_in(select(chunks.c.text_hash))))
    return purged


def delete_unreferred(registry: Registry, blobs: Blobs) -> int:
    """Delete uploaded bytes that no version of a document refers to; returns how many files.

    Uploads that are being taken in wait meanwhile.
    """
    with blobs.lock:
        stored = blobs.stored()
        known: set[str] = set()
        with registry.read() as rx:
            for batch in batches(stored):
                known.update(
                    rx.scalars(select(versions.c.content_hash).where(versions.c.content_hash.in_(batch)).distinct())
                )
        unknown = [content_hash for content_hash in stored if content_hash not in known]
        for content_hash in unknown:
            blobs.delete(content_hash)
    return len(unknown)


def empty_logs(home: Path) -> None:
    """Empty the log files of a data directory: their lines may name files and quote from them."""
    for path in home.glob("*.log*"):
        if path.is_file():
            os.truncate(path, 0)


def prove(registry: Registry, erased: Erased, *, stopping: Callable[[], bool] = lambda: False) -> ErasureReport:
    """Look for samples of what was erased in every byte of the data directory, and say what was found.

    Call it once the indexes were built anew and the former files are gone. With it the work
    on what was erased so far is done.

    Args:
        registry: Of the data directory.
        erased: What ``erase`` returned.
        stopping: Asked now and then; the search ends early, and nothing counts as done.
    """
    home = registry.path.parent
    search = find_needles(home, registry, erased.needles, stopping=stopping)
    with registry.read() as rx:
        kept = quoted.of_erased(rx)
        names = rx.scalar(select(func.count()).where(watched_files.c.document_id.not_in(select(documents.c.id))))
    report = ErasureReport(
        documents=erased.documents,
        chunks=erased.chunks,
        vectors=erased.vectors,
        blobs=erased.blobs,
        bytes_freed=max(0, erased.bytes_before - directory_bytes(home)),
        earlier=erased.earlier,
        needles=len(erased.needles),
        documents_sampled=len(erased.needles.of_documents),
        documents_without_needles=erased.needles.documents_without,
        files_searched=search.files,
        bytes_searched=search.bytes,
        found=_told(search.found),
        quotes_blanked=erased.quotes,
        quotes_kept=tuple((one.conversation_id, one.turn_id, one.marker, one.document_id) for one in kept),
        names_kept=int(names or 0),
        outside=OUTSIDE,
    )
    failpoint("erase-proved")
    if not stopping():
        with registry.write() as tx:
            # Their jobs were all that told of them: from here on nothing is left to do.
            tx.execute(delete(jobs).where(_is_gone()))
    return report


def directory_bytes(directory: Path) -> int:
    """Return what the files of a directory take."""
    total = 0
    for path in directory.rglob("*"):
        with suppress(FileNotFoundError):  # just deleted
            total += path.stat().st_size if path.is_file() else 0
    return total


def _told(found: Sequence[Place]) -> tuple[str, ...]:
    folders = dict.fromkeys(place.file.partition("/")[0] for place in found if place.file.startswith(_REPLACED))
    return (
        *(f"{_PUT_ASIDE} {name}, holds some of it; delete it when you need it no more." for name in folders),
        *(f"{place.kind.capitalize()} in {place.file}." for place in found if not place.file.startswith(_REPLACED)),
    )


def _is_gone() -> ColumnElement[bool]:
    return jobs.c.document_id.not_in(select(documents.c.id))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
