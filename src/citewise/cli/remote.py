"""Commands on a Citewise that is served elsewhere, over its API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx2

from citewise.cli.asked import Asked, Json, is_finished, is_over
from citewise.cli.decode import citation_of, document_text_of, hit_of
from citewise.errors import CitewiseError, ProviderError, QuestionError
from citewise.types import (
    Added,
    Answer,
    Collection,
    DocumentText,
    IndexJobKind,
    Message,
    OnDuplicate,
    Query,
    SearchResult,
    Turn,
    Upload,
)
from citewise.upkeep import Health

if TYPE_CHECKING:
    from citewise.answer.export.formats import ExportFormat

# Reading waits for work that takes its time; the server sends a sign of life every 10 seconds
# while it answers.
_TIMEOUT = httpx2.Timeout(60, connect=5, read=120, write=120)
_BACKUP_TIMEOUT = httpx2.Timeout(60, connect=5, read=3600)  # the answer begins when the file is complete
_POLL_S = 0.25
SUGGESTIONS_S = 60.0


class RemoteSession:
    """Runs commands on a server.

    Args:
        url: Where the app is served, without ``/api``.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/").removesuffix("/api")
        if not self._url.startswith(("http://", "https://")):
            raise CitewiseError(f"{url!r} is not the address of a server. It looks like http://127.0.0.1:8501.")
        # trust_env=False: a proxy for the wide world must not see documents on their way to this machine.
        self._client = httpx2.Client(base_url=f"{self._url}/", timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    # --- the session ------------------------------------------------------------------

    def add(self, uploads: Sequence[Upload], *, collection: str, on_duplicate: OnDuplicate) -> list[Json]:
        options = {"collection": collection, "on_duplicate": on_duplicate}
        if all(upload.text is not None for upload in uploads):
            records = [
                {
                    "source": upload.source,
                    "text": upload.text,
                    "title": upload.title,
                    "metadata": dict(upload.metadata),
                }
                for upload in uploads
            ]
            response = self._send("POST", "api/documents/records", json={"records": records, **options})
        else:
            files = [("files", (upload.source, upload.stream)) for upload in uploads]
            response = self._send("POST", "api/documents", files=files, data=options)
        body = _json(response)
        if "documents" not in body:
            raise _error(response, body)
        return list(body["documents"])

    def settled(self, receipt: Json, *, timeout_s: float) -> Json:
        until = time.monotonic() + timeout_s
        while True:
            document = self._get(f"api/documents/{receipt['document_id']}")
            if is_finished(document) or time.monotonic() >= until:
                return document
            time.sleep(_POLL_S)

    def documents(self, *, collection: str | None) -> list[Json]:
        params = {"collection": collection} if collection else None
        return list(self._get("api/documents", params=params)["documents"])

    def show(self, document_id: str) -> Json:
        return self._get(f"api/documents/{document_id}/text")

    def remove(self, document_ids: Sequence[str], *, purge: bool) -> list[str]:
        removed = []
        for document_id in document_ids:
            response = self._send("DELETE", f"api/documents/{document_id}", params={"purge": purge})
            if response.status_code != httpx2.codes.NOT_FOUND:
                _checked(response)
                removed.append(document_id)
        return removed

    def quotes(self, document_ids: Sequence[str]) -> list[Json]:
        return [quote for one in document_ids for quote in self._get(f"api/documents/{one}/quotes")["quotes"]]

    def change(self, document_id: str, change: Json) -> Json:
        return _checked(self._send("PATCH", f"api/documents/{document_id}", json=change))

    def folders(self) -> list[Json]:
        return list(self._get("api/folders")["folders"])

    def watch(self, path: str, *, collection: str) -> Json:
        return _checked(self._send("POST", "api/folders", json={"path": path, "collection": collection}))

    def unwatch(self, folder_id: str, *, remove_documents: bool) -> int:
        params = {"remove_documents": remove_documents}
        return int(_checked(self._send("DELETE", f"api/folders/{folder_id}", params=params))["removed_documents"])

    def collections(self) -> list[Json]:
        return list(self._get("api/collections")["collections"])

    def index(self) -> Json:
        return self._get("api/index")

    def index_job(self, kind: IndexJobKind, options: Json) -> Json:
        return _checked(self._send("POST", f"api/index/{kind}", json=options))

    def index_job_now(self, job_id: str, *, wait_s: float) -> Json:
        until = time.monotonic() + wait_s
        while True:
            job = self._get(f"api/index/jobs/{job_id}")
            left = until - time.monotonic()
            if is_over(job) or left <= 0:
                return job
            time.sleep(min(_POLL_S, left))

    def cancel_index_job(self, job_id: str) -> None:
        _checked(self._send("POST", f"api/index/jobs/{job_id}/cancel"))

    def check_model(self, name: str | None) -> Json:
        return _checked(self._send("POST", "api/models/test", json={"model": name}))

    def search(self, asked: Asked) -> Json:
        body = {**_question(asked), "mode": asked.mode, "rerank": asked.rerank}
        return _checked(self._send("POST", "api/search", json=body))

    def replay(self, turn_id: str, *, explain: bool) -> Json:
        return _checked(self._send("POST", f"api/turns/{turn_id}/replay", params={"explain": explain}))

    def ask(self, asked: Asked, *, on_text: Callable[[str], None]) -> Json:
        places = {"conversation_id": asked.conversation_id, "instead_of": asked.instead_of}
        return self._answered("api/ask", {**_question(asked), "model": asked.model, **places}, on_text)

    def again(self, turn_id: str, *, model: str | None, explain: bool, on_text: Callable[[str], None]) -> Json:
        return self._answered(f"api/turns/{turn_id}/again", {"model": model, "explain": explain}, on_text)

    def versions(self, turn_id: str) -> list[Json]:
        return list(self._get(f"api/turns/{turn_id}/versions")["versions"])

    def show_branch(self, turn_id: str) -> None:
        _checked(self._send("POST", f"api/turns/{turn_id}/show"))

    def rate(self, turn_id: str, rating: Json | None) -> Json:
        path = f"api/turns/{turn_id}/feedback"
        return _checked(self._send("DELETE", path) if rating is None else self._send("PUT", path, json=rating))

    def suggestions(self, collection: str) -> Json:
        until = time.monotonic() + SUGGESTIONS_S
        while True:
            found = self._get(f"api/collections/{quote(collection, safe='')}/suggestions")
            if found["complete"] or time.monotonic() >= until:
                return found

    def _answered(self, path: str, body: Json, on_text: Callable[[str], None]) -> Json:
        turn_id, text = "", ""
        try:
            for event, data in self._events(path, body):
                if event == "turn":
                    turn_id = data["turn_id"]
                elif event == "text":
                    text = text + data["delta"] if "delta" in data else data["text"]
                    on_text(text)
                elif event == "error":
                    raise CitewiseError(data["error"])
                elif event == "done":
                    on_text(data["answer"])
                    return dict(data)
        except KeyboardInterrupt:
            if turn_id:
                self._send("POST", f"api/turns/{turn_id}/stop")
            raise
        raise CitewiseError(f"The server at {self._url} ended the answer early. Ask again, or look at its log.")

    def verify(self, sentence: str, quotes: Sequence[str]) -> Json:
        return _json(self._send("POST", "api/verify", json={"sentence": sentence, "quotes": list(quotes)}))

    def conversations(self) -> list[Json]:
        return list(self._get("api/conversations")["conversations"])

    def export(self, conversation_id: str, export_format: ExportFormat) -> bytes:
        path = f"api/conversations/{quote(conversation_id, safe='')}/export"
        response = self._send("GET", path, params={"format": export_format})
        if not response.is_success:
            raise _error(response, _json(response))
        if "content-disposition" not in response.headers:
            raise _not_ours(self._url)
        return response.content

    def import_conversation(self, content: bytes, *, collection: str | None) -> Json:
        params = {"collection": collection} if collection is not None else None
        return _checked(self._send("POST", "api/conversations/import", content=content, params=params))

    def resolve(self, content: bytes) -> Json:
        return _checked(self._send("POST", "api/conversations/resolve", content=content))

    def subject(self) -> RemoteSubject:
        return RemoteSubject(self)

    def health(self) -> Health:
        """How the server says it is."""
        body = _json(self._send("GET", "health/ready"))
        if "checks" not in body:
            raise _not_ours(self._url)
        return Health(
            body["ready"], body["checks"], body["embedder"], tuple(body["degraded"]), body.get("embedding", "")
        )

    def backup(self, path: Path) -> None:
        """Download a backup; ``path`` appears, or changes, when all of it is there."""
        partial = path.with_name(f".{path.name}.partial")
        try:
            with self._client.stream("GET", "api/backup", timeout=_BACKUP_TIMEOUT) as response:
                if response.headers.get("content-type") != "application/zip":
                    response.read()
                    _checked(response)
                    raise _not_ours(self._url)
                with partial.open("wb") as file:
                    partial.chmod(0o600)
                    for piece in response.iter_bytes():
                        file.write(piece)
            partial.replace(path)
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        finally:
            partial.unlink(missing_ok=True)

    def forget(self, conversation_id: str) -> None:
        """Hide a conversation."""
        _checked(self._send("DELETE", f"api/conversations/{conversation_id}"))

    def text(self, document_id: str, *, version: int) -> Json:
        """One version of a document, as ``show`` gives it."""
        return self._get(f"api/documents/{document_id}/text", params={"version": version})

    # --- the wire ---------------------------------------------------------------------

    def _get(self, path: str, *, params: dict[str, Any] | None = None) -> Json:
        return _checked(self._send("GET", path, params=params))

    def _send(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        try:
            return self._client.request(method, path, **arguments)
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error

    def _events(self, path: str, body: Json) -> Iterator[tuple[str, Json]]:
        headers = {"Accept": "text/event-stream"}
        try:
            with self._client.stream("POST", path, json=body, headers=headers) as response:
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    response.read()
                    _checked(response)
                    raise _not_ours(self._url)
                event = ""
                for line in response.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "event":
                        event = value
                    elif name == "data":
                        yield event, json.loads(value)
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx2.HTTPError) -> CitewiseError:
        if isinstance(error, httpx2.TimeoutException):
            return CitewiseError(f"The server at {self._url} did not answer in time. Look whether it still runs.")
        return CitewiseError(
            f"The server at {self._url} cannot be reached ({error}). Start it with `citewise serve`, "
            "or correct --server."
        )


class RemoteSubject:
    """A server as what an evaluation measures."""

    def __init__(self, session: RemoteSession) -> None:
        self._session = session
        self._answers: dict[str, Turn] = {}

    def add(self, uploads: Sequence[Upload], *, collection: str, on_duplicate: OnDuplicate) -> list[Added]:
        receipts = self._session.add(uploads, collection=collection, on_duplicate=on_duplicate)
        # A document's id stands for its job: over the API one waits for documents.
        return [Added(**{**one, "job_id": one["document_id"] if one["job_id"] else None}) for one in receipts]

    def wait(self, job_ids: Sequence[str], *, timeout_s: float | None = None) -> bool:
        longest = float("inf") if timeout_s is None else timeout_s
        return all(is_finished(self._session.settled({"document_id": one}, timeout_s=longest)) for one in job_ids)

    def collections(self) -> list[Collection]:
        return [
            Collection(one["collection_id"], one["name"], one["documents"], one["chunks"])
            for one in self._session.collections()
        ]

    def search(self, query: Query) -> SearchResult:
        asked = Asked(
            query.text,
            query.collection,
            query.k,
            query.where,
            query.history,
            query.mode,
            query.rerank,
            query.rewrite,
            query.variants,
        )
        found = self._session.search(asked)
        hits = tuple(hit_of(hit) for hit in found["hits"])
        return SearchResult(
            found["question"], found["standalone_question"], hits, found["timings_ms"], found["generation"]
        )

    def ask(self, question: str, *, collection: str, model: str | None, history: Sequence[Message] | None) -> Turn:
        asked = Asked(question, collection, history=tuple(history or ()), model=model)
        found = self._session.ask(asked, on_text=lambda _: None)
        answer = Answer(
            found["answer"],
            found["status"],
            citations=tuple(citation_of(citation) for citation in found["citations"]),
            model=found["model"],
            error=found["error"],
            reason=found["reason"],
        )
        turn = Turn(
            found["turn_id"],
            found["conversation_id"],
            0,
            question,
            found["standalone_question"],
            found["created_at"],
            answer,
        )
        self._answers[turn.id] = turn
        return turn

    def watch(self, turn_id: str) -> Iterator[Turn]:
        yield self._answers.pop(turn_id)

    def delete_conversation(self, conversation_id: str) -> None:
        self._session.forget(conversation_id)

    def show(self, document_id: str, *, version: int) -> DocumentText:
        return document_text_of(self._session.text(document_id, version=version))


def _question(asked: Asked) -> Json:
    return {
        "question": asked.text,
        "collection": asked.collection,
        "k": asked.k,
        "where": asked.where,
        "rewrite": asked.rewrite,
        "variants": asked.variants,
        "history": [{"role": said.role, "content": said.content} for said in asked.history],
        "explain": asked.explain,
    }


def _json(response: httpx2.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _not_ours(str(response.url))
    return body


def _checked(response: httpx2.Response) -> Json:
    body = _json(response)
    if not response.is_success:
        raise _error(response, body)
    return body


def _error(response: httpx2.Response, body: Json) -> CitewiseError:
    if "error" not in body:
        return _not_ours(str(response.url))
    sentence = str(body["error"])
    match response.status_code:
        case 422:  # one question of many; the others can still be asked
            return QuestionError(sentence)
        case 502:
            return ProviderError(sentence, provider="server")
    return CitewiseError(sentence)


def _not_ours(url: str) -> CitewiseError:
    return CitewiseError(f"What answers at {url} is not Citewise. Correct --server.")
