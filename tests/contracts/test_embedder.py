"""What every embedder must do, whatever is behind it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from citewise.embed.cohere import cohere_embedder
from citewise.embed.local import LocalEmbedder
from citewise.embed.openai import openai_embedder
from citewise.protocols import Embedder
from citewise.providers.calls import Throttle
from tests.fake_embeddings import FakeEmbeddings
from tests.fakes import HashEmbedder

TEXTS = [
    "The pump moves water from the well to the tank.",
    "Water is moved by a pump.",
    "",
    "Roses bloom in early summer. " * 10,
    "???",
    "日本語のテキスト",
    "a \ud800 b",
]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeEmbeddings]:
    with FakeEmbeddings() as fake:
        yield fake


@pytest.fixture(scope="module", params=["hash", pytest.param("local", marks=pytest.mark.model), "openai", "cohere"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def embedder(kind: str, server: FakeEmbeddings) -> Iterator[Embedder]:
    with closing(make(kind, server)) as made:
        yield made


def make(kind: str, server: FakeEmbeddings) -> Embedder:
    remote: dict[str, Any] = {"dimensions": None, "api_key": "key", "throttle": Throttle()}
    match kind:
        case "openai":
            return openai_embedder("text-embedding-3-small", base_url=server.openai_url, batch=3, **remote)
        case "cohere":
            return cohere_embedder("embed-v4.0", base_url=server.url, **remote)
        case "local":
            return LocalEmbedder(batch=3)
    return HashEmbedder()


def test_every_vector_has_unit_length_and_the_dimension(embedder: Embedder) -> None:
    vectors = embedder.embed_documents(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert embedder.embed_query("pump").shape == (embedder.dimension,)


def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed_documents([]).shape == (0, embedder.dimension)


def test_vectors_come_in_the_order_of_the_texts(embedder: Embedder) -> None:
    together = embedder.embed_documents(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        assert float(embedder.embed_documents([text])[0] @ vector) == pytest.approx(1, abs=1e-4)


def test_texts_on_the_same_subject_are_nearer_than_others(embedder: Embedder) -> None:
    pump, water, roses = embedder.embed_documents([TEXTS[0], TEXTS[1], TEXTS[3]])
    assert pump @ water > pump @ roses


def test_many_threads_get_the_same_vectors_and_tokens_as_one(embedder: Embedder) -> None:
    expected = embedder.embed_documents(TEXTS)
    spans = [embedder.token_spans(text) for text in TEXTS]

    def work(number: int) -> float:
        position = number % len(TEXTS)
        assert embedder.token_spans(TEXTS[position]) == spans[position]
        if number % 2:
            return float(embedder.embed_query(TEXTS[position]) @ expected[position])
        return float(np.min(np.sum(embedder.embed_documents(TEXTS) * expected, axis=1)))

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(20))) == pytest.approx([1] * 20, abs=1e-4)


def test_token_spans_are_ordered_pieces_of_the_text(embedder: Embedder) -> None:
    for text in TEXTS:
        spans = embedder.token_spans(text)
        assert all(0 <= start < end <= len(text) for start, end in spans)
        assert spans == sorted(spans)
    text = "Reset-password, 3.14!"
    assert "".join(text[start:end] for start, end in embedder.token_spans(text)) == "Reset-password,3.14!"


def test_the_fingerprint_is_the_same_every_time(embedder: Embedder, kind: str, server: FakeEmbeddings) -> None:
    with closing(make(kind, server)) as again:
        assert embedder.fingerprint == again.fingerprint
        assert embedder.name == again.name


@pytest.mark.model
def test_max_tokens_are_read_and_not_one_more() -> None:
    local = LocalEmbedder()
    text = "pump " * 300
    room = local.max_tokens - 2  # [CLS] and [SEP]
    spans = local.token_spans(text)
    cut, shorter, changed_after = text[: spans[room - 1][1]], text[: spans[room - 2][1]], text + "roses and summer"
    whole, *others = local.embed_documents([text, cut, changed_after, shorter + " roses"])
    local.close()
    assert [float(whole @ other) for other in others[:2]] == pytest.approx([1, 1], abs=1e-5)
    assert float(whole @ others[2]) < 1 - 1e-5
