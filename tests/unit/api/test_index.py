from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.fake_index import COMPARISON, ERASED, NEW, OLD
from tests.unit.api.fake_engine import FakeEngine


def started(client: TestClient, kind: str, **options: Any) -> str:
    response = client.post(f"/api/index/{kind}", json=options)
    assert response.status_code == 202, response.text
    return str(response.json()["job_id"])


def followed(client: TestClient, job_id: str) -> dict[str, Any]:
    """Look at a job until it is over."""
    while (job := client.get(f"/api/index/jobs/{job_id}").json())["state"] in ("queued", "running"):
        assert job["sentence"]
    return dict(job)


def test_the_state_of_the_index_is_told(client: TestClient) -> None:
    index = client.get("/api/index").json()
    assert (index["state"], index["detail"], index["chunks"], index["jobs"]) == ("ok", "The index is whole.", 48, [])
    assert index["generation"]["generation"] == OLD
    assert index["generation"]["cut"] == "recursive, 200 tokens a chunk, 24 shared by neighbours"
    assert index["cut"] == index["generation"]["cut"]
    assert index["generations"] == [index["generation"]]


def test_a_job_is_started_followed_with_time_left_and_ends_in_a_sentence(client: TestClient) -> None:
    job_id = started(client, "rebuild")
    job = client.get(f"/api/index/jobs/{job_id}").json()
    assert (job["state"], job["step"]) == ("running", "Step 3 of 4: verifying, 1 of 48 chunks")
    assert job["percent"] == 2
    assert job["seconds_left"] == pytest.approx(470, rel=0.1)
    job = followed(client, job_id)
    assert (job["state"], job["error"]) == ("done", None)
    assert job["sentence"].startswith("48 chunks were written to new files and verified.")
    assert client.get("/api/index").json()["jobs"] == [job]


def test_another_model_is_compared_switched_to_and_rolled_back(client: TestClient, engine: FakeEngine) -> None:
    job = followed(client, started(client, "reembed", model="fake:hash-128"))
    assert job["options"] == {"model": "fake:hash-128"}
    assert job["result"]["comparison"] == COMPARISON
    assert "93.2 % of 44 places" in job["sentence"]
    assert client.get("/api/index").json()["generations"][0]["comparison"] == COMPARISON
    followed(client, started(client, "switch"))
    assert client.get("/api/index").json()["generation"]["generation"] == NEW
    followed(client, started(client, "rollback", generation=OLD))
    assert client.get("/api/index").json()["generation"]["generation"] == OLD


def test_what_compact_did_is_reported(client: TestClient) -> None:
    job = followed(client, started(client, "compact", quotes=True))
    assert (job["options"], job["result"], job["sentence"]) == ({"quotes": True}, ERASED, ERASED["sentence"])


def test_a_cancelled_job_ends_and_says_so(client: TestClient, engine: FakeEngine) -> None:
    engine.looks = 100
    job_id = started(client, "reembed")
    response = client.post(f"/api/index/jobs/{job_id}/cancel")
    assert response.status_code == 202
    job = followed(client, job_id)
    assert (job["state"], job["sentence"]) == (
        "cancelled",
        "It was cancelled. Answers come from the same index as before.",
    )


def test_a_failed_job_gives_its_reason(client: TestClient, engine: FakeEngine) -> None:
    engine.ending, engine.error = "failed", "The disk is full. Free some space."
    job = followed(client, started(client, "rebuild"))
    assert (job["state"], job["error"], job["sentence"]) == ("failed", engine.error, engine.error)


def test_what_is_not_possible_now_is_a_conflict(client: TestClient, engine: FakeEngine) -> None:
    engine.looks = 100
    started(client, "verify")
    again = client.post("/api/index/verify")
    nothing = client.post("/api/index/switch")
    assert (again.status_code, nothing.status_code) == (409, 409)
    assert again.json()["error"].startswith("A job to verify the index runs already.")
    assert nothing.json()["error"].startswith("No generation waits to be switched to.")


def test_what_is_not_there_is_not_found(client: TestClient) -> None:
    for response, words in (
        (client.get("/api/index/jobs/none"), "no index job named 'none'"),
        (client.post("/api/index/jobs/none/cancel"), "no index job named 'none'"),
        (client.post("/api/index/switch", json={"generation": "none"}), "no index generation named 'none'"),
    ):
        assert response.status_code == 404
        assert words in response.json()["error"]


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("polish", {}, "`kind`"),
        ("verify", {"model": "fake:1"}, "takes no option `model`"),
        ("compact", {"switch": True}, "takes no option `switch`"),
        ("reembed", {"colour": "red"}, "`colour` is not known here"),
        ("reembed", {"switch": "perhaps"}, "`switch`"),
    ],
)
def test_a_wrong_request_starts_nothing(
    client: TestClient, engine: FakeEngine, kind: str, body: dict[str, Any], words: str
) -> None:
    response = client.post(f"/api/index/{kind}", json=body)
    assert response.status_code == 422
    assert words in response.json()["error"]
    assert engine.index.jobs == ()
