"""Every fault of a provider ends in the right state, in time, and without its key anywhere.

The table is the one of ``docs/providers.md``. All cases run side by side, as answers of one
registry, with the limits of the settings scaled down.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from citewise.answer.anthropic import AnthropicModel
from citewise.answer.generate import generate
from citewise.answer.jobs import AnswerRunner, Progress
from citewise.answer.openai import Account, OpenAIModel, Parameters
from citewise.observe.logs import configure_logging
from citewise.protocols import ChatModel
from citewise.registry import conversations, turns
from citewise.registry.database import Registry
from citewise.types import Answer, AnswerStatus
from tests.fake_models import FakeModels
from tests.unit.answer.builders import hit, no_page

ROOT = Path(__file__).parents[3]
KEY = "the-secret-of-the-table-4711"
PROVIDERS = ("openai", "anthropic", "profile")
LIMITS: dict[str, Any] = {"connect_s": 1.5, "first_token_s": 8.0, "between_tokens_s": 3.0, "total_s": 11.0}
SLACK_S = 20.0  # for a machine that is busy with other things
HITS = [hit("Anvils weigh 50 kg. They are made in Bern."), hit("Refunds take 14 days. Write first.", rank=2)]
WHOLE = "Anvils weigh 50 kg."


@dataclass(frozen=True)
class Fault:
    """One line of the table."""

    says: str  # as the table words it
    state: AnswerStatus
    limit: str  # by which it ends: "at once", or what the table calls the limit
    text: str  # what is left of the answer: none, some or all
    calls: int = 1  # at most; for those at once, exactly
    wire: str = "both"  # or the one whose servers have this fault


FAULTS = {
    "refused": Fault("connection refused", "error", "first token", "none", 0),
    "no-accept": Fault("the connection is never accepted", "error", "first token", "none", 0),
    "tls": Fault("TLS fails", "error", "at once", "none", 0),
    "reset": Fault("connection reset", "error", "first token", "none", 3),
    "hang": Fault("silence before the headers", "error", "first token", "none"),
    "pings": Fault("events without a word", "error", "first token", "none"),
    "trickle": Fault("one byte a second", "error", "first token", "none"),
    "hang-midway": Fault("silence in the middle", "cut", "between tokens", "some"),
    "slow": Fault("slower than the whole answer may be", "cut", "total", "some"),
    "cut-0": Fault("cut before the first token", "error", "first token", "none", 3),
    "cut-1": Fault("cut after 1 token", "cut", "at once", "some"),
    "cut-10": Fault("cut after 10 tokens", "cut", "at once", "some"),
    "cut-100": Fault("cut after 100 tokens", "cut", "at once", "some"),
    "reset-midway": Fault("connection reset in the middle", "cut", "at once", "some"),
    "overflow": Fault("400, prompt too long", "error", "at once", "none", 2),
    "narrow": Fault("400, prompt too long, and half of it is not", "complete", "at once", "all", 2),
    "status-400": Fault("400 for anything else", "error", "at once", "none", 2),
    "wrong-key": Fault("401", "error", "at once", "none"),
    "status-402": Fault("402", "error", "at once", "none"),
    "status-403": Fault("403", "error", "at once", "none"),
    "missing": Fault("404", "error", "at once", "none"),
    "status-408": Fault("408", "error", "first token", "none", 3),
    "status-409": Fault("409", "error", "first token", "none", 3),
    "limited": Fault("429 with `retry-after`, then an answer", "complete", "first token", "all", 2),
    "limited-by-date": Fault("429 with a date in `retry-after`, then an answer", "complete", "first token", "all", 2),
    "limited-briefly": Fault("429 without `retry-after`, then an answer", "complete", "first token", "all", 2),
    "limited-always": Fault("429 without `retry-after`, always", "error", "first token", "none", 3),
    "limited-for-long": Fault("429 with more `retry-after` than the limit", "error", "at once", "none"),
    "status-500": Fault("500", "error", "first token", "none", 3),
    "status-502": Fault("502", "error", "first token", "none", 3),
    "status-503": Fault("503", "error", "first token", "none", 3),
    "status-529": Fault("529", "error", "first token", "none", 3),
    "overloaded": Fault("an error event in the middle", "cut", "at once", "some"),
    "garbage": Fault("a malformed event in the middle", "cut", "at once", "some"),
    "garbage-first": Fault("a malformed first event", "error", "at once", "none"),
    "odd": Fault("JSON that is no event", "error", "first token", "none", 3),
    "empty": Fault("an answer without words", "error", "at once", "none"),
    "no-body": Fault("200 and nothing", "error", "first token", "none", 3),
    "page": Fault("200 and a web page", "error", "first token", "none", 3),
    "refusal": Fault("the provider refuses in the middle", "refused", "at once", "all"),
    "length": Fault("the longest answer is reached", "truncated", "at once", "all"),
    "duplicate": Fault("every event without words twice", "complete", "at once", "all"),
    "no-usage": Fault("400 for `stream_options`", "complete", "at once", "all", 2, "openai"),
    "strict": Fault("400 for it, without naming it", "complete", "at once", "all", 2, "openai"),
    "abstain": Fault("the model says that the documents do not answer", "abstained", "at once", "none"),
    "cancelled": Fault("the person stops it", "cancelled", "at once", "some"),
}


def test_every_fault_ends_in_its_state_in_time_and_the_key_stays_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_file: Path
) -> None:
    monkeypatch.setattr("citewise.answer.jobs.AT_ONCE", 40)
    with ExitStack() as stack:
        servers = {provider: stack.enter_context(FakeModels(delay_s=2.0, trickle_s=0.2)) for provider in PROVIDERS}
        addresses = stack.enter_context(bad_addresses())
        registry = Registry(tmp_path / "home")
        stack.callback(registry.close)
        runner = AnswerRunner(registry)
        stack.callback(runner.close)
        cases = [(provider, fault) for fault in FAULTS for provider in PROVIDERS if applies(fault, provider)]
        models = {case: model_of(*case, servers[case[0]], addresses) for case in cases}
        asked = {case: start(runner, registry, models[case], stops=case[1] == "cancelled") for case in cases}
        wrong = [line for case in cases for line in problems(*case, *wait(runner, asked[case]), servers[case[0]])]
    assert not wrong, "\n".join(wrong)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert b"broke off before the answer" in stored
    assert KEY.encode() not in stored
    log = log_file.read_text(encoding="utf-8")
    assert "HTTP" in log
    assert KEY not in log


def test_the_documentation_has_this_table() -> None:
    page = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    rows = {tuple(cell.strip() for cell in line.strip("|").split("|")) for line in page.splitlines() if "|" in line}
    lines = {(fault.says, fault.state, fault.limit, fault.text) for fault in FAULTS.values()}
    assert lines <= rows, sorted(lines - rows)


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    path = tmp_path / "log.txt"
    configure_logging(level="debug", secrets=[KEY], path=path)
    yield path
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    configured = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in {"openai", "anthropic"}]
    for name in configured:
        logging.getLogger(name).setLevel(logging.NOTSET)


def applies(fault: str, provider: str) -> bool:
    return FAULTS[fault].wire == "both" or provider != "anthropic"


@contextmanager
def bad_addresses() -> Iterator[dict[str, str]]:
    """Where nobody listens, and where somebody does who never accepts."""
    with socket.socket() as closed, socket.socket() as full, ExitStack() as stack:
        closed.bind(("127.0.0.1", 0))
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # its queue is full from here on
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(full.getsockname())
        ports = {"refused": closed, "no-accept": full}
        yield {name: f"http://127.0.0.1:{one.getsockname()[1]}" for name, one in ports.items()}


def model_of(provider: str, fault: str, server: FakeModels, addresses: dict[str, str]) -> ChatModel:
    address = addresses.get(fault, server.url)
    if fault == "tls":
        address = address.replace("http:", "https:")  # where no TLS is spoken
    name = {"cancelled": "slow"}.get(fault, fault)
    match provider:
        case "openai":
            return OpenAIModel(name, api_key=KEY, base_url=f"{address}/v1", **LIMITS)
        case "anthropic":
            return AnthropicModel(name, api_key=KEY, base_url=address, **LIMITS)
    return OpenAIModel(
        name,
        api_key=KEY,
        base_url=f"{address}/v1",
        account=Account("house", "house", "HOUSE_KEY", "CITEWISE_ANSWER__PROFILES"),
        parameters=Parameters(length="max_completion_tokens", temperature=0.1),
        **LIMITS,
    )


@dataclass
class Asked:
    """An answer that is being written."""

    turn_id: str
    seconds: float = 0.0
    answer: Answer | None = None


def start(runner: AnswerRunner, registry: Registry, model: ChatModel, *, stops: bool) -> Asked:
    with registry.write() as tx:
        conversation = conversations.create(tx, title="", collection="default")
        turn = turns.create(tx, conversation_id=conversation.id, question="How heavy?", model=model.name)
    asked = Asked(turn.id)

    def work(progress: Progress) -> Answer:
        started = time.monotonic()

        def text(text: str) -> None:
            progress.text(text)
            if stops and text:
                progress.cancel()

        asked.answer = generate(
            question="How heavy?",
            standalone_question="How heavy?",
            hits=HITS,
            model=model,
            page_of=no_page,
            cancelled=progress.cancelled,
            on_text=text,
        )
        asked.seconds = time.monotonic() - started
        return asked.answer

    runner.submit(turn, work)
    return asked


def wait(runner: AnswerRunner, asked: Asked) -> tuple[Asked, AnswerStatus]:
    status: AnswerStatus = "running"
    for turn in runner.watch(asked.turn_id, poll_s=0.05):
        status = turn.answer.status
    return asked, status


def problems(provider: str, name: str, asked: Asked, stored: AnswerStatus, server: FakeModels) -> Iterator[str]:
    """What is not as the table says, in sentences."""
    fault, answer = FAULTS[name], asked.answer
    case = f"{name} × {provider}"
    if answer is None:
        yield f"{case}: no answer came"
        return
    said = f"{answer.status} after {asked.seconds:.1f} s with {answer.text!r}: {answer.error or answer.reason}"
    if {answer.status, stored} != {fault.state}:
        yield f"{case}: {said}, stored as {stored}"
    limits = {
        "at once": LIMITS["first_token_s"],
        "first token": LIMITS["first_token_s"],
        "between tokens": LIMITS["first_token_s"] + LIMITS["between_tokens_s"],
        "total": LIMITS["total_s"],
    }
    if asked.seconds > limits[fault.limit] + SLACK_S:
        yield f"{case}: too late, {said}"
    kept = {"none": answer.text == "", "some": len(answer.text) > 0, "all": answer.text.startswith(WHOLE)}
    if not kept[fault.text]:
        yield f"{case}: the text kept is not {fault.text}, {said}"
    if (answer.error is None) == (fault.state in ("error", "cut")):
        yield f"{case}: a sentence is missing or too many, {said}"
    if KEY in repr(answer):
        yield f"{case}: the key stands in the answer"
    calls = server.asked.count(name)
    if calls > fault.calls and name not in {"cancelled", "slow"}:
        yield f"{case}: {calls} calls"
