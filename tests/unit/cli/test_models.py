from __future__ import annotations

import json
from pathlib import Path

import pytest

from citewise.cli import main
from citewise.embed import hub
from citewise.errors import ProviderError
from tests.unit.embed.models import write_bert


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with a small model, and no way to the network."""
    folder = tmp_path / "hub" / "models--someone--small"
    write_bert(folder / "snapshots" / "abc")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("CITEWISE_HOME", str(tmp_path / "home"))
    return tmp_path / "hub"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_models_are_listed_with_the_one_that_is_used_and_how_it_runs(
    cache: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "cached_models", lambda: iter([hub.CachedModel("a/b", "reranking", cache, 7)]))
    (tmp_path / "home" / "models").mkdir(parents=True)
    (tmp_path / "home" / "models" / "all-MiniLM-L6-v2-int8-1-a-b.onnx").write_bytes(b"1234")
    assert run("models", "list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    bundled, reranker = told["models"]
    assert (bundled["name"], bundled["source"], bundled["used"]) == ("local:all-MiniLM-L6-v2", "bundled", True)
    assert "on onnxruntime" in bundled["route"]
    assert (reranker["name"], reranker["kind"], reranker["used"]) == ("cross-encoder:a/b", "reranking", False)
    quotes, *others = told["chat_models"]
    assert (quotes["name"], quotes["used"], quotes["available"]) == ("extractive", True, True)
    assert others
    assert all(not one["available"] and one["note"] for one in others)
    assert told["converted"] == [{"file": "all-MiniLM-L6-v2-int8-1-a-b.onnx", "bytes": 4}]
    assert run("models", "list") == 0
    told = capsys.readouterr().out
    assert "used  local:all-MiniLM-L6-v2" in told
    assert "used  extractive" in told


def test_a_model_in_the_settings_that_is_not_here_is_listed_with_what_to_do(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "cached_models", lambda: iter([]))
    monkeypatch.setenv("CITEWISE_EMBED__MODEL", "local:someone/else")
    assert run("models", "list", "--json") == 0
    missing = json.loads(capsys.readouterr().out)["models"][-1]
    assert missing["used"]
    assert "citewise models pull someone/else" in missing["error"]


def test_what_the_hubs_cache_holds_is_found(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import scan_cache_dir  # noqa: PLC0415 - as the code does

    monkeypatch.setattr("huggingface_hub.scan_cache_dir", lambda: scan_cache_dir(cache))
    (found,) = hub.cached_models()
    assert (found.name, found.kind) == ("someone/small", "embedding")


def test_a_pulled_model_is_named_with_its_setting(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def download(name: str, **_: object) -> str:
        asked.append(name)
        return str(cache / "models--someone--small" / "snapshots" / "abc")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert run("models", "pull", "local:someone/small") == 0
    assert "CITEWISE_EMBED__MODEL=local:someone/small" in capsys.readouterr().out
    assert run("models", "pull", "small", "--json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "sentence-transformers/small"
    assert asked == ["someone/small", "sentence-transformers/small"]


def test_without_a_network_a_sentence_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(name: str, **_: object) -> str:
        raise OSError("Connection refused.\nmore")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    with pytest.raises(ProviderError, match=r"could not be fetched from the hub: Connection refused\. Check"):
        hub.pull("someone/small")


def test_a_model_of_no_use_is_refused(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache / "models--someone--small" / "snapshots" / "abc"
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **_: str(folder))
    (folder / "model.safetensors").unlink()
    with pytest.raises(ProviderError, match=r"no weights as \.safetensors"):
        hub.pull("someone/small")
    (folder / "modules.json").unlink()
    with pytest.raises(ProviderError, match="neither an embedding model nor a cross-encoder"):
        hub.pull("someone/small")
