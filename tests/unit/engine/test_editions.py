"""An index goes on with the precision that its vectors were made with, also where new ones get another."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from citewise.build import open_engine
from citewise.embed.local import LocalEmbedder
from citewise.embed.onnx_model import VERSION
from citewise.embed.routes import Machine
from citewise.engine import Engine
from citewise.settings import Settings
from citewise.types import Query, Upload
from tests.unit.embed.models import write_bert

PLAIN, QUICK = Machine(vnni=False, bfloat16=False), Machine(vnni=True, bfloat16=False)

Open = Callable[[Machine], Engine]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens one data directory on one machine or another, with a small model as the bundled one."""
    small = write_bert(tmp_path / "small")
    monkeypatch.setattr("citewise.embed.files.find_folder", lambda _: (small, True))
    home = tmp_path / "home"

    def build(machine: Machine) -> Engine:
        return open_engine(
            Settings(home=home), open_embedder=lambda _: LocalEmbedder(machine=machine, models=home / "models")
        )

    return build


def add(engine: Engine, name: str, text: str) -> None:
    added = engine.add([Upload(name, stream=io.BytesIO(text.encode()))])
    assert engine.wait([one.job_id for one in added if one.job_id], timeout_s=60)
    assert {document.status for document in engine.documents()} == {"ready"}


def done(engine: Engine, kind: Any, **options: Any) -> None:
    job = engine.index_job_now(engine.index_job(kind, options=options).id, wait_s=60)
    assert (job.state, job.error) == ("done", None)


def embedder_of(engine: Engine) -> str:
    generation = engine.index_status().generation
    assert generation is not None
    return generation.embedder


def test_an_index_is_searched_and_added_to_and_rebuilt_with_its_own_precision(opened: Open) -> None:
    engine = opened(PLAIN)
    add(engine, "pump.txt", "The pump moves water.")
    engine.close()

    engine = opened(QUICK)
    try:
        add(engine, "rose.txt", "A rose in summer.")
        result = engine.search(Query("the pump", mode="dense"))
        assert result.degraded == ()
        assert {hit.source for hit in result.hits} == {"pump.txt", "rose.txt"}
        assert "/float32/" in embedder_of(engine)
        assert engine.index_status().needs_full_rebuild
        done(engine, "rebuild")
        assert "/float32/" in embedder_of(engine)
        done(engine, "reembed", switch=True)
        assert f"/int8-{VERSION}/" in embedder_of(engine)
        assert not engine.index_status().needs_full_rebuild
        assert len(engine.search(Query("the pump", mode="dense")).hits) == 2
    finally:
        engine.close()


def test_bytes_are_searched_on_a_machine_that_would_not_make_them(opened: Open, tmp_path: Path) -> None:
    engine = opened(QUICK)
    add(engine, "pump.txt", "The pump moves water.")
    engine.close()
    shutil.rmtree(tmp_path / "home" / "models")

    engine = opened(PLAIN)
    try:
        (hit,) = engine.search(Query("The pump moves water.", mode="dense")).hits
        assert hit.scores["dense"] > 0.9
        assert engine.health().embedding.endswith("int8 on onnxruntime")
    finally:
        engine.close()
