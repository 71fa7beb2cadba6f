from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from citewise.observe.logs import configure_logging


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_both_ways_of_logging_give_the_same_json_lines() -> None:
    stream = io.StringIO()
    configure_logging(form="json", stream=stream)
    structlog.get_logger("citewise.ingest").info("document ready", chunks=3)
    logging.getLogger("citewise.other").warning("disk at %d %%", 91, extra={"free": "9 GB"})
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (first["event"], first["level"], first["chunks"]) == ("document ready", "info", 3)
    assert (second["event"], second["level"], second["free"]) == ("disk at 91 %", "warning", "9 GB")
    assert first["logger"] == "citewise.ingest"
    assert first["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", ["console", "json"])
def test_keys_are_hidden_in_messages_fields_and_tracebacks(form: str) -> None:
    stream = io.StringIO()
    configure_logging(form=form, secrets=["plum-tree-42"], stream=stream)  # type: ignore[arg-type]
    log = structlog.get_logger("citewise")
    log.info("asked with sk-abcdefghijklmnopqrst", header="Bearer abcdefghijklmnop")
    try:
        raise ValueError("wrong key plum-tree-42")
    except ValueError:
        log.exception("failed")
        logging.getLogger("other").exception("failed too")
    text = stream.getvalue()
    assert text.count("ValueError") >= 2
    for secret in ("sk-abcdefghijklmnopqrst", "abcdefghijklmnop", "plum-tree-42"):
        assert secret not in text


def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    configure_logging(level="warning", stream=stream)
    structlog.get_logger("citewise").info("quiet")
    structlog.get_logger("citewise").warning("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


def test_configuring_twice_writes_each_line_once() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    configure_logging(stream=stream)
    structlog.get_logger("citewise").info("once")
    assert stream.getvalue().count("once") == 1


def test_a_log_file_is_made_with_its_first_line_and_holds_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "citewise.log"
    configure_logging(path=path)
    assert not path.exists()
    structlog.get_logger("citewise").warning("asked with sk-abcdefghijklmnopqrst")
    assert "asked with [hidden]" in path.read_text()


def test_a_log_file_that_cannot_be_written_is_in_nobodys_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(path=tmp_path / "none" / "citewise.log")
    structlog.get_logger("citewise").warning("lost")
    assert capsys.readouterr() == ("", "")
