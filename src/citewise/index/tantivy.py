"""Tantivy as keyword index: BM25 over stemmed words, and identifiers kept whole."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from citewise.errors import StoreError
from citewise.index.failures import as_store_errors
from citewise.index.vectors import ranked
from citewise.types import Chunk

# Letters, marks and digits: "_" parts words here, and the whole of foo_bar is an identifier.
_WORD = r"[\p{Alphabetic}\p{M}\p{N}]+"
# Signs inside (users/reset, foo_bar, 3.14), before (/users, #12) or after (c++), or a hyphen or
# colon beside a digit (ts-999). "well-known" is none: counting such words twice cost 2 points on scifact.
_IDENTIFIER = re.compile(
    r"[^\W_].*[^\w\-:'’].*[^\W_]|[^\W_]_[^\W_]|[/@#$].*[^\W_]|[^\W_][+#]|(?=.*\d)[^\W_].*[-:].*[^\W_]"
)
_AROUND = ".,;:!?\"'`()[]{}<>«»“”‘’„…*|"
_LONGEST_TERM = 200  # characters; longer ones are hardly words
_MOST_TERMS = 64  # of a question; the rarest decide
_HEAP = 32_000_000  # bytes that the writer fills before it writes a segment; 15 MB is the least it takes
_SPARE = 16  # equal scores are cut in any order; a few more make the cut reproducible
_IDS_AT_ONCE = 1_000


class TantivyIndex:
    """A ``KeywordIndex`` in a directory of its own.

    Args:
        directory: Belongs to this index alone; only one process can open it. ``None`` keeps it in
            memory, for as long as another one cannot be used.
        create: Make the index if there is none; otherwise that is an error.

    Raises:
        StoreError: The directory cannot be opened, is in use, or holds something else.
    """

    def __init__(self, directory: Path | None, *, create: bool) -> None:
        if directory is not None and not create and not (directory / "meta.json").is_file():
            raise StoreError(f"There is no keyword index in {directory}. Build it again with `citewise index rebuild`.")
        import tantivy  # noqa: PLC0415 - loaded when an index is opened

        self._tantivy = tantivy
        self._directory = directory
        self._lock = threading.Lock()  # one writer; its methods must not meet
        self._closed = False
        self._schema = _schema(tantivy)
        self._words = _word_analyzer(tantivy)
        with self._guard("opened"):
            if directory is not None:
                directory.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(self._schema, path=None if directory is None else str(directory))
            self._index.register_tokenizer("words", self._words)
            self._index.register_tokenizer("spaced", _spaced_analyzer(tantivy))
            self._writer = self._index.writer(heap_size=_HEAP, num_threads=1)

    def upsert(self, chunks: Sequence[Chunk], *, collection_id: str) -> None:
        if not chunks:
            return
        with self._lock, self._guard("written"):
            try:
                for chunk in chunks:
                    self._writer.delete_documents_by_term("id", chunk.id)
                    self._writer.add_document(self._document(chunk, collection_id=collection_id))
                self._writer.commit()
            except BaseException:
                self._writer.rollback()  # else the half of it would come with the next commit
                raise
            self._index.reload()

    def search(
        self, text: str, *, k: int, collection_id: str, document_ids: Collection[str] | None = None
    ) -> list[tuple[str, float]]:
        if k < 1 or (document_ids is not None and not document_ids):
            return []
        tantivy, schema = self._tantivy, self._schema
        with self._guard("searched"):
            searcher = self._index.searcher()
            words = self._question(searcher, text)
            if words is None:
                return []
            filters = [tantivy.Query.term_query(schema, "collection", collection_id, "basic")]
            if document_ids is not None:
                filters.append(tantivy.Query.term_set_query(schema, "document", sorted(document_ids)))
            query = tantivy.Query.boolean_query(
                [(tantivy.Occur.Must, words)]
                + [(tantivy.Occur.Must, tantivy.Query.const_score_query(part, 0.0)) for part in filters]
            )
            hits = searcher.search(query, limit=k + _SPARE, count=False).hits
            found = [(str(searcher.doc(address).get_first("id")), float(score)) for score, address in hits]
        return ranked(found, k=k)

    def delete(self, ids: Sequence[str]) -> None:
        if not ids:
            return
        with self._lock, self._guard("written"):
            for chunk_id in ids:
                self._writer.delete_documents_by_term("id", chunk_id)
            self._writer.commit()
            self._index.reload()

    def present(self, ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        with self._guard("read"):
            searcher = self._index.searcher()
            for start in range(0, len(ids), _IDS_AT_ONCE):
                part = ids[start : start + _IDS_AT_ONCE]
                query = self._tantivy.Query.term_set_query(self._schema, "id", part)
                hits = searcher.search(query, limit=len(part), count=False).hits
                found.update(str(searcher.doc(address).get_first("id")) for _, address in hits)
        return found

    def count(self) -> int:
        with self._guard("read"):
            return int(self._index.searcher().num_docs)

    def close(self) -> None:
        """Release the directory. Further calls raise ``StoreError``; closing again does nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._writer.wait_merging_threads()

    def _document(self, chunk: Chunk, *, collection_id: str) -> Any:
        text = _normal(chunk.full_text)
        return self._tantivy.Document(
            id=chunk.id,
            collection=collection_id,
            document=chunk.document_id,
            words=text,
            identifiers=" ".join(_identifiers(text)),
        )

    def _question(self, searcher: Any, text: str) -> Any:
        """The query for a question: any of its words; ``None`` when none of them is in the index."""
        text = _normal(text)
        weights = {("words", word): 1.0 for word in self._words.analyze(text)}
        for identifier in _identifiers(text):
            # As much as all its parts together, so that the whole comes before many of its parts.
            # nDCG@10 without and with: scifact 0.702, 0.701; cranfield 0.373, 0.372.
            weights["identifiers", identifier] = float(max(2, len(self._words.analyze(identifier))))
        frequencies = {term: searcher.doc_freq(*term) for term in weights}
        known = sorted((term for term in weights if frequencies[term]), key=lambda term: frequencies[term])
        query, should = self._tantivy.Query, self._tantivy.Occur.Should
        clauses = [
            (should, query.boost_query(query.term_query(self._schema, *term, "freq"), weights[term]))
            for term in known[:_MOST_TERMS]
        ]
        return query.boolean_query(clauses) if clauses else None

    @contextmanager
    def _guard(self, deed: str) -> Iterator[None]:
        """Turn the errors of tantivy into ours."""
        if self._closed:
            raise StoreError(f"The keyword index in {self._directory} is closed. Open it again before using it.")

        def failed(error: BaseException) -> StoreError:
            return StoreError(
                f"The keyword index in {self._directory} could not be {deed}: {error} "
                "Nothing is lost: it can be built again with `citewise index rebuild`."
            )

        with as_store_errors((OSError, ValueError, RuntimeError), failed):
            yield


def _schema(tantivy: Any) -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("collection", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("document", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("words", tokenizer_name="words", index_option="freq")
    builder.add_text_field("identifiers", tokenizer_name="spaced", index_option="freq")
    return builder.build()


def _word_analyzer(tantivy: Any) -> Any:
    filters = tantivy.Filter
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_WORD))
        .filter(filters.remove_long(_LONGEST_TERM))
        .filter(filters.lowercase())
        .filter(filters.ascii_fold())
        .filter(filters.stemmer("English"))
        .build()
    )


def _spaced_analyzer(tantivy: Any) -> Any:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


def _normal(text: str) -> str:
    """One form for what looks the same: ligatures, full-width letters, joined accents; no lone surrogates."""
    return unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode("utf-8"))


def _identifiers(text: str) -> list[str]:
    """What the word analyzer would take apart: ``ts-999``, ``3.14``, ``/api/v2/users``; lower case."""
    found = (piece.strip(_AROUND).lower() for piece in text.split())
    return [piece for piece in found if len(piece) <= _LONGEST_TERM and _IDENTIFIER.search(piece)]
