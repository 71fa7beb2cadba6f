from __future__ import annotations

import io

import pytest
from starlette.testclient import TestClient

from tests.unit.api.conftest import TIDES
from tests.unit.api.fake_engine import PNG, FakeEngine


def test_several_files_go_up_at_once_and_each_has_a_receipt(client: TestClient) -> None:
    files = [("files", ("a.txt", io.BytesIO(b"one two"))), ("files", ("b.txt", io.BytesIO(b"")))]
    response = client.post("/api/documents", files=files, data={"collection": "notes"})
    assert response.status_code == 202
    first, second = response.json()["documents"]
    assert (first["source"], first["status"], first["error"]) == ("a.txt", "received", None)
    assert (second["source"], second["status"]) == ("b.txt", "failed")
    assert "empty" in second["error"]
    listed = client.get("/api/documents", params={"collection": "notes"}).json()["documents"]
    assert [document["source"] for document in listed] == ["a.txt"]


def test_an_empty_file_alone_is_refused_with_422(client: TestClient) -> None:
    response = client.post("/api/documents", files={"files": ("empty.txt", b"")})
    assert response.status_code == 422
    assert "empty.txt is empty" in response.json()["error"]


def test_a_file_over_the_limit_is_refused_with_413(client: TestClient) -> None:
    response = client.post("/api/documents", files={"files": ("big.txt", b"x" * 1001)})
    assert response.status_code == 413
    assert "big.txt is too large" in response.json()["error"]


def test_a_file_of_an_unknown_type_ends_as_failed_with_its_reason(client: TestClient) -> None:
    response = client.post("/api/documents", files={"files": ("program.bin", b"\x00\x01\x02")})
    document = client.get(f"/api/documents/{response.json()['documents'][0]['document_id']}").json()
    assert document["status"] == "failed"
    assert "cannot read" in document["error"]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("reports/2024/tides.txt", "reports/2024/tides.txt"),
        ("C:\\papers\\tides.txt", "C:/papers/tides.txt"),
        ("ti\u202edes.txt", "tides.txt"),
    ],
)
def test_a_name_keeps_its_folders_but_never_leads_upwards(client: TestClient, sent: str, stored: str) -> None:
    body = {"records": [{"source": sent, "text": "some words"}]}
    response = client.post("/api/documents/records", json=body)
    assert response.json()["documents"][0]["source"] == stored


def test_a_name_of_nothing_usable_is_refused(client: TestClient) -> None:
    response = client.post("/api/documents/records", json={"records": [{"source": "../", "text": "words"}]})
    assert response.status_code == 422
    assert "usable name" in response.json()["error"]


def test_records_carry_their_titles(client: TestClient) -> None:
    records = [{"source": "r1", "title": "Tides", "text": "one"}, {"source": "r2", "text": "two"}]
    response = client.post("/api/documents/records", json={"records": records, "collection": "notes"})
    assert response.status_code == 202
    titles = {document["source"]: document["title"] for document in client.get("/api/documents").json()["documents"]}
    assert titles == {"r1": "Tides", "r2": "r2"}


def test_the_text_of_a_document_comes_with_chunks_that_are_its_slices(client: TestClient, tides: str) -> None:
    shown = client.get(f"/api/documents/{tides}/text").json()
    assert shown["text"] == TIDES.decode()
    assert len(shown["chunks"]) == 2
    for chunk in shown["chunks"]:
        assert shown["text"][chunk["start"] : chunk["end"]] == chunk["text"]
    assert shown["pages"] == [{"page": 1, "start": 0, "end": len(TIDES)}]
    assert shown["report"]["characters"] == len(TIDES)


def test_the_original_comes_back_as_a_download_that_cannot_run(client: TestClient) -> None:
    name = "büro/<script>\"tides'.html"
    record = {"records": [{"source": name, "text": "<script>alert(1)</script>"}]}
    document_id = client.post("/api/documents/records", json=record).json()["documents"][0]["document_id"]
    response = client.get(f"/api/documents/{document_id}/original")
    assert response.content == b"<script>alert(1)</script>"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    disposition = response.headers["content-disposition"]
    assert disposition == "attachment; filename*=utf-8''%3Cscript%3E%22tides%27.html"


def test_a_page_comes_as_an_image_of_the_width_asked_for(client: TestClient, tides: str) -> None:
    response = client.get(f"/api/documents/{tides}/pages/1.png", params={"width": 640})
    assert (response.content, response.headers["content-type"]) == (PNG + b"640", "image/png")
    assert client.get(f"/api/documents/{tides}/pages/2.png").status_code == 404
    assert client.get(f"/api/documents/{tides}/pages/1.png", params={"width": 100000}).status_code == 422


def test_a_removed_document_is_gone_until_it_is_restored(client: TestClient, tides: str) -> None:
    assert client.delete(f"/api/documents/{tides}").json() == {
        "document_id": tides,
        "removed": True,
        "purged": False,
    }
    assert client.get(f"/api/documents/{tides}").status_code == 404
    assert client.delete(f"/api/documents/{tides}").status_code == 404
    assert client.post(f"/api/documents/{tides}/restore").json()["document_id"] == tides
    assert client.get(f"/api/documents/{tides}").status_code == 200


def test_a_purged_document_does_not_come_back(client: TestClient, tides: str) -> None:
    assert client.delete(f"/api/documents/{tides}", params={"purge": True}).json()["purged"] is True
    assert client.post(f"/api/documents/{tides}/restore").status_code == 404


def test_retry_and_cancel_answer_with_the_document(client: TestClient, tides: str) -> None:
    retried = client.post(f"/api/documents/{tides}/retry")
    assert (retried.status_code, retried.json()["job_id"]) == (202, f"job-{tides}")
    assert client.post(f"/api/documents/{tides}/cancel").json()["document_id"] == tides


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/documents/none"),
        ("GET", "/api/documents/none/text"),
        ("GET", "/api/documents/none/original"),
        ("GET", "/api/documents/none/pages/1.png"),
        ("DELETE", "/api/documents/none"),
        ("POST", "/api/documents/none/restore"),
        ("POST", "/api/documents/none/retry"),
        ("POST", "/api/documents/none/cancel"),
        ("GET", "/api/documents?collection=none"),
        ("GET", "/api/turns/none"),
        ("POST", "/api/turns/none/stop"),
        ("GET", "/api/conversations/none"),
        ("DELETE", "/api/conversations/none"),
        ("POST", "/api/conversations/none/restore"),
        ("GET", "/api/nothing-here"),
    ],
)
def test_whatever_is_not_there_answers_404_with_a_sentence(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, path)
    assert response.status_code == 404
    assert response.json()["error"].startswith("There is no")


def test_collections_tell_how_much_they_hold(client: TestClient, engine: FakeEngine, tides: str) -> None:
    assert client.get("/api/collections").json() == {
        "collections": [{"collection_id": "c-default", "name": "default", "documents": 1, "chunks": 2}]
    }
