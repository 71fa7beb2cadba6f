from __future__ import annotations

import pytest

from citewise.ingest import limits
from citewise.settings import ModelProfile, Settings
from tools import docs


def test_every_setting_has_a_line_and_a_description() -> None:
    page = docs.settings_page()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    leaves = sum(
        len(getattr(field.annotation, "model_fields", {None: None})) for field in Settings.model_fields.values()
    )
    assert len(rows) == leaves + len(ModelProfile.model_fields) - 1  # all but the key, which a variable holds
    assert [row for row in rows if row.endswith("|  |")] == []


def test_a_line_gives_default_bounds_and_unit() -> None:
    assert "| `CITEWISE_SERVE__PORT` | `8501` | whole number, ≥ 1, ≤ 65535 | TCP port. |" in docs.settings_page()


def test_keys_stand_under_the_names_that_their_owners_gave_them() -> None:
    page = docs.settings_page()
    assert "| `OPENAI_API_KEY` | unset | secret | Key for OpenAI. |" in page
    assert "CITEWISE_OPENAI" not in page


def test_every_limit_has_a_line_and_says_of_what() -> None:
    rows = [line for line in docs.limits_page().splitlines() if line.startswith("| `")]
    assert len(rows) == sum(name.startswith(("MAX_", "MIN_")) for name in vars(limits))
    assert [row for row in rows if row.endswith(("|  |", "None |"))] == []
    assert "| `MAX_PDF_PAGES` | 5,000 | of a PDF |" in rows


def test_drift_is_found_and_mended(
    tmp_path: docs.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    assert docs.main(["--check"]) == 1
    assert "docs/settings.md is out of date: run `make docs`." in capsys.readouterr().err
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0
    (tmp_path / "docs" / "settings.md").write_text("something else")
    assert docs.main(["--check"]) == 1
