from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from citewise.embed import routes
from citewise.embed.files import ModelFiles, read_model
from citewise.embed.routes import Machine, choose_route

PLAIN = Machine(vnni=False, bfloat16=False)
NEW = Machine(vnni=True, bfloat16=True)


@pytest.fixture(scope="module")
def bundled() -> ModelFiles:
    return read_model("all-MiniLM-L6-v2")


@pytest.fixture(scope="module")
def other(bundled: ModelFiles) -> ModelFiles:
    return replace(bundled, bundled=False, name="other")


def test_the_bundled_model_runs_on_bytes_where_the_processor_multiplies_them(bundled: ModelFiles) -> None:
    assert str(choose_route(bundled, NEW)) == "int8 on onnxruntime"
    assert str(choose_route(bundled, PLAIN)) == "float32 on onnxruntime"


def test_other_models_run_on_sentence_transformers(other: ModelFiles) -> None:
    assert str(choose_route(other, NEW)) == "bfloat16 on sentence-transformers"
    assert str(choose_route(other, PLAIN)) == "float32 on sentence-transformers"


def test_an_accelerator_gets_the_documents_and_the_questions_stay(bundled: ModelFiles, other: ModelFiles) -> None:
    route = choose_route(bundled, replace(NEW, accelerator="cuda"))
    assert str(route) == "float32 on onnxruntime, documents on cuda"
    assert str(choose_route(other, replace(NEW, accelerator="mps"))) == "float32 on sentence-transformers, mps"


def test_vectors_that_exist_decide_the_precision_on_any_machine(bundled: ModelFiles, other: ModelFiles) -> None:
    assert choose_route(bundled, PLAIN, "int8").onnx == "uint8"
    assert choose_route(bundled, NEW, "float32").onnx == "float32"
    assert choose_route(bundled, replace(PLAIN, accelerator="cuda"), "int8").accelerator is None
    assert choose_route(other, PLAIN, "bfloat16").precision == "bfloat16"
    assert choose_route(other, NEW, "float32").precision == "float32"


def test_without_what_conversion_needs_the_bundled_model_runs_as_published(
    bundled: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "_CONVERSION_NEEDS", ("no_such_package",))
    assert str(choose_route(bundled, NEW)) == "float32 on sentence-transformers"


@pytest.mark.parametrize(
    ("said", "expected"),
    [("cuda: Optional[str] = None\n", None), ("cuda: Optional[str] = '12.8'\n", "cuda"), ("", None)],
)
def test_an_accelerator_counts_only_if_torch_was_built_for_it(
    said: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "device"
    device.touch()
    (tmp_path / "version.py").write_text(said)
    monkeypatch.setattr(routes.sys, "platform", "linux")
    monkeypatch.setattr(routes, "_NVIDIA", (str(device),))
    monkeypatch.setattr(routes, "_torch_folder", lambda: tmp_path)
    assert routes._accelerator() == expected
    device.unlink()
    assert routes._accelerator() is None
