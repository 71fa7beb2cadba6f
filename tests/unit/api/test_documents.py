from __future__ import annotations

import io
from pathlib import Path

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
        "quotes_kept": 0,
        "quotes_blanked": 0,
    }
    assert client.get(f"/api/documents/{tides}").status_code == 404
    assert client.delete(f"/api/documents/{tides}").status_code == 404
    assert client.post(f"/api/documents/{tides}/restore").json()["document_id"] == tides
    assert client.get(f"/api/documents/{tides}").status_code == 200


def test_a_purged_document_does_not_come_back(client: TestClient, tides: str) -> None:
    assert client.delete(f"/api/documents/{tides}", params={"purge": True}).json()["purged"] is True
    assert client.post(f"/api/documents/{tides}/restore").status_code == 404


def test_quotes_that_old_answers_keep_are_listed_and_counted(client: TestClient, tides: str) -> None:
    answer = client.post("/api/ask", json={"question": "How high is the spring tide?"}).json()
    (citation,) = answer["citations"]
    assert citation["erased"] is False
    (quote,) = client.get(f"/api/documents/{tides}/quotes").json()["quotes"]
    assert quote == {
        "conversation_id": answer["conversation_id"],
        "conversation": "How high is the spring tide?",
        "turn_id": answer["turn_id"],
        "marker": 1,
        "document_id": tides,
        "source": "tides.txt",
        "words": citation["quote"][:60],
    }
    assert client.delete(f"/api/documents/{tides}").json()["quotes_kept"] == 1
    assert len(client.get(f"/api/documents/{tides}/quotes").json()["quotes"]) == 1, "it stays with the answer"
    client.post(f"/api/documents/{tides}/restore")
    assert client.delete(f"/api/documents/{tides}", params={"purge": True}).json()["quotes_blanked"] == 1
    assert client.get("/api/documents/unknown/quotes").json() == {"quotes": []}


def test_retry_and_cancel_answer_with_the_document(client: TestClient, tides: str) -> None:
    retried = client.post(f"/api/documents/{tides}/retry")
    assert (retried.status_code, retried.json()["job_id"]) == (202, f"job-{tides}")
    assert client.post(f"/api/documents/{tides}/cancel").json()["document_id"] == tides


def test_a_document_is_turned_off_tagged_and_moved(client: TestClient, tides: str) -> None:
    listed = client.get(f"/api/documents/{tides}").json()
    assert (listed["enabled"], listed["tags"], listed["collection"]) == (True, [], "default")
    assert client.patch(f"/api/documents/{tides}", json={"enabled": False}).json()["enabled"] is False
    tagged = client.patch(f"/api/documents/{tides}", json={"tags": [" sea ", "2024", "sea"]}).json()
    assert (tagged["tags"], tagged["enabled"]) == (["2024", "sea"], False)
    changed = client.patch(f"/api/documents/{tides}", json={"enabled": True, "tags": [], "collection": "lab"}).json()
    assert (changed["enabled"], changed["tags"], changed["collection"]) == (True, [], "lab")
    assert client.get(f"/api/documents/{tides}").json() | {"report": None} == changed | {"report": None}


def test_a_change_that_cannot_be_done_changes_nothing(client: TestClient, engine: FakeEngine, tides: str) -> None:
    client.post("/api/documents", files={"files": ("tides.txt", TIDES)}, data={"collection": "lab"})
    before = engine.document(tides)
    refused = client.patch(f"/api/documents/{tides}", json={"collection": "lab", "tags": ["sea"], "enabled": False})
    assert (refused.status_code, engine.document(tides)) == (403, before)
    assert "that name is taken" in refused.json()["error"]
    for wrong in ({"tags": ["fine", " "]}, {"tags": ["x" * 51]}, {"tags": ["two\nlines"]}, {"tags": ["x"] * 51}):
        response = client.patch(f"/api/documents/{tides}", json={"collection": "free", **wrong})
        assert (response.status_code, engine.document(tides)) == (422, before)
        assert response.json()["error"].endswith(".")


def test_the_versions_of_a_document_are_listed_newest_first(client: TestClient, tides: str) -> None:
    client.post("/api/documents", files={"files": ("tides.txt", b"other words")})
    versions = client.get(f"/api/documents/{tides}/versions").json()["versions"]
    assert [(one["version"], one["serves"]) for one in versions] == [(2, True), (1, False)]
    assert set(versions[0]) == {
        "version",
        "status",
        "error",
        "content_hash",
        "bytes",
        "pages",
        "added_at",
        "serves",
    }


def test_folders_are_watched_listed_and_let_go(client: TestClient, tides: str, tmp_path: Path) -> None:
    watched = client.post("/api/folders", json={"path": str(tmp_path), "collection": "lab"})
    assert watched.status_code == 201
    folder = watched.json()
    assert (folder["path"], folder["collection"], folder["looked_at"], folder["error"]) == (
        str(tmp_path),
        "lab",
        None,
        None,
    )
    assert folder["refused"] == [{"source": "big.txt", "error": "It is too large."}]
    assert client.get("/api/folders").json() == {"folders": [folder]}
    kept = client.delete(f"/api/folders/{folder['folder_id']}").json()
    assert kept == {"folder_id": folder["folder_id"], "removed_documents": 0}
    assert client.get("/api/folders").json() == {"folders": []}
    again = client.post("/api/folders", json={"path": str(tmp_path)}).json()["folder_id"]
    removed = client.delete(f"/api/folders/{again}", params={"remove_documents": True})
    assert removed.json()["removed_documents"] == 1


def test_a_folder_that_is_not_there_is_refused(client: TestClient) -> None:
    response = client.post("/api/folders", json={"path": "/none/at/all"})
    assert (response.status_code, response.json()["error"][:19]) == (422, "There is no folder ")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/documents/none"),
        ("PATCH", "/api/documents/none"),
        ("GET", "/api/documents/none/versions"),
        ("DELETE", "/api/folders/none"),
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
    response = client.request(method, path, json={} if method == "PATCH" else None)
    assert response.status_code == 404
    assert response.json()["error"].startswith("There is no")


def test_collections_tell_how_much_they_hold(client: TestClient, engine: FakeEngine, tides: str) -> None:
    assert client.get("/api/collections").json() == {
        "collections": [{"collection_id": "c-default", "name": "default", "documents": 1, "chunks": 2}]
    }
