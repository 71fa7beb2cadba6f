from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from citewise.errors import ProviderError
from citewise.retrieve.cohere import CohereReranker
from tests.fake_embeddings import FakeEmbeddings, Fault, Refusal

KEY = "plum-tree-4242424242"
TEXTS = ["The sky is blue.", "The pump needs oil.", "Oil the pump every week."]


@pytest.fixture
def server() -> Iterator[FakeEmbeddings]:
    with FakeEmbeddings() as fake:
        yield fake


@pytest.fixture
def reranker(server: FakeEmbeddings) -> Iterator[CohereReranker]:
    with closing(CohereReranker(api_key=KEY, base_url=server.url, budget_ms=2000)) as model:
        yield model


def test_scores_come_in_the_order_of_the_texts(reranker: CohereReranker, server: FakeEmbeddings) -> None:
    assert reranker.scores("pump oil every week", TEXTS) == [0.0, 0.5, 1.0]
    ((path, key, body),) = server.calls
    assert (path, key, reranker.name) == ("/v2/rerank", KEY, "cohere:rerank-v3.5")
    assert body == {"model": "rerank-v3.5", "query": "pump oil every week", "documents": TEXTS, "top_n": 3}


def test_searches_that_were_paid_for_are_counted(server: FakeEmbeddings) -> None:
    counted: list[int] = []
    options = {"api_key": KEY, "base_url": server.url, "budget_ms": 2000}
    with closing(CohereReranker("rerank-v3.5", on_searches=counted.append, **options)) as model:  # type: ignore[arg-type]
        model.scores("oil", TEXTS)
    assert counted == [1]


def test_a_limited_call_is_repeated_in_its_time(reranker: CohereReranker, server: FakeEmbeddings) -> None:
    server.faults.append(Refusal(429, retry_after="0"))
    assert len(reranker.scores("oil", TEXTS)) == 3
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("short", "cannot be read"),
        ("twice", "cannot be read"),
        ("html", "cannot be read"),
        ("nan", "no number"),
        (Refusal(401, "invalid api token {key}"), "refused the API key. Check CO_API_KEY"),
        (Refusal(429, retry_after="60"), "limit is reached"),
    ],
)
def test_what_is_no_ranking_is_a_sentence(
    fault: Fault, says: str, reranker: CohereReranker, server: FakeEmbeddings
) -> None:
    server.faults.append(fault)
    with pytest.raises(ProviderError, match=says) as caught:
        reranker.scores("oil", TEXTS)
    assert (caught.value.provider, len(server.calls)) == ("cohere", 1)
    assert KEY not in str(caught.value)


def test_it_is_given_up_when_its_time_is_over(server: FakeEmbeddings) -> None:
    server.faults.append("hang")
    with (
        closing(CohereReranker(api_key=KEY, base_url=server.url, budget_ms=200)) as model,
        pytest.raises(ProviderError, match=r"did not answer within 0\.2 s"),
    ):
        model.scores("oil", TEXTS)


def test_without_a_key_cohere_is_not_called() -> None:
    with pytest.raises(ProviderError, match=r"There is no key for Cohere\. Set CO_API_KEY"):
        CohereReranker(api_key="", base_url=None, budget_ms=1000)
