from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import tiktoken

from citewise.language.tokens import counter_for, estimate, estimated_spans, tiktoken_counter

URL = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"


def test_without_the_file_the_estimate_stands_in(tmp_path: Path) -> None:
    counter = counter_for("openai:gpt-5-mini", cache=tmp_path)
    assert counter.name == "estimate"
    assert counter.count("Anvils are heavy.") > 0


def test_a_damaged_file_counts_as_missing_and_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / hashlib.sha1(URL.encode()).hexdigest()  # noqa: S324 - the name that tiktoken gives it
    file.write_bytes(b"damaged")
    assert counter_for("openai:gpt-5-mini", cache=tmp_path).name == "estimate"
    assert file.read_bytes() == b"damaged"


def test_the_folder_is_the_one_that_tiktoken_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert counter_for("openai:gpt-5-mini").name == "estimate"


@pytest.mark.parametrize("model", ["anthropic:claude-sonnet-4-5", "openai:llama3.2", "extractive"])
def test_models_without_a_counter_of_their_own_are_estimated(model: str, tmp_path: Path) -> None:
    assert counter_for(model, cache=tmp_path).name == "estimate"


@pytest.mark.parametrize(
    ("text", "tokens"),  # as o200k_base counts them
    [
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("Internationalization is characteristically counterproductive.", 8),
        ("2024-11-20T13:45:07Z", 13),
        ("你好，世界", 3),
        ("def f(x): return {'a': x[0]}", 12),
    ],
)
def test_the_estimate_is_not_below_the_count(text: str, tokens: int) -> None:
    assert estimate(text) >= tokens


def test_an_empty_text_has_no_tokens() -> None:
    assert estimate("") == 0


def test_openais_embedding_models_have_a_counter_of_their_own(tmp_path: Path) -> None:
    assert counter_for("openai:text-embedding-3-small", cache=tmp_path).name == "estimate"


def test_spans_of_an_estimate_hold_every_character_but_white_space() -> None:
    text = "Counterproductive 12345 日本, ok\n"
    assert [text[start:end] for start, end in estimated_spans(text)] == [
        *("Co", "un", "te", "rp", "ro", "du", "ct", "iv", "e"),
        *("12", "34", "5", "日", "本", ",", "ok"),
    ]


def test_spans_of_tiktoken_leave_out_the_space_before_a_word() -> None:
    ranks = {bytes([value]): value for value in range(256)} | {b" w": 256, b"or": 257, b" wor": 258}
    encoding = tiktoken.Encoding(
        "tiny", pat_str=r" ?\w+|\s+|[^\s\w]+", mergeable_ranks=ranks, special_tokens={"<|end|>": 300}
    )
    counter = tiktoken_counter(encoding)
    text = "a wor wörld\n  日本 <|end|>\ud800"
    spans = [text[start:end] for start, end in counter.spans(text)]
    assert spans[:3] == ["a", "wor", "w"]
    assert "".join(spans) == "".join(text.split())
    assert counter.count(text) >= len(spans)  # a character may be several tokens, and white space is one too
