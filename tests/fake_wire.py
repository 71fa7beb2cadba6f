"""What ``fake_models`` streams: the events of both vendors, faults of the stream included.

``None`` among the events stands for the moment at which the server falls silent or hangs up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

_SOURCE = re.compile(r"<<<source (\d+) (\w+)>>>\n.*?\n\n(.*?)\n<<<end of source \1 \2>>>", re.DOTALL)
_DOUBT = re.compile(r"<<<sentence (\d+) \w+>>>")
_SENTENCE = re.compile(r"\S.*?[.!?](?=\s|$)", re.DOTALL)
_LONG_WORD = re.compile(r"\w{4,}")
_URL = re.compile(r"(?:https?:)?//[^\s<>()\[\]'\"]+")
_ABSTENTION = "The documents do not answer this question."
_MIDWAY = frozenset({"cut", "hang-midway", "overloaded", "garbage", "reset-midway"})
_USAGE = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}
_CACHED = {**_USAGE, "prompt_tokens_details": {"cached_tokens": 100}}


def sources_of(body: dict[str, Any]) -> list[str]:
    """The texts of the sources in a call, by either format."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return [text for _, _, text in _SOURCE.findall(content)]
    return ["".join(part["text"] for part in block["content"]) for block in content if block["type"] == "search_result"]


def has_text(event: bytes) -> bool:
    """Whether an event brings words of the answer."""
    return b'"text_delta"' in event or b'"delta": {"content":' in event


def openai_events(body: dict[str, Any]) -> Iterator[bytes | None]:
    """Stream the answer to one call of Chat Completions."""
    model = body["model"]

    def event(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _data({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]})

    match model:
        case "garbage-first":
            yield b"data: <html>\n\n"
            return
        case "odd":
            yield from (b"data: 7\n\n", b"data: []\n\n", b'data: {"choices": [{"index": 0, "delta": null}]}\n\n')
            return
        case "pings":
            for _ in count():
                yield event({"role": "assistant", "content": ""})
    yield event({"role": "assistant", "content": ""})
    for piece in _pieces(_openai_text(body), model):
        if piece is None:
            yield _fault_of_openai(model)
            return
        yield event({"content": piece})
    yield event({}, {"length": "length", "refusal": "content_filter"}.get(model, "stop"))
    if "stream_options" in body:
        usage = _CACHED if model == "gpt-4o-mini" else _USAGE
        yield _data(
            {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [], "usage": usage}
        )
    yield b"data: [DONE]\n\n"


def _openai_text(body: dict[str, Any]) -> str:
    model = body["model"]
    prompt = body["messages"][-1]["content"]
    quotes = [(int(number), _first_sentence(text)) for number, _, text in _SOURCE.findall(prompt)[:2]]
    if model.startswith("judge-"):
        return _judged(prompt, model.removeprefix("judge-"))
    if model == "nearest":
        quotes = [_nearest_line(prompt)]
    text = " ".join(f"{sentence} [{number}]" for number, sentence in quotes)
    match model:
        case "unknown-marker":
            return text + " Nobody said this. [99]"
        case "abstain":
            return _ABSTENTION
        case "obedient":
            return obeyed(sources_of(body))
        case "empty":
            return ""
    return f"{text} " * 60 if model.startswith("cut-") else text


def _judged(prompt: str, verdict: str) -> str:
    """The same verdict on every sentence that it is asked about; no JSON where it is to be none."""
    if verdict == "prose":
        return "I think that all of this is fine."
    numbers = [int(number) for number in _DOUBT.findall(prompt)]
    entries = [{"number": number, "verdict": verdict, "why": "so says the fake"} for number in numbers]
    return f"```json\n{json.dumps({'verdicts': entries})}\n```"


def _fault_of_openai(model: str) -> bytes | None:
    match model:
        case "garbage":
            return b"data: <html>\n\n"
        case "overloaded":
            return _data({"error": {"message": "The server is overloaded.", "type": "server_error"}})
        case _:
            return None


def anthropic_events(body: dict[str, Any]) -> Iterator[bytes | None]:
    """Stream the answer to one call of Messages, with native citations."""
    model = body["model"]
    blocks = [block for block in body["messages"][-1]["content"] if block["type"] == "search_result"]
    usage = {"input_tokens": 120, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": model, "content": [], "usage": usage}
    match model:
        case "garbage-first":
            yield b"event: message_start\ndata: <html>\n\n"
            return
        case "odd":
            yield b"event: message_start\ndata: 7\n\n"
            yield b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0}\n\n'
            return
    yield _named("message_start", message={**message, "stop_reason": None, "stop_sequence": None})
    yield _named("ping")
    if model == "pings":
        for _ in count():
            yield _named("ping")
    if model == "cut-0":
        yield None
        return
    plain = {"abstain": _ABSTENTION, "empty": "", "obedient": obeyed(sources_of(body))}.get(model)
    quotes = [] if plain is not None else list(enumerate(blocks[:2]))
    for index, block in quotes:
        yield _named("content_block_start", index=index, content_block={"type": "text", "text": "", "citations": []})
        sentence = block["content"][0]["text"]
        citation = _citation(index, block, sentence)
        yield _named("content_block_delta", index=index, delta={"type": "citations_delta", "citation": citation})
        words = ("" if index == 0 else " ") + (f"{sentence} " * 60 if model.startswith("cut-") else sentence)
        for piece in _pieces(words, model):
            if piece is None:
                yield from _fault_of_anthropic(model)
                return
            yield _named("content_block_delta", index=index, delta={"type": "text_delta", "text": piece})
        yield _named("content_block_stop", index=index)
    if plain is not None:
        yield _named("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for piece in _pieces(plain, model):
            yield _named("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
        yield _named("content_block_stop", index=0)
    stop = {"length": "max_tokens", "refusal": "refusal"}.get(model, "end_turn")
    yield _named("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage={"output_tokens": 30})
    yield _named("message_stop")


def _citation(index: int, block: dict[str, Any], sentence: str) -> dict[str, Any]:
    return {
        "type": "search_result_location",
        "cited_text": sentence,
        "search_result_index": index,
        "start_block_index": 0,
        "end_block_index": 1,
        "source": block["source"],
        "title": block["title"],
    }


def _fault_of_anthropic(model: str) -> Iterator[bytes | None]:
    match model:
        case "garbage":
            yield b"event: content_block_delta\ndata: <html>\n\n"
        case "overloaded":
            yield _named("error", error={"type": "overloaded_error", "message": "Overloaded"})
        case "hang-midway":
            yield _named("ping")
            yield None
        case _:
            yield None


def obeyed(sources: list[str]) -> str:
    """What a model writes that does whatever its sources tell it: their own markup, and every address as a beacon."""
    # What opens a block of code comes last, since it hides all that follows.
    plain = [source for source in sources if "```" not in source]
    text = "\n\n".join(sources)
    beacons = [
        f"![a]({url}?q=secret) [b]({url}) <{url}> <img src={url}> [c][{number}]\n\n[{number}]: {url} 'd'"
        for number, url in enumerate(dict.fromkeys(_URL.findall(text)), start=900)
    ]
    return "\n\n".join([*plain, *beacons, *(source for source in sources if "```" in source)])


def _pieces(text: str, model: str) -> Iterator[str | None]:
    """Cut a text as models do, in the middle of words and markers; ``None`` where a fault strikes."""
    most = int(model.removeprefix("cut-")) if model.startswith("cut-") else 2 if model in _MIDWAY else None
    size = 71 if model == "obedient" else 6 if most is not None or model == "slow" else 12
    for number, at in enumerate(range(0, len(text), size)):
        if number == most:
            yield None
            return
        yield text[at : at + size]


def _first_sentence(text: str) -> str:
    match = _SENTENCE.search(text)
    return " ".join((match.group() if match else text[:200]).split())


def _nearest_line(prompt: str) -> tuple[int, str]:
    asked = set(_LONG_WORD.findall(prompt.rpartition("<<<end of source")[2].lower()))
    lines = [(int(number), line.strip()) for number, _, text in _SOURCE.findall(prompt) for line in text.splitlines()]
    return max(lines, key=lambda line: len(asked & set(_LONG_WORD.findall(line[1].lower()))))


def _data(payload: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(payload)}\n\n".encode()


def _named(kind: str, **payload: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **payload})}\n\n".encode()
