"""First questions over real parts: the search finds them, and the model that quotes answers them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from citewise.engine import Engine
from tests.unit.engine.test_engine import LIGHTHOUSE, add, answered, opened

ASKED = """# Visiting

## When does the ferry leave?

The ferry to Brannoch leaves Oban at 07:30 on Tuesdays and takes four hours.

## What is served on board?

"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = opened(tmp_path / "data")
    yield engine
    engine.close()


def test_what_is_suggested_is_answered_from_its_document(engine: Engine) -> None:
    document_id = add(engine, "visiting.md", ASKED).document_id
    add(engine, "lighthouse.md", LIGHTHOUSE)
    found = engine.suggestions(wait_s=60)
    assert found
    assert (found[0].question, found[0].document_id) == ("When does the ferry leave?", document_id)
    assert "What is served on board?" not in {one.question for one in found}  # nothing below it says so
    answer = answered(engine, found[0].question).answer
    assert (answer.status, {one.document_id for one in answer.citations}) == ("complete", {document_id})
