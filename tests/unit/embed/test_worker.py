from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from citewise.embed.worker import Encode, ModelWorker, SharedModel
from citewise.errors import ProviderError
from citewise.types import Vectors


class Model:
    """Notes what it is asked, may be held up, and answers each text with its length."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.threads: set[int] = set()
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.threads.add(threading.get_ident())
        self.calls.append(list(texts))
        self.entered.set()
        assert self.go_on.wait(20)
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


Make = Callable[..., ModelWorker]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[ModelWorker] = []

    def build(load: Callable[[], Encode], **options: object) -> ModelWorker:
        made.append(ModelWorker(load, provider="test", **options))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for worker in made:
        worker.close()


def texts(*lengths: int) -> list[str]:
    return ["x" * length for length in lengths]


def until(condition: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(2_000):
        if condition():
            return
        waiting.wait(0.005)
    raise AssertionError("the condition never came true")


def waiting(worker: ModelWorker) -> int:
    return len(worker._documents) + len(worker._questions)


def test_vectors_come_in_the_order_of_the_texts_though_batches_are_by_length(make: Make) -> None:
    model = Model()
    worker = make(lambda: model.encode, batch=2)
    vectors = worker.encode(texts(3, 9, 1, 7, 5), urgent=False)
    assert vectors[:, 0].tolist() == [3, 9, 1, 7, 5]
    assert vectors.dtype == np.float32
    assert [[len(text) for text in call] for call in model.calls] == [[9, 7], [5, 3], [1]]


def test_long_texts_go_in_smaller_batches(make: Make) -> None:
    model = Model()
    make(lambda: model.encode, batch=32).encode(texts(*[4_000] * 4, *[100] * 4), urgent=False)
    assert [len(call) for call in model.calls] == [2, 2, 4]


def test_a_question_is_served_before_waiting_documents(make: Make) -> None:
    model = Model()
    model.go_on.clear()
    worker = make(lambda: model.encode, batch=1)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(worker.encode, ["a", "b", "c"], urgent=False)
        assert model.entered.wait(20)
        second = pool.submit(worker.encode, ["d", "e"], urgent=False)
        until(lambda: len(worker._documents) == 2)
        question = pool.submit(worker.encode, ["question"], urgent=True)
        until(lambda: len(worker._questions) == 1)
        model.go_on.set()
        question.result(20), first.result(20), second.result(20)
    assert model.calls[1] == ["question"]
    assert [call[0] for call in model.calls] == ["a", "question", "b", "d", "c", "e"]


def test_questions_that_wait_are_taken_together(make: Make) -> None:
    model = Model()
    model.go_on.clear()
    worker = make(lambda: model.encode, batch=8)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(worker.encode, ["first"], urgent=True)
        assert model.entered.wait(20)
        others = [pool.submit(worker.encode, [f"{number}" * number], urgent=True) for number in range(1, 6)]
        until(lambda: waiting(worker) == 5)
        model.go_on.set()
        first.result(20)
        assert [other.result(20)[0, 0] for other in others] == [1, 2, 3, 4, 5]
    assert len(model.calls) == 2


def test_one_thread_only_touches_the_model(make: Make) -> None:
    model = Model()
    worker = make(lambda: model.encode, batch=4)
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda n: worker.encode(texts(n, 2 * n), urgent=n % 2 == 0), range(1, 65)))
    assert [vectors[:, 0].tolist() for vectors in results] == [[n, 2 * n] for n in range(1, 65)]
    assert len(model.threads) == 1
    assert threading.get_ident() not in model.threads


def test_loading_goes_on_in_the_background_and_callers_wait_for_it(make: Make) -> None:
    model, loaded, states = Model(), threading.Event(), []

    def load() -> Encode:
        assert loaded.wait(20)
        return model.encode

    worker = make(load, on_state=lambda state, error: states.append((state, error)))
    worker.start()
    worker.start()
    assert (worker.state, worker.error) == ("loading", None)
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(worker.encode, ["text"], urgent=True)
        until(lambda: waiting(worker) == 1)
        loaded.set()
        assert result.result(20)[0, 0] == 4
    assert worker.state == "ready"
    assert states == [("ready", None)]


def test_a_failure_to_load_reaches_those_who_wait_and_those_who_come_later(make: Make) -> None:
    go_on, states = threading.Event(), []

    def load() -> Encode:
        assert go_on.wait(20)
        raise RuntimeError("the weights are torn")

    worker = make(load, on_state=lambda state, error: states.append(state))
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(worker.encode, ["text"], urgent=False)
        until(lambda: waiting(worker) == 1)
        go_on.set()
        with pytest.raises(ProviderError, match=r"could not be loaded: the weights are torn.*citewise doctor"):
            early.result(20)
    with pytest.raises(ProviderError, match="the weights are torn"):
        worker.encode(["text"], urgent=True)
    assert worker.state == "failed"
    assert worker.error is not None
    assert states == ["failed"]


def test_a_failed_batch_fails_its_caller_only(make: Make) -> None:
    def encode(batch: Sequence[str]) -> Vectors:
        if "poison" in batch:
            raise MemoryError("out of memory")
        return np.ones((len(batch), 2), dtype=np.float32)

    worker = make(lambda: encode, batch=1)
    with pytest.raises(ProviderError, match="out of memory"):
        worker.encode(["fine", "poison", "never reached"], urgent=False)
    assert worker.encode(["fine"], urgent=False).shape == (1, 2)
    assert worker.state == "ready"


def test_closing_ends_the_thread_and_tells_those_who_wait(make: Make) -> None:
    model = Model()
    model.go_on.clear()
    worker = make(lambda: model.encode, batch=1)
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(worker.encode, ["running"], urgent=False)
        assert model.entered.wait(20)
        queued = pool.submit(worker.encode, ["queued"], urgent=False)
        until(lambda: waiting(worker) == 1)
        closing = threading.Thread(target=worker.close)
        closing.start()
        until(lambda: worker._closed)
        model.go_on.set()
        closing.join(20)
        assert running.result(20).shape == (1, 2)
        with pytest.raises(ProviderError, match="closed"):
            queued.result(20)
    with pytest.raises(ProviderError, match="closed"):
        worker.encode(["late"], urgent=True)
    assert "citewise-model" not in [thread.name for thread in threading.enumerate()]


def test_a_worker_that_never_started_can_be_closed(make: Make) -> None:
    worker = make(Model)
    worker.close()
    with pytest.raises(ProviderError, match="closed"):
        worker.encode(["late"], urgent=True)


def test_too_many_waiting_requests_are_turned_away(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citewise.embed.worker._WAITING_REQUESTS", 1)
    model = Model()
    model.go_on.clear()
    worker = make(lambda: model.encode, batch=1)
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(worker.encode, ["running"], urgent=False)
        assert model.entered.wait(20)
        queued = pool.submit(worker.encode, ["queued"], urgent=False)
        until(lambda: waiting(worker) == 1)
        with pytest.raises(ProviderError, match="1 requests waiting") as caught:
            worker.encode(["one too many"], urgent=False)
        model.go_on.set()
        running.result(20), queued.result(20)
    assert caught.value.retryable


def test_urgent_texts_of_a_shared_model_wait_for_nobody(make: Make) -> None:
    documents, urgent, closed = Model(), Model(), threading.Event()
    documents.go_on.clear()
    shared = SharedModel(documents=documents.encode, urgent=urgent.encode, close=closed.set)
    worker = make(lambda: shared, batch=8)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(worker.encode, ["a", "b"], urgent=False)
        assert documents.entered.wait(20)
        assert worker.encode(["question"], urgent=True)[0, 0] == 8
        assert not running.done()
        documents.go_on.set()
        running.result(20)
    assert urgent.threads == {threading.get_ident()}
    worker.close()
    assert closed.is_set()
    with pytest.raises(ProviderError, match="closed"):
        worker.encode(["late"], urgent=True)


def test_questions_that_waited_for_a_shared_model_are_urgent_to_it_too(make: Make) -> None:
    documents, urgent, loaded = Model(), Model(), threading.Event()

    def load() -> SharedModel:
        assert loaded.wait(20)
        return SharedModel(documents=documents.encode, urgent=urgent.encode, close=lambda: None)

    worker = make(load)
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(worker.encode, ["early"], urgent=True)
        until(lambda: waiting(worker) == 1)
        loaded.set()
        early.result(20)
    assert (urgent.calls, documents.calls) == ([["early"]], [])


def test_a_failure_of_an_urgent_call_is_a_provider_error_and_no_more(make: Make) -> None:
    def fail(_: Sequence[str]) -> Vectors:
        raise MemoryError("out of memory")

    model = Model()
    worker = make(lambda: SharedModel(documents=model.encode, urgent=fail, close=lambda: None))
    worker.encode(["loaded"], urgent=False)
    with pytest.raises(ProviderError, match="out of memory"):
        worker.encode(["question"], urgent=True)
    assert worker.encode(["document"], urgent=False).shape == (1, 2)
