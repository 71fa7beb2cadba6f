"""Embedding anew, switching, going back and erasing: on the command line and over the API, over the real engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import citewise.build
from citewise.api import create_app
from citewise.engine import Engine
from citewise.index import seal
from citewise.index.chroma import ChromaIndex
from citewise.settings import Settings, load_settings
from tests.fakes import HashEmbedder
from tests.unit.cli.conftest import Run, command_runner, logging_restored

open_real_engine = citewise.build.open_engine
SMALL, LARGE = "fake:64", "fake:128"
QUESTION = "How high is the spring tide?"


def open_engine(settings: Settings, *, patient: bool = False) -> Engine:
    return open_real_engine(
        settings, patient=patient, open_embedder=lambda name: HashEmbedder(int(name.partition(":")[2]))
    )


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(citewise.build, "open_engine", open_engine)
    monkeypatch.setenv("CITEWISE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CITEWISE_EMBED__MODEL", SMALL)
    return tmp_path / "home"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    with logging_restored():
        yield command_runner(capsys)


def test_a_whole_change_of_model_on_the_command_line(run: Run, home: Path, notes: Path, tmp_path: Path) -> None:
    assert run("add", notes).code == 0
    assert run("ask", QUESTION, "--json").json["citations"]
    first = run("search", QUESTION, "--json").json["generation"]
    assert run("index", "status", "--json").json["state"] == "ok"

    questions = tmp_path / "questions"
    questions.mkdir()
    known = {"id": "1", "question": QUESTION, "answers": ["4.2 metres"], "document": "tides.txt"}
    (questions / "qa.jsonl").write_text(json.dumps(known))
    made = run("index", "reembed", "--model", LARGE, "--questions", questions)
    assert made.code == 0, made.err
    assert "recall@5" in made.out
    assert f"Set CITEWISE_EMBED__MODEL={LARGE} to keep it" in made.out
    status = run("index", "status", "--json").json
    newest = status["generations"][0]
    assert (newest["state"], newest["model"]) == ("ready", LARGE)
    assert set(newest["comparison"]["questions"]) == {"sentence", "asked", "set"}
    assert run("search", QUESTION, "--json").json["generation"] == first

    assert run("index", "switch", newest["generation"][:6]).code == 0
    switched = run("search", QUESTION, "--json").json
    assert (switched["generation"], switched["hits"][0]["source"]) == (newest["generation"], "tides.txt")
    assert "chunks were made with another model" in run("index", "status").out

    assert run("index", "rollback").code == 0
    back = run("search", QUESTION, "--json").json
    assert (back["generation"], back["hits"][0]["source"]) == (first, "tides.txt")

    run("remove", "tides.txt")
    erased = run("index", "compact", "--quotes", "--json").json["result"]
    assert (erased["documents"], erased["found"], erased["quotes_kept"]) == (1, [], [])
    assert erased["quotes_blanked"] >= 1
    assert erased["needles"] > 0
    status = run("index", "status", "--json").json
    assert [one["state"] for one in status["generations"]] == ["active"]
    assert [job["kind"] for job in status["jobs"]] == ["compact", "rollback", "switch", "reembed"]
    verified = run("index", "verify")
    assert (verified.code, verified.out) == (0, "1 chunk was looked for in the index and found.\n")


def test_what_cannot_be_built_is_said_at_once(run: Run, notes: Path, tmp_path: Path) -> None:
    run("add", notes)
    for arguments, words in (
        (["reembed", "--questions", tmp_path / "none"], "is not a question set"),
        (["switch"], "No generation waits to be switched to"),
        (["rollback"], "no former generation"),
    ):
        ran = run("index", *arguments)
        assert (ran.code, ran.out) == (1, "")
        ran.assert_one_sentence(words)
    assert run("index", "status", "--json").json["jobs"] == []


def test_a_damaged_index_is_whole_again_when_verify_ends(run: Run, home: Path, notes: Path) -> None:
    run("add", notes)
    index = run("index", "status", "--json").json
    generation = index["generation"]["generation"]
    damage(home / "index" / generation)
    ran = run("index", "verify")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("The index was found damaged, and is built anew")
    assert ran.out.endswith("It is whole again.\n")
    after = run("index", "status", "--json").json
    assert after["state"] == "ok"
    assert after["generation"]["generation"] != generation
    assert run("search", QUESTION, "--json").json["hits"][0]["source"] == "tides.txt"


def damage(folder: Path) -> None:
    """Take a chunk out of the vectors, and let the files look as if the program had ended well."""
    vectors = ChromaIndex(folder / "chroma", dimension=64, create=False)
    (chunk_id, _), *_ = vectors.nearest(HashEmbedder(64).embed_documents([QUESTION]), k=1)[0]
    vectors.delete([chunk_id])
    vectors.close()
    seal.seal(folder)


def test_a_whole_change_of_model_over_the_api(home: Path) -> None:
    engine = open_engine(load_settings())
    client = TestClient(create_app(lambda: engine), base_url="http://localhost")

    def done(kind: str, **options: Any) -> dict[str, Any]:
        started = client.post(f"/index/{kind}", json=options)
        assert started.status_code == 202, started.text
        engine.index_job_now(started.json()["job_id"], wait_s=60)
        job = client.get(f"/index/jobs/{started.json()['job_id']}").json()
        assert (job["state"], job["error"]) == ("done", None)
        return dict(job)

    def generation() -> str:
        return str(client.post("/search", json={"question": QUESTION}).json()["generation"])

    try:
        text = b"The spring tide reaches 4.2 metres at the old harbour. Fishermen watch it from the quay at night."
        receipt = client.post("/documents", files={"files": ("tides.txt", text)}).json()["documents"][0]
        assert engine.wait([receipt["job_id"]], timeout_s=60)
        first = generation()
        job = done("reembed", model=LARGE)
        assert job["result"]["comparison"]["candidate"]["generation"] == job["generation"]
        assert (generation(), client.get("/index").json()["generations"][0]["state"]) == (first, "ready")
        done("switch")
        assert generation() == job["generation"]
        index = client.get("/index").json()
        assert (index["stale_share"], index["needs_full_rebuild"], index["model"]) == (1.0, True, SMALL)
        done("rollback")
        assert generation() == first
        assert client.delete(f"/documents/{receipt['document_id']}").status_code == 200
        report = done("compact")["result"]
        assert (report["documents"], report["found"]) == (1, [])
        assert client.get("/index").json()["chunks"] == 0
        assert client.post("/index/rollback").status_code == 409
    finally:
        engine.close()
