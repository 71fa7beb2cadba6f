"""A real HTTP server that embeds and reranks as OpenAI and Cohere do, with whatever faults a test queues.

Vectors are those of ``HashEmbedder``, not of unit length; a text's score is the share of the
question's words that it has.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fakes import HashEmbedder
from tests.loopback import LoopbackServer

Json = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """An answer that is none. ``{key}`` in ``message`` becomes the key that was sent."""

    status: int
    message: str = "Something is wrong."
    retry_after: str | None = None
    code: str | None = None


Fault = Refusal | str
"""A refusal, or ``ok`` for none, ``hang``, ``html``, ``short``, ``nan``, ``zero``, ``wide``, ``twice``, ``hang-up``."""


@dataclass
class FakeEmbeddings(LoopbackServer):
    """The server, as a context manager.

    Attributes:
        dimension: Numbers in a vector where a call asks for no other.
        largest_batch: Texts that are taken at once; more are refused.
        faults: What becomes of the next calls, one each; those after them are answered well.
        calls: Path, key and body of all calls, in order.
    """

    dimension: int = 1536
    largest_batch: int = 10_000
    faults: deque[Fault] = field(default_factory=deque)
    calls: list[tuple[str, str, Json]] = field(default_factory=list)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return _Handler

    @property
    def bodies(self) -> list[Json]:
        return [body for _, _, body in self.calls]


class _Handler(BaseHTTPRequestHandler):
    fake: FakeEmbeddings
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = self.headers.get("authorization", "").removeprefix("Bearer ")
        fake = self.fake
        fake.calls.append((self.path, key, body))
        answers: dict[str, Callable[[Json], Json]] = {
            "/v1/embeddings": self._openai,
            "/v2/embed": self._cohere,
            "/v2/rerank": self._rerank,
        }
        fault = fake.faults.popleft() if fake.faults else None
        texts = body.get("input") or body.get("texts") or body.get("documents") or []
        if fault is None and len(texts) > fake.largest_batch:
            fault = Refusal(413, f"batch size {len(texts)} > maximum allowed batch size {fake.largest_batch}")
        match fault:
            case Refusal():
                self._refuse(fault, key)
            case "hang":
                fake.stopping.wait(30)
                self.close_connection = True
            case "hang-up":
                self.close_connection = True
            case "html":
                self._send(200, b"<html>Welcome</html>")
            case _:
                self._send(200, json.dumps(_spoilt(answers[self.path](body), fault)).encode())

    def _refuse(self, refusal: Refusal, key: str) -> None:
        error = {"message": refusal.message.format(key=key), "code": refusal.code}
        body = {"error": error} if self.path.startswith("/v1") else error
        headers = {} if refusal.retry_after is None else {"retry-after": refusal.retry_after}
        self._send(refusal.status, json.dumps(body).encode(), headers)

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _vectors(self, texts: list[str], dimension: int | None) -> list[list[float]]:
        embedder = HashEmbedder(dimension or self.fake.dimension)
        return [[round(float(value) * 3, 6) for value in embedder.embed_query(text)] for text in texts]

    def _openai(self, body: Json) -> Json:
        vectors = self._vectors(body["input"], body.get("dimensions"))
        data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
        tokens = sum(len(text.split()) for text in body["input"])
        # In an order of its own: the index says which is which.
        return {"data": data[::-1], "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}

    def _cohere(self, body: Json) -> Json:
        vectors = self._vectors(body["texts"], body.get("output_dimension"))
        tokens = sum(len(text.split()) for text in body["texts"])
        return {"embeddings": {"float": vectors}, "meta": {"billed_units": {"input_tokens": tokens}}}

    def _rerank(self, body: Json) -> Json:
        asked = set(re.findall(r"\w+", body["query"].lower()))
        shares = [len(asked & set(re.findall(r"\w+", text.lower()))) / len(asked) for text in body["documents"]]
        results = [{"index": index, "relevance_score": share} for index, share in enumerate(shares)]
        results.sort(key=lambda result: -result["relevance_score"])
        return {"results": results, "meta": {"billed_units": {"search_units": 1}}}


def _spoilt(answer: Json, fault: Fault | None) -> Json:
    """The same answer with one thing wrong."""
    rows: list[Any] = answer.get("data") or answer.get("results") or answer["embeddings"]["float"]
    match fault:
        case "short":
            rows.pop()
        case "twice":
            rows[0]["index"] = rows[1]["index"]
        case "nan" | "zero" | "wide":
            for number, row in enumerate(rows):
                if isinstance(row, list):
                    rows[number] = _spoilt_vector(row, fault)
                elif "embedding" in row:
                    row["embedding"] = _spoilt_vector(row["embedding"], fault)
                else:
                    row["relevance_score"] = float("nan")
    return answer


def _spoilt_vector(vector: list[float], fault: str) -> list[float]:
    match fault:
        case "nan":
            return [float("nan"), *vector[1:]]
        case "zero":
            return [0.0] * len(vector)
    return [*vector, 0.0]
