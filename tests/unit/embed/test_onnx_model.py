from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from citewise.embed import onnx_model
from citewise.embed.files import ModelFiles, read_model
from citewise.embed.onnx_graph import build_graph
from citewise.embed.onnx_model import OnnxModel, is_kept, open_converted
from citewise.embed.onnx_session import Weights
from citewise.embed.sentence_transformer import load_sentence_transformer
from citewise.errors import ProviderError
from citewise.types import Vectors

from .models import write_bert

TEXTS = ["the pump", "", "water : a rose", "summer " * 50, "日本 pump"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    return replace(read_model(str(write_bert(tmp_path_factory.mktemp("models") / "small"))), bundled=True)


def opened(files: ModelFiles, weights: Weights) -> OnnxModel:
    tokenizer = Tokenizer.from_file(str(files.folder / "tokenizer.json"))
    return OnnxModel(build_graph(files.folder, weights), tokenizer, max_tokens=files.max_tokens, threads=2)


def encoded(files: ModelFiles, weights: Weights, texts: list[str] = TEXTS) -> Vectors:
    model = opened(files, weights)
    try:
        return model.encode(texts)
    finally:
        model.close()


def test_the_graph_gives_the_vectors_of_sentence_transformers(files: ModelFiles) -> None:
    encode = load_sentence_transformer(files.folder, device="cpu", max_tokens=20, half=False, threads=1)
    assert encoded(files, "float32") == pytest.approx(encode(TEXTS), abs=1e-5)


def test_bytes_give_nearly_the_same_vectors_signed_or_not(files: ModelFiles) -> None:
    exact, signed, unsigned = (encoded(files, weights) for weights in ("float32", "int8", "uint8"))  # type: ignore[arg-type]
    assert np.sum(exact * signed, axis=1) == pytest.approx([1] * len(TEXTS), abs=0.02)
    assert signed == pytest.approx(unsigned, abs=1e-6)
    assert not np.allclose(exact, signed, atol=1e-6)


def test_a_vector_depends_on_its_text_alone(files: ModelFiles) -> None:
    together = encoded(files, "int8")
    alone = np.concatenate([encoded(files, "int8", [text]) for text in TEXTS])
    assert np.array_equal(together, alone)


def test_urgent_texts_get_the_same_vectors(files: ModelFiles) -> None:
    model = opened(files, "float32")
    assert np.array_equal(model.encode_urgently(TEXTS), model.encode(TEXTS))
    assert np.array_equal(model.encode_urgently(TEXTS[:1]), model.encode(TEXTS[:1]))
    model.close()


def test_what_is_beyond_the_last_token_does_not_count(files: ModelFiles) -> None:
    vectors = encoded(files, "float32", ["pump " * 18, "pump " * 19, "pump " * 17])
    assert np.array_equal(vectors[0], vectors[1])
    assert not np.allclose(vectors[0], vectors[2], atol=1e-6)


def test_a_model_is_converted_once_and_found_again(
    files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_kept(files, "int8", tmp_path)
    made = open_converted(files, "int8", tmp_path)
    assert is_kept(files, "int8", tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".onnx"]
    monkeypatch.setattr(onnx_model, "_convert", lambda *_: pytest.fail("it was converted again"))
    assert open_converted(files, "int8", tmp_path) == made


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_file_is_made_again(
    files: ModelFiles, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_model, "_convert", lambda files, weights: build_graph(files.folder, weights))
    made = open_converted(files, "int8", tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes({"cut": made[:-100], "changed": made[:500] + b"!" + made[501:], "empty": b""}[damage])
    assert open_converted(files, "int8", tmp_path) == made
    assert path.read_bytes() == made


def test_what_an_upgrade_or_a_crash_left_is_cleared_away(
    files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_model, "_convert", lambda files, weights: build_graph(files.folder, weights))
    open_converted(files, "float32", tmp_path)
    (exact,) = tmp_path.iterdir()
    for name in (
        "small-int8-0-0123456789abcdef-0123456789abcdef.onnx",
        f"small-int8-{onnx_model.VERSION}-0123.tmp",
        "other.txt",
    ):
        (tmp_path / name).write_bytes(b"old")
    open_converted(files, "int8", tmp_path)
    kept = {path.name for path in tmp_path.iterdir()}
    assert {exact.name, "other.txt"} < kept
    assert len(kept) == 3


@pytest.mark.skipif(os.name == "nt", reason="a read-only folder can be written there")
def test_where_nothing_can_be_kept_the_model_is_there_all_the_same(
    files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_model, "_convert", lambda files, weights: build_graph(files.folder, weights))
    (tmp_path / "file").touch()
    assert open_converted(files, "int8", tmp_path / "file" / "models") == build_graph(files.folder, "int8")
    assert open_converted(files, "int8", None) == build_graph(files.folder, "int8")


def test_a_model_of_another_kind_is_refused_with_the_reason(files: ModelFiles, tmp_path: Path) -> None:
    folder = write_bert(tmp_path / "small")
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"gelu"', '"relu"'))
    with pytest.raises(ProviderError, match=r"could not be converted: .*not BERT with gelu"):
        open_converted(replace(files, folder=folder), "int8", tmp_path / "models")


def test_conversion_stays_out_of_this_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from citewise.embed.local import LocalEmbedder;"
        f"e = LocalEmbedder(models=Path({str(tmp_path)!r})); e.embed_query('a pump'); e.close();"
        "print([n for n in ('onnx', 'torch', 'transformers', 'sentence_transformers') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
