from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from citewise.embed.local import LocalEmbedder
from citewise.errors import ProviderError

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
