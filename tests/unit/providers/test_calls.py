from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from citewise.errors import ProviderError
from citewise.providers.calls import Caller, Effort, Throttle
from citewise.providers.cohere import cohere_endpoint
from citewise.providers.endpoint import TooLongError
from tests.fake_embeddings import FakeEmbeddings, Refusal

KEY = "plum-tree-4242424242"
PATIENT = Effort(attempts=4, call_s=30, total_s=60, longest_wait_s=10)
BODY = {"model": "rerank-v3.5", "query": "oil", "documents": ["oil"], "top_n": 1}


CallerOf = Callable[..., Caller]


@pytest.fixture
def server() -> Iterator[FakeEmbeddings]:
    with FakeEmbeddings() as fake:
        yield fake


@pytest.fixture
def caller_of() -> Iterator[CallerOf]:
    """Makes callers of a server, or of an address."""
    with ExitStack() as stack:

        def make(server: FakeEmbeddings | str, throttle: Throttle | None = None) -> Caller:
            url = server if isinstance(server, str) else server.url
            endpoint = cohere_endpoint("m", api_key=KEY, base_url=url, too_long="{model} is full. Ask less.")
            return stack.enter_context(closing(Caller(endpoint, throttle)))

        yield make


@pytest.mark.parametrize("fault", [Refusal(429, retry_after="0"), Refusal(500), Refusal(503), "hang-up"])
def test_what_may_succeed_later_is_sent_again(
    fault: Refusal | str, caller_of: CallerOf, server: FakeEmbeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citewise.providers.calls.FIRST_WAIT_S", 0.0)
    server.faults.extend([fault, fault])
    assert caller_of(server).post("/v2/rerank", BODY, effort=PATIENT)["results"]
    assert len(server.calls) == 3


def test_it_waits_as_long_as_the_provider_asks_and_no_longer_than_it_may(
    caller_of: CallerOf, server: FakeEmbeddings
) -> None:
    server.faults.append(Refusal(429, retry_after="0.3"))
    started = time.monotonic()
    caller_of(server).post("/v2/rerank", BODY, effort=PATIENT)
    assert time.monotonic() - started >= 0.3
    server.faults.append(Refusal(429, retry_after="3600"))
    with pytest.raises(ProviderError, match=r"limit is reached.*3600 s") as caught:
        caller_of(server).post("/v2/rerank", BODY, effort=PATIENT)
    assert (caught.value.retryable, caught.value.retry_after, len(server.calls)) == (True, 3600, 3)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Refusal(401, "invalid api token {key}"), "refused the API key. Check CO_API_KEY"),
        (Refusal(403, "not with {key}"), "does not allow this key"),
        (Refusal(404), "There is no model 'm'"),
        (Refusal(400, "no such field"), "did not accept.*no such field"),
        (Refusal(429, "You exceeded your current quota.", code="insufficient_quota"), "no credit left"),
        (Refusal(302), "refused the request with status 302"),
        ("html", "cannot be read. Check that CO_API_URL"),
    ],
)
def test_what_will_never_succeed_is_sent_once_and_named_without_the_key(
    fault: Refusal | str, says: str, caller_of: CallerOf, server: FakeEmbeddings
) -> None:
    server.faults.append(fault)
    with pytest.raises(ProviderError, match=says) as caught:
        caller_of(server).post("/v2/rerank", BODY, effort=PATIENT)
    assert (caught.value.retryable, len(server.calls)) == (False, 1)
    assert KEY not in str(caught.value)
    assert server.calls[0][1] == KEY


def test_too_much_at_once_is_an_error_of_its_own(caller_of: CallerOf, server: FakeEmbeddings) -> None:
    server.largest_batch = 0
    with pytest.raises(TooLongError, match=r"m is full. It says: batch size 1.* Ask less\."):
        caller_of(server).post("/v2/rerank", BODY, effort=PATIENT)


def test_a_server_that_says_nothing_is_waited_for_as_long_as_the_effort_allows(
    caller_of: CallerOf, server: FakeEmbeddings
) -> None:
    # On a busy machine a short limit may run out before the call was sent; then a longer one is tried.
    server.faults.extend(["hang"] * 6)
    caller = caller_of(server)
    for seconds in (0.2, 2, 20):
        with pytest.raises(ProviderError, match=rf"did not answer within {seconds:.3g} s") as caught:
            caller.post("/v2/rerank", BODY, effort=Effort(3, call_s=seconds, total_s=seconds, longest_wait_s=1))
        assert caught.value.retryable
        if server.calls:
            break
    assert len(server.calls) == 1


def test_a_server_that_is_not_there_is_named(caller_of: CallerOf) -> None:
    caller = caller_of("http://127.0.0.1:9")
    with pytest.raises(ProviderError, match=r"could not be reached at 127\.0\.0\.1:9\..*CO_API_URL"):
        caller.post("/v2/rerank", BODY, effort=Effort(1, call_s=5, total_s=5, longest_wait_s=1))


@pytest.mark.parametrize("fault", ["hang", Refusal(429, retry_after="9")])
def test_closing_ends_a_call_that_runs_and_one_that_waits(
    fault: Refusal | str, caller_of: CallerOf, server: FakeEmbeddings
) -> None:
    server.faults.append(fault)
    caller = caller_of(server)
    errors: list[str] = []

    def call() -> None:
        try:
            caller.post("/v2/rerank", BODY, effort=PATIENT)
        except ProviderError as error:
            errors.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    while not server.calls:
        time.sleep(0.01)
    caller.close()
    thread.join(5)
    assert errors == ["The call to Cohere was ended because Citewise is stopping."]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_no_more_calls_are_sent_in_a_minute_than_allowed() -> None:
    clock = Clock()
    throttle = Throttle(requests_per_minute=2, clock=clock)
    assert throttle.take(1) == 0
    clock.now += 20
    assert throttle.take(1) == 0
    assert throttle.take(1) == pytest.approx(40)
    clock.now += 40
    assert throttle.take(1) == 0
    assert throttle.take(1) == pytest.approx(20)


def test_no_more_tokens_are_sent_in_a_minute_than_allowed() -> None:
    clock = Clock()
    throttle = Throttle(tokens_per_minute=1000, clock=clock)
    assert throttle.take(600) == 0
    assert throttle.take(500) == pytest.approx(60)
    assert throttle.take(400) == 0
    clock.now += 60
    assert throttle.take(5000) == 0  # alone in its minute, since it would never fit


def test_a_question_is_sent_at_once_and_counts() -> None:
    throttle = Throttle(requests_per_minute=1, clock=Clock())
    assert throttle.take(1) == 0
    assert throttle.take(1, force=True) == 0
    assert throttle.take(1) > 0


def test_waiting_for_our_own_limit_takes_no_time_from_the_provider(caller_of: CallerOf, server: FakeEmbeddings) -> None:
    clock = Clock()
    throttle = Throttle(requests_per_minute=1, clock=clock)
    assert throttle.take(1) == 0
    caller = caller_of(server, throttle)
    done = threading.Event()

    def call() -> None:
        caller.post("/v2/rerank", BODY, effort=Effort(1, call_s=2, total_s=2, longest_wait_s=1))
        done.set()

    clock.now += 59.7  # the next is due in 0.3 s, which the caller waits by the real clock
    thread = threading.Thread(target=call)
    thread.start()
    time.sleep(0.1)
    assert server.calls == []
    clock.now += 1
    assert done.wait(5)
    thread.join()
