from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from citewise.embed.embedders import Embedders
from citewise.embed.files import read_model
from citewise.embed.local import LocalEmbedder
from citewise.embed.onnx_model import VERSION
from citewise.embed.routes import Machine
from citewise.embed.sentence_transformer import load_sentence_transformer
from citewise.errors import ProviderError

from .models import write_bert

PLAIN = Machine(vnni=False, bfloat16=False)

HEAVY = ("torch", "sentence_transformers", "transformers")


def write_model(folder: Path, *, weights: bytes = b"\x02\0\0\0\0\0\0\0{}tensors", **config: object) -> Path:
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "modules.json").write_text('[{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Normalize"}]')
    (folder / "config.json").write_text(json.dumps({"hidden_size": 8, "max_position_embeddings": 512, **config}))
    (folder / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 8}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_facts_and_tokens_need_neither_torch_nor_weights() -> None:
    code = (
        "import sys; from citewise.embed.local import LocalEmbedder; e = LocalEmbedder();"
        "print(e.name, e.dimension, e.max_tokens, e.token_spans('Two words'), e.state);"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["local:all-MiniLM-L6-v2 384 256 [(0, 3), (4, 9)] loading", "[]"]


def test_token_spans_cover_the_words_and_nothing_is_cut_off() -> None:
    embedder = LocalEmbedder()
    text = "Wörter, \ud800 日本 " + "x" * 150 + " end" * 1_000
    spans = embedder.token_spans(text)
    assert spans == sorted(spans)
    covered = {position for start, end in spans for position in range(start, end)}
    assert {position for position, sign in enumerate(text) if sign.isalnum()} <= covered
    assert spans[-1] == (len(text) - 3, len(text))
    assert embedder.token_spans("") == []


def test_a_model_folder_is_described_by_its_files(tmp_path: Path) -> None:
    embedder = LocalEmbedder(str(write_model(tmp_path / "mine")))
    assert (embedder.name, embedder.dimension, embedder.max_tokens) == ("local:mine", 8, 512)


def test_the_fingerprint_follows_weights_and_configuration_but_not_the_place(tmp_path: Path) -> None:
    def fingerprint(folder: Path) -> str:
        return LocalEmbedder(str(folder)).fingerprint

    original = write_model(tmp_path / "a" / "model")
    (tmp_path / "b").mkdir()
    assert fingerprint(original) == fingerprint(Path(shutil.copytree(original, tmp_path / "b" / "model")))
    others = [
        write_model(tmp_path / "c" / "model", weights=b"\x02\0\0\0\0\0\0\0{}tensorS"),
        write_model(tmp_path / "d" / "model", weights=b"\x02\0\0\0\0\0\0\0{}tensors more"),
        write_model(tmp_path / "e" / "model", layer_norm_eps=1),
    ]
    (write_model(tmp_path / "f" / "model") / "sentence_bert_config.json").write_text('{"max_seq_length": 128}')
    others.append(tmp_path / "f" / "model")
    assert len({fingerprint(folder) for folder in (original, *others)}) == 5


@pytest.mark.parametrize("name", ["no-such-model", "nobody/no-such-model", "not a name/at all/../x", "/no/such/folder"])
def test_a_missing_model_says_how_to_get_it(name: str) -> None:
    with pytest.raises(ProviderError, match="citewise models pull"):
        LocalEmbedder(name)


@pytest.mark.parametrize("missing", ["model.safetensors", "tokenizer.json", "config.json"])
def test_an_incomplete_folder_is_refused_by_name(tmp_path: Path, missing: str) -> None:
    folder = write_model(tmp_path / "mine")
    (folder / missing).unlink()
    with pytest.raises(ProviderError, match=r"mine does not hold .* model that can be used"):
        LocalEmbedder(str(folder))


def test_weights_that_cannot_be_loaded_are_a_provider_error(tmp_path: Path) -> None:
    embedder = LocalEmbedder(str(write_model(tmp_path / "mine")))
    with pytest.raises(ProviderError, match="could not be loaded"):
        embedder.embed_query("text")
    assert embedder.state == "failed"
    embedder.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert(tmp_path_factory.mktemp("models") / "small", prompts={"query": "query: ", "passage": "passage: "})


def test_other_models_run_with_the_prompts_of_their_files(small: Path, tmp_path: Path) -> None:
    embedder = LocalEmbedder(str(small), machine=PLAIN)
    plain = LocalEmbedder(str(write_bert(tmp_path / "small")), machine=PLAIN)
    try:
        assert embedder.embed_query("pump") == pytest.approx(plain.embed_query("query: pump"), abs=1e-5)
        texts = ["pump", "the rose"]
        wanted = plain.embed_documents([f"passage: {text}" for text in texts])
        assert embedder.embed_documents(texts) == pytest.approx(wanted, abs=1e-5)
        assert embedder.embed_urgently(texts) == pytest.approx(wanted, abs=1e-5)
        assert embedder.fingerprint != plain.fingerprint
    finally:
        embedder.close()
        plain.close()


def test_families_that_do_not_declare_their_prompts_get_them(tmp_path: Path) -> None:
    files = read_model(str(write_bert(tmp_path / "multilingual-e5-small")))
    assert (files.query_prompt, files.document_prompt) == ("query: ", "passage: ")
    files = read_model(str(write_bert(tmp_path / "mine")))
    assert (files.query_prompt, files.document_prompt) == ("", "")


def test_an_edition_makes_the_vectors_that_exist(small: Path) -> None:
    newest = LocalEmbedder(str(small), machine=Machine(vnni=True, bfloat16=True))
    older = LocalEmbedder(str(small), machine=PLAIN)
    assert newest.fingerprint != older.fingerprint
    edition = newest.edition(older.fingerprint)
    assert edition is not None
    assert edition.fingerprint == older.fingerprint
    assert newest.edition(older.fingerprint.replace("small", "another")) is None
    close = [older.embed_query("pump"), edition.embed_query("pump"), newest.embed_query("pump")]
    assert np.array_equal(close[0], close[1])
    assert close[2] == pytest.approx(close[0], abs=0.05)
    for embedder in (newest, older, edition):
        embedder.close()


def test_embedders_open_an_edition_once_and_the_default_where_there_is_none(small: Path) -> None:
    machine = Machine(vnni=True, bfloat16=True)
    embedders = Embedders(lambda name: LocalEmbedder(name, machine=machine))
    default = embedders.get(str(small))
    older = LocalEmbedder(str(small), machine=PLAIN).fingerprint
    assert embedders.get(str(small), default.fingerprint) is default
    assert embedders.get(str(small), "of another model") is default
    edition = embedders.get(str(small), older)
    assert edition is embedders.get(str(small), older)
    assert edition.fingerprint == older
    embedders.close()


def bundled(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the small model be the one that is installed."""
    monkeypatch.setattr("citewise.embed.files.find_folder", lambda _: (folder, True))


def test_bytes_and_float32_are_two_models(small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundled(monkeypatch, small)
    quick, exact = (
        LocalEmbedder(models=tmp_path, machine=machine) for machine in (Machine(vnni=True, bfloat16=True), PLAIN)
    )
    assert f"/int8-{VERSION}/" in quick.fingerprint
    assert "/float32/" in exact.fingerprint
    edition = exact.edition(quick.fingerprint)
    assert edition is not None
    assert edition.embed_query("pump") == pytest.approx(quick.embed_query("pump"), abs=1e-6)
    for embedder in (quick, exact, edition):
        embedder.close()


def test_a_model_that_cannot_be_converted_runs_as_it_was_published(
    small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundled(monkeypatch, small)

    def refuse(*_: object) -> bytes:
        raise ProviderError("it is torn.", provider="local")

    monkeypatch.setattr("citewise.embed.onnx_model._convert", refuse)
    embedder = LocalEmbedder(models=tmp_path, machine=Machine(vnni=True, bfloat16=False))
    plain = LocalEmbedder(str(small), machine=PLAIN)
    assert "/float32/" in embedder.fingerprint
    assert embedder.embed_query("pump") == pytest.approx(plain.embed_query("pump"), abs=1e-5)
    assert "it is torn" in str(embedder.route)
    embedder.close()
    plain.close()


@pytest.mark.parametrize("works", [True, False])
def test_documents_go_to_the_accelerator_and_come_back_if_it_fails(
    works: bool, small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundled(monkeypatch, small)
    devices: list[str] = []

    def load(folder: Path, *, device: str, **options: object) -> object:
        devices.append(device)
        if not works:
            raise RuntimeError("no driver")
        return load_sentence_transformer(folder, device="cpu", max_tokens=20, half=False, threads=1)

    monkeypatch.setattr("citewise.embed.local.load_sentence_transformer", load)
    embedder = LocalEmbedder(models=tmp_path, machine=replace(PLAIN, accelerator="cuda"))
    question = embedder.embed_query("pump")
    assert devices == []
    documents = embedder.embed_documents(["pump", "rose"])
    assert devices == ["cuda"]
    assert documents == pytest.approx(embedder.embed_urgently(["pump", "rose"]), abs=1e-5)
    assert question.shape == (16,)
    assert ("cannot be used" in str(embedder.route)) is not works
    embedder.close()
