from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from citewise.api import follow
from citewise.types import Upload
from tests.unit.api.conftest import TIDES
from tests.unit.api.fake_engine import FakeEngine

QUESTION = "How high is the spring tide?"


def events_of(body: str) -> list[tuple[str, Any]]:
    """The events of a stream, comments left out."""
    events = []
    for block in body.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            events.append((fields["event"], json.loads(fields["data"])))
    return events


def test_a_search_answers_with_the_keys_of_the_command_line(client: TestClient, tides: str) -> None:
    found = client.post("/api/search", json={"question": QUESTION}).json()
    assert set(found) == {
        "id",
        "question",
        "standalone_question",
        "hits",
        "timings_ms",
        "generation",
        "reranker",
        "degraded",
        "note",
        "usage",
        "asked_before",
    }
    hit = found["hits"][0]
    assert (hit["rank"], hit["document_id"], hit["source"]) == (1, tides, "tides.txt")
    assert TIDES.decode()[hit["start"] : hit["end"]] == hit["text"]
    assert {"score", "scores", "chunk_id", "title", "page_first", "page_last", "headings", "context"} <= set(hit)
    assert hit["locator"] == "page 1"


def test_a_sentence_is_checked_against_its_quotes(client: TestClient) -> None:
    body = {"sentence": "The tide is 4.5 m high.", "quotes": ["The spring tide is 450 cm high."]}
    found = client.post("/api/verify", json=body)
    assert (found.status_code, found.json()["verdict"]) == (200, "supported")
    found = client.post("/api/verify", json=body | {"quotes": []})
    assert found.json() == {"verdict": "unsupported", "reason": "states something without a citation"}
    assert client.post("/api/verify", json={"sentence": "The tide is high."}).status_code == 422


def test_everything_that_narrows_a_search_reaches_the_engine(
    client: TestClient, engine: FakeEngine, tides: str
) -> None:
    body = {
        "question": "and the ferry?",
        "k": 1,
        "where": {"source": "tides.txt"},
        "history": [{"role": "user", "content": "spring tide"}],
        "mode": "keyword",
        "rerank": "none",
        "explain": True,
    }
    found = client.post("/api/search", json=body).json()
    (query,) = engine.queries
    assert (query.k, query.where, query.mode, query.rerank) == (1, {"source": "tides.txt"}, "keyword", "none")
    assert found["standalone_question"] == "and the ferry? (spring tide)"
    assert found["trace"]["words"]


@pytest.mark.parametrize("folder", ["/models/mine", "~/mine", "../mine", "C:\\mine", "\\\\host\\mine"])
def test_a_caller_cannot_name_a_folder_as_reranker(client: TestClient, folder: str) -> None:
    answer = client.post("/api/search", json={"question": "When?", "rerank": f"cross-encoder:{folder}"})

    assert answer.status_code == 422
    assert "CITEWISE_SEARCH__RERANKER" in answer.text


@pytest.mark.parametrize(
    ("said", "means"), [({}, True), *(({"rerank": value}, value) for value in (True, False, "cohere:rerank-v3.5"))]
)
def test_who_reranks_is_a_name_or_yes_or_no(
    said: dict[str, bool | str], means: bool | str, client: TestClient, engine: FakeEngine, tides: str
) -> None:
    assert client.post("/api/search", json={"question": "tide", **said}).status_code == 200
    assert [query.rerank for query in engine.queries] == [means]


def test_an_answer_comes_as_json_with_its_evidence(client: TestClient, tides: str) -> None:
    response = client.post("/api/ask", json={"question": QUESTION}, headers={"Accept": "application/json"})
    answer = response.json()
    assert response.status_code == 200
    assert answer["status"] == "complete"
    assert answer["answer"] == "The spring tide reaches 4.2 metres at the old harbour. [1]"
    (citation,) = answer["citations"]
    assert TIDES.decode()[citation["start"] : citation["end"]] == citation["quote"]
    assert citation["locator"] == "page 1"
    (incomplete,) = answer["incomplete_documents"]
    assert (incomplete["document_id"], incomplete["source"], incomplete["version"]) == (tides, "tides.txt", 1)
    assert incomplete["missing"] == "2 of 9 pages have no text that could be read; 1 part was not read"
    assert answer["sentences"][0]["citations"] == [1]
    assert answer["usage"] == {"input_tokens": 3, "output_tokens": 4}
    assert answer["generation"] == "g1"
    assert client.get(f"/api/turns/{answer['turn_id']}").json() == answer


def test_an_answer_streams_as_it_is_written(client: TestClient, tides: str) -> None:
    response = client.post("/api/ask", json={"question": QUESTION}, headers={"Accept": "text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_of(response.text)
    assert events[0][0] == "turn"
    assert events[-1][0] == "done"
    written = "".join(data["delta"] for name, data in events if name == "text")
    assert written == events[-1][1]["answer"]
    assert events[-1][1]["citations"]


def test_text_that_was_rewritten_is_sent_whole(engine: FakeEngine) -> None:
    engine.add([])
    turn = engine.ask("nothing known")
    first = replace(turn, answer=replace(turn.answer, text="A [9] b"))
    last = replace(turn, answer=replace(turn.answer, text="A b", status="complete"))
    states = iter([first, last])
    engine.turn = lambda _: next(states)  # type: ignore[method-assign]

    async def listen() -> str:
        return "".join([event async for event in follow.server_sent_events(engine, turn)])

    events = events_of(asyncio.run(listen()))
    assert [data for name, data in events if name == "text"] == [{"delta": "A [9] b"}, {"text": "A b"}]


def test_silence_is_filled_with_comments_and_going_away_stops_nothing(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "HEARTBEAT_S", 0.0)
    engine.gate.clear()
    engine.add([Upload("tides.txt", text=TIDES.decode())])

    async def listen_until_silence() -> str:
        turn = engine.ask(QUESTION)
        stream = follow.server_sent_events(engine, turn)
        async for event in stream:
            if event.startswith(":"):
                await stream.aclose()  # type: ignore[attr-defined]
                break
        return turn.id

    turn_id = asyncio.run(listen_until_silence())
    assert engine.turn(turn_id).answer.status == "running"
    engine.gate.set()
    *_, last = engine.watch(turn_id)
    assert last.answer.status == "complete"


def test_a_stopped_answer_keeps_its_text(client: TestClient, engine: FakeEngine, tides: str) -> None:
    engine.gate.clear()
    turn = engine.ask(QUESTION)
    while not engine.turn(turn.id).answer.text:
        pass
    assert client.post(f"/api/turns/{turn.id}/stop").status_code == 202
    *_, last = engine.watch(turn.id)
    assert last.answer.status == "cancelled"
    stopped = client.get(f"/api/turns/{turn.id}").json()
    assert (stopped["status"], stopped["answer"]) == ("cancelled", "The ")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_model_that_fails_is_reported_with_its_sentence(
    client: TestClient, engine: FakeEngine, tides: str, accept: str
) -> None:
    engine.model_failure = "The key for OpenAI was refused. Check OPENAI_API_KEY."
    response = client.post("/api/ask", json={"question": QUESTION}, headers={"Accept": accept})
    if accept == "application/json":
        assert response.status_code == 502
        answer = response.json()
    else:
        answer = events_of(response.text)[-1][1]
    assert (answer["status"], answer["error"]) == ("error", engine.model_failure)


def test_what_the_documents_do_not_say_is_said_so(client: TestClient, tides: str) -> None:
    answer = client.post("/api/ask", json={"question": "Who won the chess match?"}).json()
    assert (answer["status"], answer["citations"]) == ("abstained", [])
    assert answer["reason"] == "The documents do not say."


@pytest.mark.parametrize("path", ["/api/search", "/api/ask"])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"question": "   "}, "There is no question"),
        ({"question": "x" * 100_000}, "100,000 characters long"),
        ({}, "`question` is missing"),
        ({"question": "tide", "k": 0}, "`k`: input should be greater than or equal to 1"),
        ({"question": "tide", "kk": 3}, "`kk` is not known here"),
        ({"question": "tide", "history": [{"role": "system", "content": "x"}]}, "`history.0.role`"),
    ],
)
def test_a_question_that_cannot_be_asked_is_a_sentence_with_422(
    client: TestClient, tides: str, path: str, body: dict[str, Any], words: str
) -> None:
    response = client.post(path, json=body)
    assert response.status_code == 422
    assert words in response.json()["error"]
    assert "\n" not in response.json()["error"]


def test_a_body_that_is_no_json_is_a_sentence(client: TestClient) -> None:
    response = client.post("/api/search", content=b"{not json", headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["error"]) == (
        422,
        "The body of the request is not valid JSON. Send a JSON object.",
    )


@pytest.mark.parametrize("extra", [{"collection": "none"}, {"model": "openai:none"}, {"conversation_id": "none"}])
def test_an_unknown_collection_model_or_conversation_is_404(
    client: TestClient, tides: str, extra: dict[str, str]
) -> None:
    response = client.post("/api/ask", json={"question": QUESTION, **extra})
    assert response.status_code == 404
    assert "'none'" in response.json()["error"] or "openai:none" in response.json()["error"]


def test_a_conversation_goes_on_and_can_be_renamed_hidden_and_restored(client: TestClient, tides: str) -> None:
    first = client.post("/api/ask", json={"question": QUESTION}).json()
    conversation_id = first["conversation_id"]
    client.post("/api/ask", json={"question": "When does the ferry leave?", "conversation_id": conversation_id})
    path = f"/api/conversations/{conversation_id}"
    turns = client.get(path).json()["turns"]
    assert [turn["question"] for turn in turns] == [QUESTION, "When does the ferry leave?"]
    assert client.patch(path, json={"title": "Harbour"}).json()["title"] == "Harbour"
    assert client.patch(path, json={"title": ""}).status_code == 422
    assert client.delete(path).status_code == 200
    assert client.get("/api/conversations").json() == {"conversations": []}
    assert client.post(f"{path}/restore").json()["title"] == "Harbour"


def test_models_say_what_is_missing(client: TestClient) -> None:
    first, second = client.get("/api/models").json()["models"]
    assert (first["name"], first["available"]) == ("extractive", True)
    assert (second["available"], second["note"]) == (False, "Set OPENAI_API_KEY.")


def test_a_model_can_be_tested(client: TestClient) -> None:
    told = client.post("/api/models/test", json={}).json()
    assert told == {"name": "extractive", "ok": True, "detail": "It runs here.", "seconds": 0.1}
    assert client.post("/api/models/test", json={"model": "openai:x"}).json()["ok"] is False
