from __future__ import annotations

from pathlib import Path

from starlette.testclient import TestClient

from citewise.errors import NoSpaceError
from citewise.registry.archive import read_manifest
from tests.unit.api.fake_engine import FakeEngine


def test_a_backup_is_downloaded_whole_and_nothing_of_it_stays_behind(
    client: TestClient, engine: FakeEngine, tmp_path: Path
) -> None:
    answer = client.get("/api/backup")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert "attachment" in answer.headers["content-disposition"]
    assert "citewise-" in answer.headers["content-disposition"]
    (tmp_path / "b.zip").write_bytes(answer.content)
    assert read_manifest(tmp_path / "b.zip").counts["documents"] == 1
    assert [path for path in tmp_path.rglob("backup.zip") if path.is_file()] == []


def test_a_disk_without_room_is_507_with_a_sentence(client: TestClient, engine: FakeEngine) -> None:
    engine.failure = NoSpaceError(directory="/data", free=10_000_000, needed=500_000_000)
    answer = client.get("/api/backup")
    assert answer.status_code == 507
    assert "Only 10 MB are free" in answer.json()["error"]
