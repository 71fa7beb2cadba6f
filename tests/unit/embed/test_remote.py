"""Embedders of OpenAI, of compatible servers and of Cohere, against one server with many faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import numpy as np
import pytest

from citewise.embed.cohere import cohere_embedder
from citewise.embed.openai import openai_embedder
from citewise.embed.remote import RemoteEmbedder
from citewise.errors import ProviderError, SettingsError
from citewise.providers.calls import Caller, Throttle
from tests.fake_embeddings import FakeEmbeddings, Fault, Refusal

KEY = "plum-tree-4242424242"
TEXTS = ["The pump needs oil.", "The sky is blue.", "Refunds take 14 days."]
PROVIDERS = ("openai", "cohere")

Make = Callable[..., RemoteEmbedder]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEmbeddings]:
    monkeypatch.setattr("citewise.providers.calls.FIRST_WAIT_S", 0.0)
    with FakeEmbeddings() as fake:
        yield fake


@pytest.fixture
def make(server: FakeEmbeddings) -> Iterator[Make]:
    """Makes embedders of the server."""
    with ExitStack() as stack:

        def of(provider: str, name: str | None = None, **options: Any) -> RemoteEmbedder:
            options = {"dimensions": None, "api_key": KEY, "throttle": Throttle(), **options}
            embedder = (
                openai_embedder(
                    name or "text-embedding-3-small", **{"base_url": server.openai_url, "batch": 32, **options}
                )
                if provider == "openai"
                else cohere_embedder(name or "embed-v4.0", **{"base_url": server.url, **options})
            )
            return stack.enter_context(closing(embedder))

        yield of


@pytest.mark.parametrize("provider", PROVIDERS)
def test_vectors_have_unit_length_and_the_order_of_their_texts(provider: str, make: Make) -> None:
    embedder = make(provider)
    vectors = embedder.embed_documents(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((3, 1536), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert embedder.embed_query(text) @ vector == pytest.approx(1, abs=1e-6)
    assert embedder.embed_documents([]).shape == (0, 1536)
    assert embedder.state == "ready"


def test_cohere_is_told_what_is_a_question_and_what_a_document(make: Make, server: FakeEmbeddings) -> None:
    embedder = make("cohere")
    embedder.embed_documents(TEXTS)
    embedder.embed_query("Which oil?")
    assert [body["input_type"] for body in server.bodies] == ["search_document", "search_query"]
    assert {path for path, _, _ in server.calls} == {"/v2/embed"}
    assert server.bodies[0]["embedding_types"] == ["float"]
    assert server.calls[0][1] == KEY


def test_openai_is_asked_for_dimensions_only_where_they_are_not_its_own(make: Make, server: FakeEmbeddings) -> None:
    assert make("openai", dimensions=256).embed_query("oil").shape == (256,)
    assert make("openai", dimensions=1536).embed_query("oil").shape == (1536,)
    assert [body.get("dimensions") for body in server.bodies] == [256, None]


def test_a_compatible_server_needs_no_key_and_its_dimensions_are_taken_on_trust(
    make: Make, server: FakeEmbeddings
) -> None:
    server.dimension = 768
    embedder = make("openai", "nomic-embed-text", dimensions=768, api_key="")
    assert embedder.embed_query("oil").shape == (768,)
    assert server.calls[0][1] == ""
    assert "dimensions" not in server.bodies[0]


@pytest.mark.parametrize(
    ("provider", "name", "dimensions", "says"),
    [
        ("openai", "nomic-embed-text", None, "Set CITEWISE_EMBED__DIMENSIONS"),
        ("openai", "text-embedding-3-small", 3072, "1536 numbers, not 3072"),
        ("openai", "text-embedding-ada-002", 256, "1536 numbers, not 256"),
        ("cohere", "embed-v4.0", 300, "256 or 512 or 1024 or 1536 numbers, not 300"),
        ("cohere", "embed-v9", None, "Choose one of embed-v4"),
    ],
)
def test_dimensions_that_are_not_to_be_had_are_said_at_once(
    provider: str, name: str, dimensions: int | None, says: str, make: Make
) -> None:
    with pytest.raises(SettingsError, match=says):
        make(provider, name, dimensions=dimensions)


def test_whatever_changes_a_vector_changes_the_fingerprint(make: Make) -> None:
    embedders = [
        make("openai"),
        make("openai", "text-embedding-3-large"),
        make("openai", dimensions=512),
        make("openai", base_url=None),
        make("cohere"),
        make("cohere", "embed-multilingual-v3.0"),
        make("cohere", dimensions=512),
    ]
    assert len({embedder.fingerprint for embedder in embedders}) == len(embedders)
    assert make("openai").fingerprint == make("openai", api_key="another-key").fingerprint
    assert [embedder.name for embedder in embedders][:3] == [
        "openai:text-embedding-3-small",
        "openai:text-embedding-3-large",
        "openai:text-embedding-3-small@512",
    ]


def test_texts_go_in_batches_by_number_and_by_tokens(make: Make, server: FakeEmbeddings) -> None:
    make("openai", batch=2).embed_documents(TEXTS)
    assert [len(body["input"]) for body in server.bodies] == [2, 1]
    server.calls.clear()
    long = "word " * 7_000  # of 16,000 tokens that a compatible server gets at once
    make("openai").embed_documents([long, long, "a", long])
    assert [len(body["input"]) for body in server.bodies] == [3, 1]
    server.calls.clear()
    make("cohere").embed_documents(["oil"] * 100)
    assert [len(body["texts"]) for body in server.bodies] == [96, 4]


def test_a_server_that_takes_fewer_texts_at_once_gets_fewer(make: Make, server: FakeEmbeddings) -> None:
    server.largest_batch = 1
    embedder = make("openai")
    vectors = embedder.embed_documents(TEXTS)
    server.largest_batch = 9
    assert vectors == pytest.approx(embedder.embed_documents(TEXTS))


def test_a_text_that_alone_is_too_long_names_the_setting(make: Make, server: FakeEmbeddings) -> None:
    server.largest_batch = 0
    with pytest.raises(ProviderError, match=r"longer than text-embedding-3-small can read.*CITEWISE_SPLIT__SIZE"):
        make("openai").embed_documents(TEXTS)


@pytest.mark.parametrize(("provider", "name"), [("openai", None), ("cohere", "embed-english-v3.0")])
def test_a_text_is_cut_to_what_the_model_reads(
    provider: str, name: str | None, make: Make, server: FakeEmbeddings
) -> None:
    server.dimension = 1536 if provider == "openai" else 1024
    embedder = make(provider, name)
    embedder.embed_documents(["word " * 20_000, "short"])
    (body,) = server.bodies
    sent, short = body.get("input") or body["texts"]
    assert sent < "word " * 20_000
    assert embedder.max_tokens * 0.9 < len(sent.split()) <= embedder.max_tokens
    assert short == "short"


def test_lone_surrogates_and_empty_texts_are_made_fit_to_send(make: Make, server: FakeEmbeddings) -> None:
    make("openai").embed_documents(["oil \ud800", ""])
    assert server.bodies[0]["input"] == ["oil ?", " "]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("nan", "vector without direction"),
        ("zero", "vector without direction"),
        ("wide", "1537 numbers where 1536 were expected.*CITEWISE_EMBED__DIMENSIONS=1537"),
        ("short", r"gave 2 vectors for 3 texts"),
        ("html", "cannot be read"),
        (Refusal(401, "Incorrect API key provided: {key}."), "refused the API key. Check .*_KEY"),
        (Refusal(400, "what is {key}?"), "did not accept"),
    ],
)
def test_what_is_no_vector_of_the_model_is_refused(
    provider: str, fault: Fault, says: str, make: Make, server: FakeEmbeddings
) -> None:
    server.faults.append(fault)
    with pytest.raises(ProviderError, match=says) as caught:
        make(provider).embed_documents(TEXTS)
    assert (caught.value.provider, len(server.calls)) == (provider, 1)
    assert KEY not in str(caught.value)


def test_a_vector_that_came_twice_is_refused(make: Make, server: FakeEmbeddings) -> None:
    server.faults.append("twice")
    with pytest.raises(ProviderError, match="cannot be read"):
        make("openai").embed_documents(TEXTS)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_question_is_tried_three_times_and_documents_eight(provider: str, make: Make, server: FakeEmbeddings) -> None:
    server.faults.extend([Refusal(500)] * 11)
    with pytest.raises(ProviderError, match="status 500"):
        make(provider).embed_query("oil")
    assert len(server.calls) == 3
    with pytest.raises(ProviderError, match="status 500"):
        make(provider).embed_documents(TEXTS)
    assert len(server.calls) == 11
    assert make(provider).embed_documents(TEXTS).shape == (3, 1536)


def test_a_question_does_not_wait_as_long_as_a_provider_may_ask_of_documents(
    make: Make, server: FakeEmbeddings
) -> None:
    server.faults.append(Refusal(429, retry_after="5"))
    with pytest.raises(ProviderError, match="limit is reached"):
        make("openai").embed_query("oil")


def test_a_question_does_not_wait_for_the_limit_that_documents_used_up(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(_: Caller, seconds: float) -> None:
        pytest.fail(f"it waits {seconds} s")

    monkeypatch.setattr(Caller, "_pause", wait)
    embedder = make("openai", throttle=Throttle(requests_per_minute=1))
    embedder.embed_documents(TEXTS)
    assert embedder.embed_query("oil").shape == (1536,)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_without_a_key_is_not_called(provider: str, make: Make) -> None:
    embedder = make(provider, api_key="", base_url=None)
    assert embedder.state == "failed"
    with pytest.raises(ProviderError, match=r"There is no key for .*_KEY"):
        embedder.embed_query("oil")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_tokens_that_were_paid_for_are_counted(provider: str, make: Make) -> None:
    counted: list[int] = []
    make(provider, on_tokens=counted.append).embed_documents(TEXTS)
    assert counted == [12]


def test_a_closed_embedder_says_why_it_does_nothing(make: Make, server: FakeEmbeddings) -> None:
    embedder = make("openai")
    embedder.close()
    with pytest.raises(ProviderError, match="Citewise is stopping"):
        embedder.embed_query("oil")
    assert server.calls == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_spans_of_tokens_are_in_order_and_leave_nothing_out(provider: str, make: Make) -> None:
    text = "Internationalization, 2024: café 日本語 — 'x'\n\nnext\ud800"
    spans = make(provider).token_spans(text)
    ends = [0, *(end for _, end in spans)]
    assert all(end <= start < stop for end, (start, stop) in zip(ends, spans, strict=False))
    covered = {place for start, end in spans for place in range(start, end)}
    assert {place for place, character in enumerate(text) if not character.isspace()} == covered
