"""A cross-encoder of two tiny layers with random weights: what it says is nonsense, how it is said is not."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from citewise.errors import ProviderError
from citewise.retrieve import cross_encoder
from citewise.retrieve.cross_encoder import CrossEncoderModel

WORDS = (  # noqa: SIM905 - as a list it is longer than a line
    "[PAD] [UNK] [CLS] [SEP] [MASK] how often does the pump need oil every week sky is blue"
).split()
TEXTS = ["The pump needs oil every week.", "The sky is blue.", "How often is the pump blue?"]


def make_model(folder: Path, *, labels: int = 1) -> Path:
    import torch  # noqa: PLC0415 - only where a model is made
    from tokenizers import Tokenizer  # noqa: PLC0415
    from tokenizers.models import WordLevel  # noqa: PLC0415
    from tokenizers.normalizers import BertNormalizer  # noqa: PLC0415
    from tokenizers.pre_tokenizers import BertPreTokenizer  # noqa: PLC0415
    from tokenizers.processors import BertProcessing  # noqa: PLC0415
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast  # noqa: PLC0415
    from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415

    disable_progress_bar()  # type: ignore[no-untyped-call]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special).save_pretrained(folder)
    torch.manual_seed(4)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        num_labels=labels,
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


def loaded(folder: Path, *, budget_ms: int = 20_000) -> CrossEncoderModel:
    model = CrossEncoderModel(str(folder), budget_ms=budget_ms)
    model.start(wait=True)
    return model


def test_each_text_gets_a_score_of_its_own_that_does_not_depend_on_the_others(folder: Path) -> None:
    model = loaded(folder)
    scores = model.scores("How often does the pump need oil?", TEXTS)
    assert len(set(scores)) == 3
    assert model.scores("How often does the pump need oil?", TEXTS[::-1]) == pytest.approx(scores[::-1], abs=1e-5)
    assert model.scores("Is the sky blue?", TEXTS) != pytest.approx(scores, abs=1e-6)
    assert model.scores("q", []) == []
    assert model.name == f"cross-encoder:{folder}"


def test_a_text_that_is_longer_than_the_model_reads_is_no_trouble(folder: Path) -> None:
    assert len(loaded(folder).scores("pump", ["oil " * 500, "", "\ud800"])) == 3


def test_before_it_is_loaded_it_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def load(_: Path) -> Any:
        go_on.wait(10)
        return lambda pairs: [1.0] * len(pairs)

    monkeypatch.setattr(cross_encoder, "_load", load)
    model = CrossEncoderModel(str(folder), budget_ms=1000)
    model.start()
    with pytest.raises(ProviderError, match="still being loaded") as caught:
        model.scores("q", TEXTS)
    assert caught.value.retryable
    go_on.set()
    model.start(wait=True)
    assert model.scores("q", TEXTS) == [1.0, 1.0, 1.0]


def test_it_stops_when_its_time_is_over_and_gives_what_it_has(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(pairs: Sequence[tuple[str, str]]) -> list[float]:
        time.sleep(0.06)
        return [0.5] * len(pairs)

    monkeypatch.setattr(cross_encoder, "_load", lambda _: slow)
    assert len(loaded(folder, budget_ms=50).scores("q", ["text"] * 30)) == 8


def test_while_it_reads_for_somebody_else_nobody_waits_longer_than_their_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def held(pairs: Sequence[tuple[str, str]]) -> list[float]:
        reading.set()
        go_on.wait(10)
        return [0.5] * len(pairs)

    monkeypatch.setattr(cross_encoder, "_load", lambda _: held)
    model = loaded(folder, budget_ms=50)
    other = threading.Thread(target=model.scores, args=("q", TEXTS))
    other.start()
    assert reading.wait(10)
    assert model.scores("q", TEXTS) == []
    go_on.set()
    other.join()


@pytest.mark.parametrize("gives", [[float("nan")] * 3, [1.0], [[1.0, 2.0]] * 3])
def test_scores_that_are_none_are_an_error(gives: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_encoder, "_load", lambda _: lambda _pairs: gives)
    with pytest.raises(ProviderError, match="no score for each text"):
        loaded(folder).scores("q", TEXTS)


def test_a_model_that_fails_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Any:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(cross_encoder, "_load", lambda _: broken)
    with pytest.raises(ProviderError, match=r"The model failed: out of memory\. Choose another"):
        loaded(folder).scores("q", TEXTS)


def test_a_classifier_is_no_reranker(tmp_path: Path) -> None:
    model = loaded(make_model(tmp_path / "classifier", labels=3))
    with pytest.raises(ProviderError, match="could not be loaded: it gives 3 figures"):
        model.scores("q", TEXTS)


def test_a_folder_without_weights_is_a_sentence_when_it_is_asked(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "half"
    shutil.copytree(folder, copy)
    (copy / "model.safetensors").unlink()
    with pytest.raises(ProviderError, match="could not be loaded"):
        loaded(copy).scores("q", TEXTS)


@pytest.mark.parametrize("name", ["", "nobody/nothing", "no folder at all", "/nowhere"])
def test_a_model_that_is_not_here_is_never_downloaded(name: str) -> None:
    with pytest.raises(ProviderError, match=r"is not on this machine\. Fetch it with `citewise models pull"):
        CrossEncoderModel(name, budget_ms=1000)
