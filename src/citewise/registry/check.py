"""Is the registry whole? What SQLite can tell, and what only its content shows.

Everything is read through a connection of its own that cannot write, also while the
registry is in use.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from citewise.errors import RegistryError
from citewise.registry.failures import as_sentences, is_damage
from citewise.registry.ids import hash_text
from citewise.registry.journal import damage_of_journal, journal_of
from citewise.registry.mark import Mark
from citewise.registry.schema import is_newer, revision_of
from citewise.types import Chunk
from citewise.upkeep import Problem

MOST_PROBLEMS = 100
"""Reported of each part; after that it is clear that a backup is needed."""

ROWS_AT_ONCE = 1_000
NORM_TOLERANCE = 1e-3  # of unit vectors in single precision
PIECE = 1 << 20  # bytes


def check_registry(path: Path, *, deep: bool) -> list[Problem]:
    """Return what is wrong with a registry; nothing if it is whole, or not there yet.

    Args:
        path: The database; its originals are in ``blobs`` beside it.
        deep: Whether to compare the content too, where the structure is sound.

    Raises:
        RegistryError: It cannot be read.
    """
    return check_structure(path) or (list(check_content(path)) if deep else [])


def check_structure(path: Path) -> list[Problem]:
    """Return what SQLite and the mark beside it say is wrong: journal, commits, pages, indexes, references.

    Half a transaction, left by a journal that went missing, shows in ``integrity_check``: it
    compares tables with their indexes, which ``quick_check`` does not. Where a transaction was
    cut off and has no journal, texts and vectors are compared with their hashes too.

    Raises:
        RegistryError: It cannot be read.
    """
    mark = Mark(path)
    commits, bare = mark.commits, mark.lacks_journal  # before a journal is used up
    try:
        if not path.is_file() or path.stat().st_size == 0:
            lost = Problem("registry", f"it is empty or missing, although {commits:,} changes had been stored in it")
            return [lost] if commits else []
        damage = damage_of_journal(journal_of(path))
    except OSError as error:
        raise RegistryError(f"The registry {path} cannot be read ({error.strerror or error}).") from error
    if damage:
        return [Problem("journal", damage)]
    with as_sentences(path):
        try:
            problems = _structure(path, commits)
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                return [Problem("registry", str(error))]
            raise
    if bare and not problems:
        problems = list(check_content(path, originals=False))
    return problems


def _structure(path: Path, commits: int) -> list[Problem]:
    _play_back_journal(path)
    with closing(_open(path)) as connection:
        (there,) = connection.execute("PRAGMA user_version").fetchone()
        if there < commits:
            missing = f"its last {commits - there:,} changes are missing: its log was cut off, or it is an older copy"
            return [Problem("registry", f"{missing} (to go on with it as it is, delete registry.mark)")]
        said = [row[0] for row in connection.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})")]
        problems = [Problem("registry", " ".join(str(line).split())) for line in said if line != "ok"]
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(MOST_PROBLEMS):
            problems.append(Problem("registry", f"row {row} of {table} refers to a row of {parent} that is not there"))
        return problems


def _play_back_journal(path: Path) -> None:
    """Let SQLite undo what a crash left half done, which it cannot when it may only read."""
    journal = journal_of(path)
    if journal.is_file() and journal.stat().st_size:
        with closing(sqlite3.connect(path, timeout=5)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def check_content(path: Path, *, originals: bool = True) -> Iterator[Problem]:
    """Yield what does not fit together: texts and chunks, vectors, conversations, originals.

    Every step is a short read of its own, so that nobody has to wait. A registry of a newer
    Citewise is passed over.

    Args:
        path: The database.
        originals: Whether to read the originals too, which may be much larger.

    Raises:
        RegistryError: It cannot be read.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return
    with as_sentences(path), closing(_open(path)) as connection:
        if is_newer(revision_of(connection)):
            return
        yield from _texts(connection)
        yield from _embeddings(connection)
        yield from _conversations(connection)
        if originals:
            yield from _originals(connection, path.with_name("blobs"))


_PACKED = ("pages", "blocks", "page_reports", "places", "words")


def _texts(connection: sqlite3.Connection) -> Iterator[Problem]:
    keys = connection.execute("SELECT document_id, version FROM versions").fetchall()
    there = {row[1] for row in connection.execute("PRAGMA table_info(texts)")}  # older schemas have fewer
    columns = ", ".join(name for name in _PACKED if name in there)
    for key in keys:
        with _one_moment(connection):
            known = connection.execute(
                "SELECT documents.source, versions.status FROM versions JOIN documents "
                "ON documents.id = versions.document_id WHERE versions.document_id = ? AND versions.version = ?",
                key,
            ).fetchone()
            found = connection.execute(
                f"SELECT text, {columns} FROM texts WHERE document_id = ? AND version = ?",  # noqa: S608 - our own names
                key,
            ).fetchone()
            chunks = connection.execute(
                'SELECT start, "end", text, context, text_hash, headings FROM chunks '
                "WHERE document_id = ? AND version = ?",
                key,
            ).fetchall()
        if known is None:  # purged meanwhile
            continue
        name = f"{known[0]} (version {key[1]})"
        if found is None:
            if chunks or known[1] == "ready":
                yield Problem("text", f"the text of {name} is missing")
            continue
        text, *packed = found
        wrong = sum(not _fits(text, row) for row in chunks)
        if wrong:
            yield Problem("chunks", f"{wrong:,} of {len(chunks):,} chunks of {name} are not what was stored")
        if not all(_unpacks(value) for value in packed if value is not None):
            yield Problem("text", f"the page map of {name} cannot be read")


def _fits(document: str, row: tuple[int, int, str, str, str, str]) -> bool:
    start, end, text, context, text_hash, headings = row
    try:
        whole = Chunk("", "", 0, 0, start, end, None, None, (), text, context).full_text
        return document[start:end] == text and _is_json(headings) and hash_text(whole) == text_hash
    except (TypeError, AttributeError):  # another kind of value than was stored
        return False


def _unpacks(packed: bytes) -> bool:
    try:
        return _is_json(zlib.decompress(packed))  # which has a checksum of its own
    except (zlib.error, TypeError):
        return False


def _is_json(text: str | bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, TypeError):
        return False
    return True


def _embeddings(connection: sqlite3.Connection) -> Iterator[Problem]:
    dimensions = dict(connection.execute("SELECT embedder, dimension FROM generations").fetchall())
    wrong: Counter[str] = Counter()
    for fingerprint, vector in _rows(connection, "embeddings", "fingerprint, vector"):
        wrong[fingerprint] += not _is_unit_vector(vector, dimensions.get(fingerprint))
    for fingerprint, count in wrong.items():
        if count:
            yield Problem("embeddings", f"{count:,} vectors of {fingerprint} are damaged")


def _is_unit_vector(vector: bytes, dimension: int | None) -> bool:
    if not vector or len(vector) % 4 or (dimension is not None and len(vector) != 4 * dimension):
        return False
    numbers = np.frombuffer(vector, dtype="<f4").astype(np.float64)
    return bool(abs(np.dot(numbers, numbers) - 1) < 2 * NORM_TOLERANCE)


def _conversations(connection: sqlite3.Connection) -> Iterator[Problem]:
    answers = _rows(connection, "turns", "evidence, citations, contexts, trace, conflicts")
    broken = sum(not all(map(_is_json, row)) for row in answers)
    if broken:
        yield Problem("conversations", f"{broken:,} answers cannot be read")


def _originals(connection: sqlite3.Connection, blobs: Path) -> Iterator[Problem]:
    for content_hash, source in connection.execute(
        "SELECT versions.content_hash, min(documents.source) FROM versions "
        "JOIN documents ON documents.id = versions.document_id GROUP BY versions.content_hash"
    ).fetchall():
        found = hash_of(blobs / content_hash[:2] / content_hash)
        if found == content_hash:
            continue
        referred = connection.execute("SELECT 1 FROM versions WHERE content_hash = ?", (content_hash,)).fetchone()
        if referred:  # else it was purged meanwhile
            what = "is missing" if found is None else "is damaged"
            yield Problem("originals", f"the original of {source} {what}")


def _rows(connection: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table in many short reads."""
    after = 0
    statement = f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT {ROWS_AT_ONCE}"  # noqa: S608 - our own names
    while rows := connection.execute(statement, (after,)).fetchall():
        after = rows[-1][0]
        yield from (row[1:] for row in rows)


@contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def hash_of(path: Path) -> str | None:
    """Return the SHA-256 of a file in hex; ``None`` when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    except OSError:
        return None
    return digest.hexdigest()


def _open(path: Path) -> sqlite3.Connection:
    # Nothing is written through it, not even at its end: with a write-ahead log the last
    # connection that may write moves the log into the file and deletes it.
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5, isolation_level=None)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    return connection
