"""Tantivy as keyword index: BM25 over stemmed words of any language, and identifiers kept whole."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from citewise.errors import StoreError
from citewise.index.analysis import DEFAULT_LANGUAGE, Analysis
from citewise.index.failures import as_store_errors
from citewise.index.vectors import ranked
from citewise.language.detect import detect
from citewise.language.identifiers import identifiers, normal
from citewise.types import Chunk

_MOST_TERMS = 64  # of a question, for each language; the rarest decide
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

    FORMAT: ClassVar[int] = 2
    """Counts up when words are indexed in another way: what was written before is built anew then."""

    def __init__(self, directory: Path | None, *, create: bool) -> None:
        if directory is not None and not create and not (directory / "meta.json").is_file():
            raise StoreError(f"There is no keyword index in {directory}. Build it again with `citewise index rebuild`.")
        import tantivy  # noqa: PLC0415 - loaded when an index is opened

        self._tantivy = tantivy
        self._directory = directory
        self._lock = threading.Lock()  # one writer; its methods must not meet
        self._closed = False
        self._schema = _schema(tantivy)
        self._analysis = Analysis(tantivy)
        with self._guard("opened"):
            if directory is not None:
                directory.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(self._schema, path=None if directory is None else str(directory))
            self._index.register_tokenizer("spaced", _spaced_analyzer(tantivy))
            self._writer = self._index.writer(heap_size=_HEAP, num_threads=1)

    def upsert(self, chunks: Sequence[Chunk], *, collection_id: str) -> None:
        if not chunks:
            return
        texts = [normal(chunk.full_text) for chunk in chunks]
        languages = _languages(chunks, texts)
        with self._lock, self._guard("written"):
            try:
                for chunk, text, language in zip(chunks, texts, languages, strict=True):
                    self._writer.delete_documents_by_term("id", chunk.id)
                    self._writer.add_document(
                        self._document(chunk, text, language=language, collection_id=collection_id)
                    )
                self._writer.commit()
            except BaseException:
                self._writer.rollback()  # else the half of it would come with the next commit
                raise
            self._index.reload()

    def search(
        self,
        text: str,
        *,
        k: int,
        collection_id: str,
        document_ids: Collection[str] | None = None,
        phrases: Sequence[str] = (),
    ) -> list[tuple[str, float]]:
        if k < 1 or (document_ids is not None and not document_ids):
            return []
        tantivy, schema = self._tantivy, self._schema
        with self._guard("searched"):
            searcher = self._index.searcher()
            languages = self._languages_of(searcher)
            words = self._question(searcher, text, languages)
            wanted = [part for phrase in phrases for part in self._phrase(phrase, languages)]
            if words is None and not wanted:
                return []
            filters = [tantivy.Query.term_query(schema, "collection", collection_id, "basic")]
            if document_ids is not None:
                filters.append(tantivy.Query.term_set_query(schema, "document", sorted(document_ids)))
            clauses = [(tantivy.Occur.Must, tantivy.Query.const_score_query(part, 0.0)) for part in filters]
            clauses += [(tantivy.Occur.Must, part) for part in wanted]
            if words is not None:
                clauses.append((tantivy.Occur.Should if wanted else tantivy.Occur.Must, words))
            hits = searcher.search(tantivy.Query.boolean_query(clauses), limit=k + _SPARE, count=False).hits
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

    def _document(self, chunk: Chunk, text: str, *, language: str, collection_id: str) -> Any:
        words, single = self._analysis.of_text(text, language)
        return self._tantivy.Document(
            id=chunk.id,
            collection=collection_id,
            document=chunk.document_id,
            language=language,
            words=" ".join(words),
            single=" ".join(single),
            identifiers=" ".join(identifiers(text)),
        )

    def _languages_of(self, searcher: Any) -> list[str]:
        """The languages that some chunk is in."""
        return [code for code in self._analysis.languages if searcher.doc_freq("language", code)]

    def _question(self, searcher: Any, text: str, languages: Sequence[str]) -> Any:
        """The query for a question: any of its words; ``None`` when none of them is in the index.

        A word is looked for under its stem in each language. A chunk has stems of one, so it counts once.
        """
        if not languages:
            return None
        text = normal(text)
        query, should = self._tantivy.Query, self._tantivy.Occur.Should
        count = int(searcher.num_docs)
        words = self._analysis.of_question(text, languages, known=lambda term: bool(searcher.doc_freq("words", term)))
        weighted = [(word, 1.0) for word in dict.fromkeys(words)]
        for identifier in dict.fromkeys(identifiers(text)):
            # As much as all its parts together, so that the whole comes before many of its parts.
            # nDCG@10 without and with: scifact 0.702, 0.701; cranfield 0.373, 0.372.
            parts, _ = self._analysis.of_text(identifier, DEFAULT_LANGUAGE)
            weighted.append(((("identifiers", identifier),), float(max(2, len(parts)))))
        clauses: list[tuple[int, tuple[str, str], float]] = []
        for word, weight in weighted:
            frequencies = {term: int(searcher.doc_freq(*term)) for term in word}
            together = sum(frequencies.values())
            for term, frequency in frequencies.items():
                if frequency:
                    # A word is as rare as it is in all languages together: "in" is no rare word because two of
                    # the chunks are German. Without this, nDCG@10 of nq_open_gold fell from 0.875 to 0.799.
                    share = _idf(together, count) / _idf(frequency, count)
                    clauses.append((together, term, weight * share))
        clauses.sort()
        found = [
            (should, query.boost_query(query.term_query(self._schema, *term, "freq"), weight))
            for _, term, weight in clauses[: _MOST_TERMS * len(languages)]
        ]
        return query.boolean_query(found) if found else None

    def _phrase(self, phrase: str, languages: Sequence[str]) -> list[Any]:
        """Queries that must all hold for a chunk to have ``phrase``, word for word but for their endings."""
        query, occur = self._tantivy.Query, self._tantivy.Occur
        found = []
        for alternatives in self._analysis.of_phrase(normal(phrase), languages):
            clauses = [
                (
                    occur.Should,
                    query.term_query(self._schema, field, words[0], "freq")
                    if len(words) == 1
                    else query.phrase_query(self._schema, field, list(words)),
                )
                for field, words in alternatives
            ]
            found.append(query.boolean_query(clauses))
        return found

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


def _idf(frequency: int, count: int) -> float:
    """The rarity of a term as BM25 has it: of ``count`` chunks it is in ``frequency``."""
    return math.log(1 + (max(count, frequency) - frequency + 0.5) / (frequency + 0.5))


def _schema(tantivy: Any) -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("collection", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("document", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("language", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("words", tokenizer_name="spaced", index_option="position")
    builder.add_text_field("single", tokenizer_name="spaced", index_option="freq")
    builder.add_text_field("identifiers", tokenizer_name="spaced", index_option="freq")
    return builder.build()


def _spaced_analyzer(tantivy: Any) -> Any:
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


def _languages(chunks: Sequence[Chunk], texts: Sequence[str]) -> list[str]:
    """The language of each chunk; one that does not show it, such as a table, has that of its document."""
    detected = [detect(text) for text in texts]
    by_document: dict[str, Counter[str]] = {}
    for chunk, language in zip(chunks, detected, strict=True):
        if language:
            by_document.setdefault(chunk.document_id, Counter())[language] += 1
    usual = {document_id: votes.most_common(1)[0][0] for document_id, votes in by_document.items()}
    return [
        language or usual.get(chunk.document_id, DEFAULT_LANGUAGE)
        for chunk, language in zip(chunks, detected, strict=True)
    ]
