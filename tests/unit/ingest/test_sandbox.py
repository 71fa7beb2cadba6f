from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest import sandbox
from citewise.ingest.parse import parse
from tests.unit.ingest.making import column, write_pdf

LIMITS = {"seconds": 60.0, "memory_mb": 1536}


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Run a shell script in place of the child."""
    program = folder / "child"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))


def run(**limits: float) -> None:
    sandbox.run("parse", {"path": "x", "source": "a.pdf"}, **{"seconds": 60, "memory_mb": 256, **limits})  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return False


def test_a_document_comes_through_unchanged(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "blob", [column("Heading", size=20) + column("Words here.", top=400), []], drawn=True)
    assert sandbox.parse_file(path, source="a.pdf", **LIMITS) == parse(path, source="a.pdf")


def test_boxes_and_pictures_come_through(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "blob", [column("alpha beta")])
    ((box,), nothing) = sandbox.page_boxes(path, [(1, 0, 5, "alpha"), (1, 0, 0, "")])
    assert box.page == 1
    assert nothing == ()
    assert sandbox.page_boxes(path, []) == []
    picture = sandbox.page_image(path, 1, width=100, boxes=[box])
    assert picture.startswith(b"\x89PNG")
    assert picture != sandbox.page_image(path, 1, width=100)


def test_a_refusal_comes_through_as_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(IngestError, match=r"pic\.gz is a gzip archive"):
        sandbox.parse_file(path, source="pic.gz", **LIMITS)


def test_a_child_that_takes_too_long_is_stopped_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, f"sleep 300 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(IngestError, match=r"Reading a\.pdf took longer than 1 seconds.*PARSE_SECONDS"):
        run(seconds=1)
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not is_alive(pid):
            return
        time.sleep(0.05)
    pytest.fail("The child's own child is still running.")


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS does not limit address space")
def test_a_file_that_needs_too_much_memory_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    with path.open("wb") as file:
        file.write(b"words\n")
        file.truncate(400 * 2**20)
    with pytest.raises(IngestError, match=r"Reading a\.txt needed more than 300 MiB of memory.*PARSE_MEMORY_MB"):
        sandbox.run(
            "parse", {"path": str(path), "source": "a.txt", "media_type": "text/plain"}, seconds=60, memory_mb=300
        )


def test_a_child_that_crashes_costs_its_own_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "kill -SEGV $$")
    with pytest.raises(IngestError, match=r"a\.pdf made the program that reads it stop \(status -11\)"):
        run()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("kill -KILL $$", "needed more than 256 MiB"),
        ("kill -XCPU $$", "took longer than 60 seconds"),
        ("exit 3", r"stop \(status 3\)"),
        ("printf nonsense", r"stop \(status 0\)"),
        ("exit 0", r"stop \(status 0\)"),
    ],
)
def test_every_way_to_fail_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    stand_in(tmp_path, monkeypatch, script)
    with pytest.raises(IngestError, match=message):
        run()


def test_an_endless_answer_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "OUTPUT_LIMIT", 2**20)
    stand_in(tmp_path, monkeypatch, "cat /dev/zero")
    with pytest.raises(IngestError, match="more than 1 MB of text"):
        run()


def test_a_cancelled_reading_stops_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "sleep 300")
    with pytest.raises(IngestError, match=r"Reading a\.pdf was cancelled"):
        sandbox.parse_file(tmp_path, source="a.pdf", cancelled=lambda: True, **LIMITS)


def test_the_child_gets_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("SOME_TOKEN", "secret")
    stand_in(tmp_path, monkeypatch, f"env > {tmp_path}/environment; exit 1")
    with pytest.raises(IngestError):
        run()
    environment = (tmp_path / "environment").read_text()
    assert "PATH=" in environment
    assert "secret" not in environment
    assert os.environ["SOME_TOKEN"] == "secret"


def test_a_text_that_is_too_long_never_reaches_the_parent(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"Some words of it.\n" * 1_500_000)
    with pytest.raises(IngestError, match=r"a\.txt holds 27 MB of text in 1 pieces; the limit is 16 MB in 150,000"):
        sandbox.parse_file(path, source="a.txt", **LIMITS)
    path.write_bytes(b"a\n\n" * 150_001)
    with pytest.raises(IngestError, match=r"in 150,001 pieces"):
        sandbox.parse_file(path, source="a.txt", **LIMITS)
