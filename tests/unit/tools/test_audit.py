from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tools import audit

SAFE = {"name": "safe", "version": "1", "vulns": []}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}
HOLED = {"name": "holed", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}


def report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_vulnerability_is_named_with_its_remedy() -> None:
    assert audit.findings(report(SAFE, HOLED)) == ["holed 1 has PYSEC-1, mended in 2."]


def test_an_accepted_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "ACCEPTED", {"PYSEC-1": "never called"})
    assert audit.findings(report(HOLED)) == []


@pytest.mark.parametrize("text", ["", "Traceback", "{}", report(), report(UNKNOWN)])
def test_nothing_looked_up_is_not_the_same_as_nothing_found(text: str) -> None:
    assert audit.findings(text) is None
    assert audit.findings(report(UNKNOWN, SAFE)) == []


@pytest.mark.parametrize(
    ("output", "status", "says"),
    [("", 0, "skipped"), (report(SAFE), 0, "no known"), (report(HOLED), 1, "holed 1 has PYSEC-1")],
)
def test_only_a_finding_fails(
    output: str, status: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finished = subprocess.CompletedProcess[str]([], 1, stdout=output)
    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: finished)
    assert audit.main() == status
    assert says in "".join(capsys.readouterr())


def test_a_service_that_does_not_answer_in_time_is_a_skip(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("pip-audit", 1)

    monkeypatch.setattr(audit.subprocess, "run", never)
    assert audit.main() == 0
    assert "advisory service not reachable" in capsys.readouterr().out
