"""Proof that erased words are gone: samples of them, looked for in every byte of a directory.

Samples (needles) are taken before the erasure, of what stands nowhere else, and live in
memory only: what is stored of a search is where it found something, never what.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

import numpy as np
from sqlalchemy import ColumnElement, Connection, Integer, Table, exists, literal_column, select

from citewise.registry.database import Registry
from citewise.registry.tables import (
    chunks,
    collections,
    conversations,
    document_tags,
    documents,
    embeddings,
    feedback,
    metadata,
    texts,
    turns,
    versions,
    watched_folders,
)

_T = TypeVar("_T")

Kind = Literal["words", "a name", "a vector"]

WINDOW = 24
"""Characters of a piece of text that is looked for."""

_WANTED = 600  # needles of words in all, spread over the documents
_FEWEST, _MOST = 2, 40  # of one document
_SPARE = 4  # candidates for each needle that is wanted, since many stand elsewhere too
_VECTORS = 60  # documents whose vectors are looked for, one of each
_SHORTEST = 8  # bytes; shorter ones are found everywhere by chance
_LONGEST = 200  # characters of a name
_SAMPLED = 1_000  # documents at most
_PIECE = 1 << 24  # bytes searched at once
_ROWS = 50  # read at once

# On one line, with nothing that JSON would escape; three words at least where words are parted by blanks.
_PLAIN = r"[^\x00-\x1f\x7f\u0085\u2028\u2029\"\\]"
_WINDOW = re.compile(rf"(?<!\S)(?=(?:[^\s\"\\]+ ){{2}}){_PLAIN}{{{WINDOW}}}")
_ANY_WINDOW = re.compile(rf"{_PLAIN}{{{_SHORTEST},{WINDOW}}}")
# Names and numbers that nobody else has; dates are everywhere.
_CODE = re.compile(r"(?<!\w)(?!\d{4}-\d\d)(?=\S*\d)(?=\S*[^\W\d_])[\w./:@+-]{8,64}(?!\w)")
_FLOATS = 4  # of a vector, in a row
# Indexes make vectors unit length again, which moves the last bits.
_SCALES = tuple(np.float32(1 + steps * 2**-24) for steps in (-4, -3, -2, -1, 0, 2, 4, 6))


@dataclass(frozen=True, slots=True, repr=False)
class Needle:
    """Something that stood in one document only; never printed or stored."""

    kind: Kind
    forms: frozenset[bytes]  # the ways in which it may be written


@dataclass(frozen=True, slots=True, repr=False)
class Needles:
    """Samples of what is erased.

    Attributes:
        of_documents: Candidates of each document, best first.
    """

    of_documents: tuple[tuple[Needle, ...], ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.of_documents))

    @property
    def documents_without(self) -> int:
        """Documents that have nothing of their own to look for."""
        return sum(not own for own in self.of_documents)

    @property
    def all(self) -> list[Needle]:
        """All of them, in order."""
        return [needle for own in self.of_documents for needle in own]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a needle was found."""

    file: str  # relative to the directory; of the registry also the column
    kind: Kind


@dataclass(slots=True)
class Search:
    """What a search read and found."""

    files: int = 0
    bytes: int = 0
    found: list[Place] = field(default_factory=list)


def fingerprints(rx: Connection, document_ids: Sequence[str]) -> Needles:
    """Take samples of documents before they are erased: pieces of text, codes, names and vectors.

    ``distinctive`` leaves those over that stand nowhere else.
    """
    sampled = document_ids[:: -(-len(document_ids) // _SAMPLED) or 1]
    most = _most(len(sampled)) * _SPARE
    with_vector = set(sampled[:: -(-len(sampled) // _VECTORS) or 1])
    return Needles(
        tuple(
            (
                *_names(rx, document_id),
                *(_vectors(rx, document_id) if document_id in with_vector else ()),
                *_words(rx, document_id, most),
            )
            for document_id in sampled
        )
    )


def distinctive(registry: Registry, needles: Needles, *, quotes: bool, besides: Collection[Path] = ()) -> Needles:
    """Return the needles that stand in nothing that remains; call it after the erasure.

    Args:
        registry: What may hold the same words is read: the text, titles, names and tags of the
            documents that remain, and the questions that were asked.
        needles: Candidates.
        quotes: Whether old answers and their quotes may hold them too, because they are kept.
        besides: Files and folders that hold nothing of documents, for example models.
    """
    everything = needles.all
    matcher = _Matcher(everything)
    elsewhere: set[int] = set()
    for piece in _joined(_remaining(registry, quotes=quotes)):
        elsewhere.update(number for _, number in matcher.search(piece))
    for path in _files(besides):
        for _, piece in _pieces(path, matcher.overlap):
            elsewhere.update(number for _, number in matcher.search(piece))
    own = iter(range(len(everything)))
    kept = [[needle for needle in group if next(own) not in elsewhere] for group in needles.of_documents]
    return Needles(tuple(_best(group, _most(len(kept))) for group in kept))


def find_needles(
    directory: Path, registry: Registry, needles: Needles, *, stopping: Callable[[], bool] = lambda: False
) -> Search:
    """Look for needles in every byte of every file of a directory, and in every value of the registry.

    The registry is read a second time through its columns, since some are compressed and long
    values lie in pieces in its file.
    """
    search = Search()
    matcher = _Matcher(needles.all)
    seen: dict[Place, None] = {}
    for path in _files([directory]):
        name = path.relative_to(directory).as_posix()
        search.files += 1
        for size, piece in _pieces(path, matcher.overlap):
            if stopping():
                return search
            search.bytes += size
            seen |= dict.fromkeys(Place(name, matcher.kind(number)) for _, number in matcher.search(piece))
    for table in metadata.sorted_tables:
        columns = [column.name for column in table.columns]
        readable = (tuple(map(_as_bytes, row)) for row in _rows(registry, table, columns))
        for rows in _grouped(readable, lambda row: sum(map(len, row))):
            if stopping():
                return search
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                where = f"{registry.path.name}: {table.name}.{column}"
                piece = b"\0".join(values)
                seen |= dict.fromkeys(Place(where, matcher.kind(number)) for _, number in matcher.search(piece))
    search.found = list(seen)
    return search


# --- samples --------------------------------------------------------------------------


def _names(rx: Connection, document_id: str) -> Iterator[Needle]:
    found: list[str] = []
    source = rx.scalar(select(documents.c.source).where(documents.c.id == document_id))
    if source:
        found += [source, PurePosixPath(source).name]
    rows = rx.execute(select(versions.c.title, versions.c.metadata).where(versions.c.document_id == document_id))
    for title, given in rows:
        found += [title, *(value for value in given.values() if isinstance(value, str))]
    found += rx.scalars(select(document_tags.c.tag).where(document_tags.c.document_id == document_id))
    for name in dict.fromkeys(found):
        if len(name.encode()) >= _SHORTEST:
            yield Needle("a name", _forms(name[:_LONGEST]))


def _words(rx: Connection, document_id: str, most: int) -> Iterator[Needle]:
    written = list(rx.scalars(select(texts.c.text).where(texts.c.document_id == document_id)))
    for text in written:
        share = max(1, most // (2 * len(written)))
        windows = dict.fromkeys(_windows(text, _WINDOW, share)) or dict.fromkeys(_windows(text, _ANY_WINDOW, share))
        codes = dict.fromkeys(match.group() for match in _CODE.finditer(text))
        for code in list(codes)[:: max(1, len(codes) // share)]:
            yield Needle("words", _forms(code))
        for window in windows:
            yield Needle("words", _forms(window))


def _windows(text: str, shape: re.Pattern[str], count: int) -> Iterator[str]:
    """Pieces evenly over the text, each from the next place where one fits."""
    for number in range(count):
        match = shape.search(text, len(text) * number // count)
        if match and len(match.group().strip().encode()) >= _SHORTEST:
            yield match.group().strip()


def _vectors(rx: Connection, document_id: str) -> Iterator[Needle]:
    stored = rx.scalar(
        select(embeddings.c.vector)
        .join(chunks, chunks.c.text_hash == embeddings.c.text_hash)
        .where(chunks.c.document_id == document_id)
        .limit(1)
    )
    if stored is None:
        return
    vector = np.frombuffer(stored, dtype="<f4")
    # A piece with a zero or two could be anybody's.
    starts = [start for start in range(0, len(vector) - _FLOATS + 1, _FLOATS) if vector[start : start + _FLOATS].all()]
    if starts:
        piece = vector[starts[len(starts) // 2] :][:_FLOATS]
        scaled = [form for scale in _SCALES for form in (piece / scale, piece * (np.float32(1) / scale))]
        yield Needle("a vector", frozenset(form.astype("<f4").tobytes() for form in scaled))


def _most(document_count: int) -> int:
    return min(_MOST, max(_FEWEST, _WANTED // max(1, document_count)))


def _forms(text: str) -> frozenset[bytes]:
    escaped = json.dumps(text)[1:-1].encode()
    return frozenset((text.encode(), text.lower().encode(), text.encode("utf-16-le"), escaped))


def _best(candidates: Sequence[Needle], most: int) -> tuple[Needle, ...]:
    names = [needle for needle in candidates if needle.kind != "words"]
    words = [needle for needle in candidates if needle.kind == "words"]
    step = max(1, len(words) // most)
    return (*names, *words[::step][:most])


# --- what remains ---------------------------------------------------------------------


def _remaining(registry: Registry, *, quotes: bool) -> Iterator[bytes]:
    """Every text that may rightly hold the same words as an erased one.

    Rows of documents that are gone do not count, so that one left behind is found.
    """
    for table, columns in (
        (texts, ("text",)),
        (chunks, ("text", "context", "headings")),
        (versions, ("title", "metadata", "report", "error")),
        (document_tags, ("tag",)),
    ):
        # EXISTS, as IN would list all documents again for every few rows.
        known = exists().where(documents.c.id == table.c.document_id)
        for row in _rows(registry, table, columns, known):
            yield from map(_as_bytes, row)
    shared = exists().where(chunks.c.text_hash == embeddings.c.text_hash)
    own = (*(("text", "evidence", "citations", "conflicts") if quotes else ()), "question", "standalone_question")
    for table, columns, condition in (
        (documents, ("source",), None),
        (collections, ("name",), None),
        (watched_folders, ("path",), None),
        (conversations, ("title",), None),
        (turns, own, None),
        (feedback, ("note",), None),
        (embeddings, ("vector",), shared),
    ):
        for row in _rows(registry, table, columns, condition):
            yield from map(_as_bytes, row)


def _rows(
    registry: Registry, table: Table, columns: Sequence[str], condition: ColumnElement[bool] | None = None
) -> Iterator[Sequence[Any]]:
    """Yield the rows of a table in short reads, since a commit waits for those that go on."""
    rowid = literal_column(f"{table.name}.rowid", Integer)
    statement = select(rowid, *(table.c[column] for column in columns)).order_by(rowid).limit(_ROWS)
    if condition is not None:
        statement = statement.where(condition)
    last = -1
    while True:
        with registry.read() as rx:
            found = rx.execute(statement.where(rowid > last)).all()
        yield from (row[1:] for row in found)
        if len(found) < _ROWS:
            return
        last = found[-1][0]


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        try:
            return zlib.decompress(value)
        except zlib.error:
            return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return b"" if value is None else json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _joined(values: Iterable[bytes]) -> Iterator[bytes]:
    return (b"\0".join(group) for group in _grouped(values, len))


def _grouped(items: Iterable[_T], size: Callable[[_T], int]) -> Iterator[list[_T]]:
    """Put small things together, since one search in a large piece is quicker than many in small ones."""
    group: list[_T] = []
    held = 0
    for item in items:
        group.append(item)
        held += size(item)
        if held >= _PIECE:
            yield group
            group, held = [], 0
    if group:
        yield group


# --- bytes ----------------------------------------------------------------------------


def _files(places: Collection[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from (path for path in sorted(place.rglob("*")) if path.is_file())
        elif place.is_file():
            yield place


def _pieces(path: Path, overlap: int) -> Iterator[tuple[int, bytes]]:
    """Yield a file's bytes as ``(new bytes, piece)``, each piece with the last bytes of the one before."""
    last = b""
    try:
        with path.open("rb") as file:
            while read := file.read(_PIECE):
                yield len(read), last + read
                last = (last + read)[-overlap:] if overlap else b""
    except FileNotFoundError:  # deleted since it was listed
        return


class _Matcher:
    """Finds any of thousands of byte strings in one pass, at about 100 MB a second.

    The first eight bytes of each are looked up at every position: in a small table of bits
    first, which turns nearly all positions away, then exactly.
    """

    _HASH = np.uint64(0x9E3779B97F4A7C15)
    _SHIFT = np.uint64(64 - 20)

    def __init__(self, needles: Sequence[Needle]) -> None:
        self._needles = needles
        self._by_head: dict[bytes, list[tuple[bytes, int]]] = {}
        for number, needle in enumerate(needles):
            for form in needle.forms:
                self._by_head.setdefault(form[:_SHORTEST], []).append((form, number))
        self._may_start = np.zeros(1 << 20, dtype=bool)
        if self._by_head:
            heads = np.frombuffer(b"".join(self._by_head), dtype="<u8")
            self._may_start[(heads * self._HASH) >> self._SHIFT] = True
        self.overlap = max((len(form) for needle in needles for form in needle.forms), default=1) - 1

    def kind(self, number: int) -> Kind:
        """What the needle of that number is."""
        return self._needles[number].kind

    def search(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield ``(position, number of the needle)``, in no order."""
        if not self._by_head:
            return
        for shift in range(min(_SHORTEST, max(0, len(data) - _SHORTEST + 1))):
            words = np.frombuffer(data, dtype="<u8", offset=shift, count=(len(data) - shift) // _SHORTEST)
            for index in np.flatnonzero(self._may_start[(words * self._HASH) >> self._SHIFT]):
                at = shift + _SHORTEST * int(index)
                for form, number in self._by_head.get(data[at : at + _SHORTEST], ()):
                    if data.startswith(form, at):
                        yield at, number
