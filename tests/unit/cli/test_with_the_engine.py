"""The command line and the API over the real engine, with an embedder of words."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import citewise.build
from citewise.api import create_app
from citewise.engine import Engine
from citewise.settings import Settings, load_settings
from tests.fakes import HashEmbedder
from tests.unit.cli.conftest import Ran, Run, command_runner, logging_restored
from tests.unit.ingest.test_archive import zipped

open_real_engine = citewise.build.open_engine


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    def open_engine(settings: Settings, *, patient: bool) -> Engine:
        return open_real_engine(settings, patient=patient, open_embedder=lambda _: HashEmbedder())

    monkeypatch.setattr(citewise.build, "open_engine", open_engine)
    monkeypatch.setenv("CITEWISE_HOME", str(tmp_path / "home"))
    with logging_restored():
        yield command_runner(capsys)


def test_documents_go_all_the_way_from_files_to_checked_answers(run: Run, notes: Path, tmp_path: Path) -> None:
    added = run("add", notes, "--json")
    assert added.code == 0, added.err
    assert {entry["source"]: entry["status"] for entry in added.json["documents"]} == {
        "boats/ferry.md": "ready",
        "tides.txt": "ready",
        "tune.ogg": "skipped",
    }
    assert run("add", notes, "--json").json["totals"]["skipped"] == 3

    found = run("search", "How high is the spring tide?", "--json", "--explain").json
    best = found["hits"][0]
    shown = run("show", best["document_id"], "--json").json
    assert best["source"] == "tides.txt"
    assert shown["text"][best["start"] : best["end"]] == best["text"]
    assert {"total", "rewrite", "embed", "dense", "keyword", "fuse", "join", "rerank"} <= set(found["timings_ms"])

    answer = run("ask", "How high is the spring tide at the old harbour?", "--json").json
    assert answer["status"] == "complete"
    for citation in answer["citations"]:
        assert shown["text"][citation["start"] : citation["end"]] == citation["quote"]
    assert answer["generation"] == found["generation"]
    assert answer["timings_ms"]["total"] > 0

    question = {
        "id": "1",
        "question": "How high is the spring tide?",
        "answers": ["4.2 metres"],
        "document": "tides.txt",
    }
    (tmp_path / "qa.jsonl").write_text(json.dumps(question))
    report = run("eval", tmp_path, "--json").json
    assert (report["metrics"]["recall@5"], report["metrics"]["citations_verbatim"]) == (1.0, 1.0)

    erased = run("remove", "tides.txt", "--purge", "--json").json
    assert (erased["removed"], erased["quotes_kept"]) == (1, [])
    assert erased["quotes_blanked"] >= len(answer["citations"])
    assert "tides.txt" not in [hit["source"] for hit in run("search", "spring tide", "--json").json["hits"]]


def test_adding_an_archive_waits_for_the_documents_that_come_out_of_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"in/tides.txt": "High water is at noon.", "b.md": "# Boats"}))
    added = run("add", path, "--json")
    assert added.code == 0, added.err
    assert {entry["source"]: (entry["status"], entry["chunks"]) for entry in added.json["documents"]} == {
        "a.zip": ("ready", 1),
        "a.zip/in/tides.txt": ("ready", 1),
        "a.zip/b.md": ("ready", 1),
    }
    assert added.json["totals"]["ready"] == 3
    assert len(run("add", path, "--json").json["documents"]) == 1


def test_bad_files_and_questions_are_sentences(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "empty.txt").write_text("")
    (bad / "fake.pdf").write_bytes(b"\x00\x01\x02 no pdf")
    (bad / "cut.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<<")
    ran = run("add", bad, "--json")
    assert ran.code == 1
    for entry in ran.json["documents"]:
        assert entry["status"] == "failed"
        assert entry["error"].endswith((".", "!"))
        assert "Error" not in entry["error"]
    for command, words in [
        (["search", " "], "There is no question"),
        (["ask", "x" * 100_000], "100,000 characters long"),
        (["search", "x", "--collection", "none"], "no collection named 'none'"),
        (["ask", "x", "--model", "nobody:none"], "nobody:none"),
        (["show", "none"], "no document named 'none'"),
        (["search", "x", "--where", "colour=red"], "colour"),
        (["search", "x", "--rerank", "magic"], "no reranker named 'magic'. Choose linear"),
        (["search", "x", "--rerank", "cross-encoder:nobody/nothing"], "is not on this machine"),
        (["search", "x", "--rerank", "cohere:rerank-v3.5"], "no key for Cohere. Set CO_API_KEY"),
    ]:
        failed: Ran = run(*command)
        assert failed.code == 1, command
        failed.assert_one_sentence(words)


def test_a_second_process_is_told_who_has_the_directory(run: Run, tmp_path: Path) -> None:
    engine = open_real_engine(load_settings(home=tmp_path / "home"), open_embedder=lambda _: HashEmbedder())
    try:
        engine.announce("http://127.0.0.1:8999")
        ran = run("list")
    finally:
        engine.close()
    assert ran.code == 75
    ran.assert_one_sentence("--server http://127.0.0.1:8999")


def test_the_api_takes_a_file_in_and_answers_from_it(tmp_path: Path) -> None:
    engine = open_real_engine(load_settings(home=tmp_path / "home"), open_embedder=lambda _: HashEmbedder())
    client = TestClient(create_app(lambda: engine), base_url="http://localhost")
    try:
        text = b"The spring tide reaches 4.2 metres at the old harbour."
        uploaded = client.post("/documents", files={"files": ("tides.txt", text)})
        assert uploaded.status_code == 202
        (receipt,) = uploaded.json()["documents"]
        path = f"/documents/{receipt['document_id']}"
        while client.get(path).json()["status"] != "ready":
            time.sleep(0.02)
        assert client.get(f"{path}/original").content == text
        assert client.get(f"{path}/pages/1.png").status_code == 404
        question = {"question": "How high is the spring tide?"}
        answer = client.post("/ask", json=question).json()
        assert (answer["status"], answer["citations"][0]["source"]) == ("complete", "tides.txt")
        assert client.get(f"/conversations/{answer['conversation_id']}").json()["turns"] == [answer]
        assert client.get("/models").json()["models"][0]["name"] == "extractive"
        assert client.delete(path).status_code == 200
        assert client.post("/search", json=question).json()["hits"] == []
        assert client.post(f"{path}/restore").status_code == 200
        assert client.post("/search", json=question).json()["hits"]
        assert client.delete(path, params={"purge": True}).json()["purged"] is True
        assert client.post(f"{path}/restore").status_code == 404
    finally:
        engine.close()
