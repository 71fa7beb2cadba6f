"""Both adapters of remote models, through the real SDKs, against one server with many faults."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from citewise.answer.anthropic import AnthropicModel
from citewise.answer.openai import OpenAIModel
from citewise.errors import ProviderError
from citewise.protocols import ChatEvent, ChatModel, Finished, Quoted, TextDelta, Writer
from citewise.types import Message, Usage
from tests.fake_models import FakeModels
from tests.unit.answer.builders import sources

KEY = "sk-very-secret-key"
SOURCES = sources("Anvils weigh 50 kg. They are made in Bern.", "Refunds take 14 days. Write to us first.")
PROVIDERS = ("openai", "anthropic")


@pytest.fixture
def server() -> Iterator[FakeModels]:
    with FakeModels() as fake:
        yield fake


def model_of(provider: str, name: str, server: FakeModels, **options: Any) -> ChatModel:
    if provider == "openai":
        return OpenAIModel(name, api_key=KEY, base_url=server.openai_url, **options)
    return AnthropicModel(name, api_key=KEY, base_url=server.anthropic_url, **options)


def text_of(events: Sequence[ChatEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def failure_of(model: ChatModel) -> tuple[list[ChatEvent], ProviderError]:
    """Ask until it fails; return what came before, and the failure."""
    events: list[ChatEvent] = []
    try:
        for event in model.stream("How heavy?", SOURCES):
            events.append(event)
    except ProviderError as error:
        assert KEY not in str(error)
        return events, error
    pytest.fail(f"no failure, but {events}")


def test_openai_streams_text_with_markers_and_counts_tokens(server: FakeModels) -> None:
    events = list(model_of("openai", "ok", server).stream("How heavy?", SOURCES))
    assert text_of(events) == "Anvils weigh 50 kg. [1] Refunds take 14 days. [2]"
    assert events[-1] == Finished("complete", Usage(120, 30))


def test_anthropic_ties_its_text_to_exact_sentences_of_the_sources(server: FakeModels) -> None:
    events = list(model_of("anthropic", "ok", server).stream("How heavy?", SOURCES))
    assert text_of(events) == "Anvils weigh 50 kg. Refunds take 14 days."
    quotes = [event for event in events if isinstance(event, Quoted)]
    assert [quote.marker for quote in quotes] == [1, 2]
    texts = [SOURCES[quote.marker - 1].hit.chunk.text[quote.start : quote.end] for quote in quotes]
    assert texts == ["Anvils weigh 50 kg.", "Refunds take 14 days."]
    assert events[-1] == Finished("complete", Usage(120, 30))


def test_anthropics_citations_come_after_the_words_that_they_belong_to(server: FakeModels) -> None:
    events = list(model_of("anthropic", "ok", server).stream("How heavy?", SOURCES))
    first_quote = next(position for position, event in enumerate(events) if isinstance(event, Quoted))
    assert text_of(events[:first_quote]) == "Anvils weigh 50 kg."


@pytest.mark.parametrize("provider", PROVIDERS)
def test_history_is_replayed_as_plain_text_before_the_question(provider: str, server: FakeModels) -> None:
    history = [Message("user", "What is an anvil?"), Message("assistant", "A block.")]
    list(model_of(provider, "ok", server).stream("How heavy?", SOURCES, history=history))
    turns = [turn for turn in server.requests[0]["messages"] if turn["role"] != "system"]
    assert turns[:2] == [
        {"role": "user", "content": "What is an anvil?"},
        {"role": "assistant", "content": "A block."},
    ]
    assert "How heavy?" in str(turns[2]["content"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_short_text_is_written_with_instructions_of_its_own(provider: str, server: FakeModels) -> None:
    model = model_of(provider, "abstain", server)
    assert isinstance(model, Writer)
    events = list(model.write("Say one sentence.", "About anvils.\u200b"))
    assert text_of(events) == "The documents do not answer this question."
    assert events[-1] == Finished("complete", Usage(120, 30))
    sent = str(server.requests[0])
    assert "Say one sentence." in sent
    assert "'About anvils.'" in sent
    assert "sources" not in sent


def test_a_compatible_server_gets_max_tokens_and_needs_no_key(server: FakeModels) -> None:
    model = OpenAIModel("ok", api_key=None, base_url=server.openai_url, output_tokens=77)
    assert isinstance(list(model.stream("How heavy?", SOURCES))[-1], Finished)
    assert server.requests[0]["max_tokens"] == 77
    assert "max_completion_tokens" not in server.requests[0]


def test_openai_itself_without_a_key_is_not_called() -> None:
    with pytest.raises(ProviderError, match="OPENAI_API_KEY"):
        list(OpenAIModel("gpt-5-mini", api_key="").stream("How heavy?", SOURCES))


def test_anthropic_itself_without_a_key_is_not_called() -> None:
    with pytest.raises(ProviderError, match="ANTHROPIC_API_KEY"):
        list(AnthropicModel("claude", api_key=None).stream("How heavy?", SOURCES))


def test_a_server_that_does_not_know_stream_options_is_asked_without(server: FakeModels) -> None:
    events = list(model_of("openai", "no-usage", server).stream("How heavy?", SOURCES))
    assert events[-1] == Finished("complete", Usage())
    assert ["stream_options" in request for request in server.requests] == [True, False]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_limited_call_is_repeated_before_the_first_word(provider: str, server: FakeModels) -> None:
    events = list(model_of(provider, "limited", server).stream("How heavy?", SOURCES))
    assert isinstance(events[-1], Finished)
    assert len(server.requests) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("name", "says", "retryable"),
    [
        ("wrong-key", "refused the API key. Check .*_API_KEY", False),
        ("missing", "There is no model 'missing'", False),
        ("overflow", "longer than overflow can read.*CONTEXT_TOKENS", False),
        ("limited-for-long", "limit is reached.*3600 s", True),
    ],
)
def test_refusals_say_what_to_do(provider: str, name: str, says: str, retryable: bool, server: FakeModels) -> None:
    events, error = failure_of(model_of(provider, name, server))
    assert events == []
    assert (error.provider, error.retryable, len(server.requests)) == (provider, retryable, 1)
    with pytest.raises(ProviderError, match=says):
        raise error


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_broken_server_is_asked_three_times(
    provider: str, server: FakeModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citewise.answer.remote.FIRST_WAIT_S", 0.0)
    _, error = failure_of(model_of(provider, "broken", server))
    assert "status 500" in str(error)
    assert error.retryable
    assert len(server.requests) == 3


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", ["cut", "overloaded"])
def test_a_stream_that_breaks_keeps_its_words_and_is_not_repeated(provider: str, name: str, server: FakeModels) -> None:
    events, error = failure_of(model_of(provider, name, server))
    assert text_of(events).startswith("Anvils weigh")
    assert error.retryable
    assert len(server.requests) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_no_stream_of_this_kind_is_named_so(provider: str, server: FakeModels) -> None:
    _, error = failure_of(model_of(provider, "garbage", server))
    assert "cannot be read" in str(error)
    assert not error.retryable


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_unreachable_server_is_named(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citewise.answer.remote.FIRST_WAIT_S", 0.0)
    with FakeModels() as gone:
        pass
    _, error = failure_of(model_of(provider, "ok", gone))
    assert gone.url.removeprefix("http://") in str(error)
    assert error.retryable


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("name", "stop"), [("length", "truncated"), ("refusal", "refused")])
def test_the_reason_of_an_early_end_is_kept(provider: str, name: str, stop: str, server: FakeModels) -> None:
    events = list(model_of(provider, name, server).stream("How heavy?", SOURCES))
    assert isinstance(events[-1], Finished)
    assert events[-1].stop == stop


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("name", "limit", "setting"),
    [
        ("hang", "first_token_s", "FIRST_TOKEN_S"),
        ("pings", "first_token_s", "FIRST_TOKEN_S"),
        ("hang-midway", "between_tokens_s", "BETWEEN_TOKENS_S"),
        ("slow", "total_s", "TOTAL_S"),
    ],
)
def test_silence_ends_with_the_setting_that_limits_it(
    provider: str, name: str, limit: str, setting: str, server: FakeModels
) -> None:
    # On a busy machine a short limit may run out before the call was sent; then a longer one is tried.
    server.delay_s = 0.5
    for seconds in (0.2, 2.0, 20.0):
        asked, last = failure_of(model_of(provider, name, server, **{limit: seconds}))
        assert setting in str(last)
        assert last.retryable
        assert len(server.requests) <= 1
        if server.requests and (limit == "first_token_s" or asked):
            break
        server.requests.clear()
    else:
        pytest.fail("the server was never asked")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", ["hang-midway", "slow"])
def test_a_stop_closes_the_connection_while_waiting(provider: str, name: str, server: FakeModels) -> None:
    stop = threading.Event()
    events: list[ChatEvent] = []
    for event in model_of(provider, name, server).stream("How heavy?", SOURCES, cancelled=stop.is_set):
        events.append(event)
        stop.set()
    assert len(events) == 1
    wait_until(lambda: server.hung_up == 1)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stop_before_the_first_word_returns_without_one(provider: str, server: FakeModels) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert list(model_of(provider, "hang", server).stream("How heavy?", SOURCES, cancelled=stop.is_set)) == []


def test_importing_the_adapters_does_not_import_the_sdks() -> None:
    code = (
        "import sys, citewise.answer.openai, citewise.answer.anthropic, citewise.answer.extractive\n"
        "sys.exit(', '.join({'openai', 'anthropic', 'tiktoken', 'torch'} & sys.modules.keys()) or None)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def wait_until(condition: Any) -> None:
    for _ in range(200):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen")
