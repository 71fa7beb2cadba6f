from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

TIDE = "How high is the spring tide?"
FERRY = "When does the ferry leave?"


@pytest.fixture
def first(client: TestClient, tides: str) -> dict[str, Any]:
    response = client.post("/api/ask", json={"question": TIDE})
    assert response.status_code == 200
    return dict(response.json())


def questions(client: TestClient, conversation_id: str, **params: str) -> list[str]:
    found = client.get(f"/api/conversations/{conversation_id}", params=params).json()
    return [turn["question"] for turn in found["turns"]]


def test_an_edited_question_is_another_version(client: TestClient, first: dict[str, Any]) -> None:
    edited = client.post("/api/ask", json={"question": FERRY, "instead_of": first["turn_id"]}).json()
    assert edited["versions"] == [first["turn_id"], edited["turn_id"]]
    assert edited["conversation_id"] == first["conversation_id"]
    assert questions(client, first["conversation_id"]) == [FERRY]
    assert questions(client, first["conversation_id"], branch=first["turn_id"])[0] == TIDE
    client.post(f"/api/turns/{first['turn_id']}/show")
    assert questions(client, first["conversation_id"]) == [TIDE]


def test_an_answer_is_given_again_whole_or_as_it_is_written(client: TestClient, first: dict[str, Any]) -> None:
    again = client.post(f"/api/turns/{first['turn_id']}/again", json={"model": "extractive"}).json()
    assert (again["question"], again["status"]) == (TIDE, "complete")
    streamed = client.post(
        f"/api/turns/{first['turn_id']}/again", json={}, headers={"accept": "text/event-stream"}
    ).text
    assert "event: done" in streamed
    versions = client.get(f"/api/turns/{first['turn_id']}/versions").json()["versions"]
    assert [one["shown"] for one in versions] == [False, False, True]
    assert [one["question"] for one in versions] == [TIDE] * 3


def test_what_a_person_thinks_is_kept_and_forgotten(client: TestClient, first: dict[str, Any]) -> None:
    url = f"/api/turns/{first['turn_id']}"
    given = client.put(f"{url}/feedback", json={"good": False, "reason": "outdated", "note": "It is 4.3 now."})
    assert given.status_code == 200
    kept = client.get(url).json()["feedback"]
    assert kept == given.json()["feedback"]
    assert (kept["good"], kept["reason"], kept["note"]) == (False, "outdated", "It is 4.3 now.")
    assert client.delete(f"{url}/feedback").json() == {"turn_id": first["turn_id"], "feedback": None}
    assert client.get(url).json()["feedback"] is None


@pytest.mark.parametrize(
    "rating",
    [{}, {"good": False, "reason": "ugly"}, {"good": True, "reason": "wrong"}, {"good": True, "note": "x" * 501}],
)
def test_ratings_that_make_no_sense_are_refused(
    client: TestClient, first: dict[str, Any], rating: dict[str, Any]
) -> None:
    refused = client.put(f"/api/turns/{first['turn_id']}/feedback", json=rating)
    assert (refused.status_code, set(refused.json())) == (422, {"error"})


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "again"), ("GET", "versions"), ("POST", "show"), ("PUT", "feedback"), ("DELETE", "feedback")],
)
def test_a_turn_that_is_not_there_is_404(client: TestClient, method: str, path: str) -> None:
    body = {"PUT": {"good": True}, "POST": {}}.get(method)
    response = client.request(method, f"/api/turns/nowhere/{path}", json=body)
    assert (response.status_code, set(response.json())) == (404, {"error"})


def test_questions_to_begin_with_name_their_document(client: TestClient, tides: str) -> None:
    found = client.get("/api/collections/default/suggestions").json()
    assert found["complete"]
    assert found["suggestions"] == [
        {"question": "What is in tides.txt?", "document_id": tides, "version": 1, "source": "tides.txt"}
    ]
    assert client.get("/api/collections/nowhere/suggestions").status_code == 404
