"""The one shape of everything that leaves the program as JSON.

The API and the command line both use these functions, so that the same question gives
the same document whichever door it came through. They are pure and import no framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from citewise.answer.incomplete import incomplete_of
from citewise.types import (
    Added,
    Answer,
    AskedBefore,
    Citation,
    Collection,
    Conflict,
    Conversation,
    Document,
    DocumentText,
    DocumentVersion,
    Evidence,
    Feedback,
    ModelCheck,
    ModelInfo,
    ParseReport,
    Replay,
    ScoredChunk,
    SearchResult,
    Suggestion,
    Turn,
    Verdict,
    WatchedFolder,
)
from citewise.upkeep import BackupReport, Health, KeptQuote

Json = dict[str, Any]


# --- documents ------------------------------------------------------------------------


def document_json(document: Document) -> Json:
    """One line of the library. ``added_at`` is in seconds since the epoch."""
    return {
        "document_id": document.id,
        "collection": document.collection,
        "source": document.source,
        "title": document.title,
        "version": document.version,
        "serving_version": document.serving_version,
        "status": document.status,
        "done": document.done,
        "total": document.total,
        "error": document.error,
        "media_type": document.media_type,
        "content_hash": document.content_hash,
        "chunks": document.chunks,
        "pages": document.pages,
        "bytes": document.bytes,
        "added_at": document.added_at,
        "enabled": document.enabled,
        "tags": list(document.tags),
    }


def document_detail_json(document: Document) -> Json:
    """One document with its parse report."""
    return {**document_json(document), "report": report_json(document.report)}


def documents_json(documents: list[Document]) -> Json:
    """The library."""
    return {"documents": [document_json(document) for document in documents]}


def version_json(version: DocumentVersion) -> Json:
    """One version of a document; ``serves`` says whether answers come from it."""
    return asdict(version)


def folder_json(folder: WatchedFolder) -> Json:
    """A watched folder as of the last look at it. Times are in seconds since the epoch."""
    return {
        "folder_id": folder.id,
        "path": folder.path,
        "collection": folder.collection,
        "created_at": folder.created_at,
        "looked_at": folder.looked_at,
        "documents": folder.documents,
        "error": folder.error,
        "refused": [{"source": source, "error": error} for source, error in folder.refused],
    }


def report_json(report: ParseReport | None) -> Json | None:
    """What could be read, and whether that is all; ``None`` for a document that was not read yet."""
    return {**asdict(report), "incomplete": report.incomplete} if report else None


def added_json(added: Added) -> Json:
    """The receipt of one upload."""
    return {
        "source": added.source,
        "document_id": added.document_id,
        "version": added.version,
        "job_id": added.job_id,
        "status": added.status,
        "error": added.error,
    }


def show_json(shown: DocumentText) -> Json:
    """Everything that is stored of one version."""
    document = shown.document
    return {
        "document_id": document.id,
        "source": document.source,
        "title": document.title,
        # The chunks are of the version that is shown; the document may have a newer one.
        "version": shown.chunks[0].version if shown.chunks else document.serving_version or document.version,
        "status": document.status,
        "content_hash": document.content_hash,
        "text": shown.text,
        "pages": [{"page": page.number, "start": page.start, "end": page.end} for page in shown.pages],
        "places": [asdict(place) for place in shown.places],
        "chunks": [
            {
                "chunk_id": chunk.id,
                "start": chunk.start,
                "end": chunk.end,
                "page_first": chunk.page_first,
                "page_last": chunk.page_last,
                "headings": list(chunk.headings),
                "context": chunk.context,
                "text": chunk.text,
            }
            for chunk in shown.chunks
        ],
        "report": report_json(document.report),
    }


def collection_json(collection: Collection) -> Json:
    """A named set of documents."""
    return {
        "collection_id": collection.id,
        "name": collection.name,
        "documents": collection.documents,
        "chunks": collection.chunks,
    }


# --- questions ------------------------------------------------------------------------


def search_json(result: SearchResult, *, explain: bool = False) -> Json:
    """What a search found; ``explain`` adds ``trace``: what was tried and how it was weighed.

    ``id`` is for callers that ask many questions and name them.
    """
    found = {
        "id": None,
        "question": result.question,
        "standalone_question": result.standalone_question,
        "hits": [hit_json(hit) for hit in result.hits],
        "timings_ms": dict(result.timings_ms),
        "generation": result.generation,
        "reranker": result.reranker,
        "degraded": list(result.degraded),
        "note": result.note,
        "usage": {"input_tokens": result.usage.input_tokens, "output_tokens": result.usage.output_tokens},
        "asked_before": asked_before_json(result.asked_before),
    }
    return {**found, "trace": dict(result.trace)} if explain else found


def replay_json(replay: Replay, *, explain: bool = False) -> Json:
    """A search that was done again: its keys, and what is not as it was."""
    said = {"turn_id": replay.turn_id, "same": replay.same, "changed": list(replay.changed)}
    return {**search_json(replay.result, explain=explain), "replay": said}


def asked_before_json(before: AskedBefore | None) -> Json | None:
    """An earlier answer to nearly the same question; ``changed`` says what became of its sources since."""
    return {**asdict(before), "changed": list(before.changed)} if before else None


def hit_json(hit: ScoredChunk) -> Json:
    """One chunk that was found; ``text`` is ``text[start:end]`` of its document."""
    chunk = hit.chunk
    return {
        "rank": hit.rank,
        "score": hit.score,
        "scores": dict(hit.scores),
        "chunk_id": chunk.id,
        "document_id": chunk.document_id,
        "version": chunk.version,
        "source": hit.source,
        "title": hit.title,
        "page_first": chunk.page_first,
        "page_last": chunk.page_last,
        "start": chunk.start,
        "end": chunk.end,
        "headings": list(chunk.headings),
        "locator": hit.locator,
        "context": chunk.context,
        "text": chunk.text,
    }


def verdict_json(verdict: Verdict, reason: str) -> Json:
    """What the check says of a sentence."""
    return {"verdict": verdict, "reason": reason}


def ask_json(turn: Turn, *, explain: bool = False) -> Json:
    """An answer with everything behind it; the keys of a search come first.

    A turn that still runs has the same shape, with the text so far.
    """
    answer = turn.answer
    found = {
        "id": None,
        "question": turn.question,
        "standalone_question": turn.standalone_question,
        "hits": [hit_json(hit) for hit in answer.contexts],
        **_search_part(answer.trace),
        "status": answer.status,
        "answer": answer.text,
        "sentences": [sentence_json(evidence, answer) for evidence in answer.evidence],
        "citations": [citation_json(citation) for citation in answer.citations],
        "conflicts": [conflict_json(conflict) for conflict in answer.conflicts],
        "model": answer.model,
        "incomplete_documents": incomplete_json(answer),
        "usage": {"input_tokens": answer.usage.input_tokens, "output_tokens": answer.usage.output_tokens},
        "cost_usd": answer.cost_usd,
        "remarks": list(answer.trace.get("remarks", ())),
        "cost_note": answer.trace.get("cost_note", ""),
        "error": answer.error,
        "reason": answer.reason,
        "conversation_id": turn.conversation_id,
        "turn_id": turn.id,
        "created_at": turn.created_at,
        "parent_id": turn.parent_id,
        "versions": list(turn.versions),
        "feedback": feedback_json(turn.feedback),
        "asked_before": asked_before_json(turn.asked_before),
    }
    return {**found, "trace": dict(answer.trace)} if explain else found


def feedback_json(feedback: Feedback | None) -> Json | None:
    """What a person thought of an answer."""
    return asdict(feedback) if feedback else None


def turn_version_json(turn: Turn, *, shown: bool) -> Json:
    """A turn among those at its place; ``shown`` is true of one."""
    return {**ask_json(turn), "shown": shown}


def suggestions_json(found: tuple[Suggestion, ...] | None) -> Json:
    """Questions to begin with, and the documents that answer them; ``None``: they are still looked for."""
    return {"suggestions": [asdict(one) for one in found or ()], "complete": found is not None}


def incomplete_json(answer: Answer) -> list[Json]:
    """The documents an answer draws on that could not be read in full, and what is missing of them."""
    return [
        {"document_id": one.document_id, "version": one.version, "source": one.source, "missing": one.missing}
        for one in incomplete_of(answer)
    ]


def _search_part(trace: Mapping[str, Any]) -> Json:
    """The keys that an answer shares with a search, from the trace that the engine keeps."""
    return {
        "timings_ms": dict(trace.get("search", {}).get("timings_ms", {})),
        "generation": trace.get("generation", ""),
        "reranker": trace.get("reranker"),
        "degraded": list(trace.get("degraded", ())),
    }


def sentence_json(evidence: Evidence, answer: Answer) -> Json:
    """One sentence of an answer; ``start`` and ``end`` are characters of ``answer``."""
    return {
        "text": evidence.sentence or answer.text[evidence.start : evidence.end],
        "start": evidence.start,
        "end": evidence.end,
        "verdict": evidence.verdict,
        "reason": evidence.reason,
        "citations": list(evidence.citations),
    }


def citation_json(citation: Citation) -> Json:
    """The quoted words and where they stand; of an erased one the marker and ids alone."""
    return {
        "marker": citation.marker,
        "document_id": citation.document_id,
        "version": citation.version,
        "content_hash": citation.content_hash,
        "chunk_id": citation.chunk_id,
        "source": citation.source,
        "title": citation.title,
        "page": citation.page,
        "locator": citation.locator,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "headings": list(citation.headings),
        "boxes": [asdict(box) for box in citation.boxes],
        "erased": citation.erased,
    }


def conflict_json(conflict: Conflict) -> Json:
    """Two sources that differ; ``marker`` is 0 for one that the answer does not cite, ``newer`` 0 or 1, or ``None``."""
    return {
        "about": conflict.about,
        "kind": conflict.kind,
        "sides": [
            {**citation_json(side.citation), "value": side.value, "dated": side.dated, "dated_by": side.dated_by}
            for side in conflict.sides
        ],
        "newer": None if conflict.newer is None else int(conflict.newer == "other"),
    }


def quote_json(quote: KeptQuote) -> Json:
    """A quote that an old answer keeps of a document."""
    return asdict(quote)


def conversation_json(conversation: Conversation) -> Json:
    """A conversation without its turns. Times are in seconds since the epoch."""
    return {
        "conversation_id": conversation.id,
        "title": conversation.title,
        "collection": conversation.collection,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
    }


# --- the program ----------------------------------------------------------------------


def model_json(model: ModelInfo) -> Json:
    """A chat model that can be chosen."""
    return {"name": model.name, "label": model.label, "available": model.available, "note": model.note}


def model_check_json(check: ModelCheck) -> Json:
    """Whether a chat model can be reached and answers."""
    return {"name": check.name, "ok": check.ok, "detail": check.detail, "seconds": check.seconds}


def backup_json(report: BackupReport) -> Json:
    """What a backup holds. ``created_at`` is in seconds since the epoch."""
    return {
        "path": str(report.path),
        "bytes": report.bytes,
        "created_at": report.created_at,
        "citewise": report.citewise,
        "schema": report.schema,
        "counts": dict(report.counts),
        "missing": list(report.missing),
    }


def health_json(health: Health) -> Json:
    """Whether the program can do its work."""
    return {
        "ready": health.ready,
        "embedder": health.embedder,
        "embedding": health.embedding,
        "checks": dict(health.checks),
        "degraded": list(health.degraded),
    }


def error_json(sentence: str) -> Json:
    """Anything that went wrong."""
    return {"error": sentence}
