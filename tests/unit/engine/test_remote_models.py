"""The engine with an embedding model and rerankers behind HTTP, and what is left when these are away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from citewise.build import open_engine
from citewise.embed.remote import DOCUMENTS
from citewise.engine import Engine
from citewise.errors import NotFoundError, ProviderError, SettingsError
from citewise.observe.metrics import metrics
from citewise.settings import Settings
from citewise.types import Document, Query, Upload
from tests.fake_embeddings import FakeEmbeddings, Refusal

KEY = "plum-tree-4242424242"
OPENAI = "openai:text-embedding-3-small"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEmbeddings]:
    monkeypatch.setattr("citewise.providers.calls.FIRST_WAIT_S", 0.0)
    with FakeEmbeddings() as fake:
        monkeypatch.setenv("OPENAI_BASE_URL", fake.openai_url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("CO_API_URL", fake.url)
        monkeypatch.setenv("CO_API_KEY", KEY)
        yield fake


def opened(home: Path, **changed: Any) -> Engine:
    embed = {"model": OPENAI, "dimensions": 64} | changed.pop("embed", {})
    return open_engine(Settings(home=home, embed=embed, **changed))


def add(engine: Engine, texts: dict[str, str]) -> dict[str, Document]:
    added = engine.add([Upload(source, text=text) for source, text in texts.items()])
    assert engine.wait([one.job_id for one in added if one.job_id], timeout_s=60)
    return {document.source: document for document in engine.documents()}


PUMP = {"pump.txt": "The pump needs oil every week.", "sky.txt": "The sky is blue on a clear day."}
SETS = 40
MANY = {"many.txt": "\n\n".join(f"Paragraph {number}. " + f"word{number} " * 150 for number in range(SETS * 3))}


@pytest.mark.parametrize("model", [OPENAI, "cohere:embed-v4.0"])
def test_documents_are_found_by_vectors_of_a_provider(model: str, tmp_path: Path, server: FakeEmbeddings) -> None:
    before = metrics().render()
    with closing(opened(tmp_path, embed={"model": model, "dimensions": 512})) as engine:
        assert {document.status for document in add(engine, PUMP).values()} == {"ready"}
        result = engine.search(Query("Which oil does the pump need?", mode="dense"))
        assert (result.hits[0].source, result.degraded) == ("pump.txt", ())
        (generation,) = engine.index_status().generations
        assert (generation.dimension, generation.model) == (512, f"{model}@512")
    assert b'citewise_model_tokens_total{direction="embedding"}' in metrics().render()
    assert metrics().render() != before
    assert {key for _, key, _ in server.calls} == {KEY}


def test_a_question_is_answered_by_words_while_the_provider_is_away(tmp_path: Path, server: FakeEmbeddings) -> None:
    with closing(opened(tmp_path)) as engine:
        add(engine, PUMP)
        server.faults.extend([Refusal(503)] * 3)
        result = engine.search(Query("Which oil does the pump need?"))
        assert result.hits[0].source == "pump.txt"
        (said,) = result.degraded
        assert said.startswith("The search by meaning did not run: The model server")
        assert "status 503" in said
        with pytest.raises(ProviderError, match="status 503"):
            server.faults.extend([Refusal(503)] * 3)
            engine.search(Query("Which oil does the pump need?", mode="dense"))
        assert engine.search(Query("Which oil does the pump need?")).degraded == ()


def test_a_provider_without_a_key_leaves_the_search_by_words(
    tmp_path: Path, server: FakeEmbeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(tmp_path, embed={"model": "cohere:embed-v4.0", "dimensions": 256})) as engine:
        add(engine, PUMP)
    monkeypatch.delenv("CO_API_KEY")
    monkeypatch.delenv("CO_API_URL")
    with closing(opened(tmp_path, embed={"model": "cohere:embed-v4.0", "dimensions": 256})) as engine:
        result = engine.search(Query("Which oil does the pump need?"))
        assert result.hits[0].source == "pump.txt"
        assert "The search by meaning did not run" in result.degraded[0]


def test_vectors_that_came_before_a_failure_are_kept(tmp_path: Path, server: FakeEmbeddings) -> None:
    with closing(opened(tmp_path)) as engine:
        server.faults.extend(["ok", "ok", *[Refusal(401, "bad key {key}")]])
        document = add(engine, MANY)["many.txt"]
        assert document.status == "failed"
        assert document.error == "The model server refused the API key. Check OPENAI_API_KEY and start again."
        asked = [text for body in server.bodies for text in body["input"]]
        engine.wait([engine.retry(document.id)], timeout_s=60)
        assert engine.document(document.id).status == "ready"
        everything = [text for body in server.bodies for text in body["input"]]
        # Only the batch that was refused is sent a second time.
        refused = server.bodies[2]["input"]
        assert sorted(everything) == sorted([*set(everything), *refused])
        assert len(asked) < len(everything)


def test_stopping_ends_the_wait_for_a_provider_and_the_next_start_goes_on(
    tmp_path: Path, server: FakeEmbeddings
) -> None:
    assert DOCUMENTS.longest_wait_s > 60
    with closing(opened(tmp_path)) as engine:
        server.faults.append(Refusal(429, retry_after="60"))
        (added,) = engine.add([Upload("pump.txt", text=PUMP["pump.txt"])])
        while not server.calls:
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 10
    with closing(opened(tmp_path)) as engine:
        assert engine.wait([added.job_id or ""], timeout_s=60)
        assert engine.document(added.document_id or "").status == "ready"


def test_who_reranks_can_be_chosen_and_is_named(tmp_path: Path, server: FakeEmbeddings) -> None:
    with closing(opened(tmp_path)) as engine:
        add(engine, PUMP)
        question = "clear day"
        by_default = engine.search(Query(question))
        assert by_default.reranker == by_default.trace["reranker"] == "linear-2"
        by_cohere = engine.search(Query(question, rerank="cohere:rerank-v3.5"))
        assert (by_cohere.reranker, by_cohere.trace["reranker"]) == ("cohere:rerank-v3.5", "cohere:rerank-v3.5")
        assert by_cohere.hits[0].scores["rerank"] == 1.0
        assert engine.search(Query(question, rerank="none")).reranker is None
        assert engine.search(Query(question, rerank=False)).reranker is None
        assert engine.search(Query(question, mode="keyword")).reranker is None
        assert engine.search(Query(question, mode="keyword", rerank="linear")).reranker == "linear-2"
        with pytest.raises(NotFoundError, match="no reranker named 'magic'"):
            engine.search(Query(question, rerank="magic"))
        with pytest.raises(ProviderError, match="is not on this machine"):
            engine.search(Query(question, rerank="cross-encoder:nobody/nothing"))


def test_a_reranker_that_is_away_is_named_with_who_stood_in(tmp_path: Path, server: FakeEmbeddings) -> None:
    search: dict[str, Any] = {"reranker": "cohere:rerank-v3.5", "rerank_ms": 1000}
    with closing(opened(tmp_path, search=search)) as engine:
        add(engine, PUMP)
        server.faults.extend(["ok", Refusal(401, "bad {key}")])  # the question's vector, then the order
        result = engine.search(Query("clear day"))
        assert result.reranker == "linear-2"
        assert result.degraded == (
            "The built-in reranker stood in for cohere:rerank-v3.5: Cohere refused the API key. "
            "Check CO_API_KEY and start again.",
        )
        turn = engine.ask("Is the day clear?")
        *_, last = engine.watch(turn.id)
        assert last.answer.trace["reranker"] == "cohere:rerank-v3.5"


@pytest.mark.parametrize(
    ("embed", "search", "error", "says"),
    [
        ({"model": "magic:x", "dimensions": None}, {}, SettingsError, "unknown provider"),
        ({"model": "local:all-MiniLM-L6-v2"}, {}, SettingsError, "CITEWISE_EMBED__DIMENSIONS is set, but local:"),
        ({"model": "openai:unknown", "dimensions": None}, {}, SettingsError, "Set CITEWISE_EMBED__DIMENSIONS"),
        ({"model": "openai:unknown@many", "dimensions": None}, {}, SettingsError, "no number after its @"),
        ({}, {"reranker": "magic"}, NotFoundError, "no reranker named 'magic'"),
        ({}, {"reranker": "cross-encoder:nobody/nothing"}, ProviderError, "not on this machine"),
    ],
)
def test_settings_that_name_nothing_are_said_at_the_start(
    embed: dict[str, Any], search: dict[str, Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        opened(tmp_path, embed=embed, search=search)


def test_keys_of_all_providers_are_hidden_in_logs(server: FakeEmbeddings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CO_API_KEY", "apple-tree-5151515151")
    assert Settings().secrets() == [KEY, "apple-tree-5151515151"]
