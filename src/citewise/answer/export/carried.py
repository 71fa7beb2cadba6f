"""A conversation as JSON that can be brought back, and the reading of such a file.

The file has the fields of ``citewise.types`` under their names. Fields that a reader does not know
are left out by it, and fields that a file lacks take their defaults; what would change the meaning of a
field raises ``SCHEMA``. A file is not trusted: everything is checked before anything is stored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Never

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from citewise import __version__
from citewise.errors import QuestionError
from citewise.registry import records
from citewise.registry.sql import is_storable
from citewise.types import Conversation, SearchMode, Turn, Variants

FORMAT = "citewise-conversation"
SCHEMA = 1
LARGEST_FILE = 50_000_000  # bytes
MOST_TURNS = 2_000
_LONGEST_QUESTION = 10_000  # characters
_LONGEST_TITLE = 200
_MOST_TOKENS = 2**31 - 1  # what every database takes for an integer
_LATEST = 4_102_444_800.0  # seconds since the epoch: the year 2100. No other number is as large
_NOT_CARRIED = ("step", "asked_before", "conversation_id", "versions")
"""Fields of a turn that follow from others, or tell of another conversation."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A conversation with all its branches."""

    conversation: Conversation
    turns: tuple[Turn, ...]  # in the order of asking: a turn stands behind its parent
    shown: frozenset[str]  # ids of turns that are shown among their versions


def write_carried(carried: Carried, *, exported_at: float) -> bytes:
    """Write a conversation as JSON; ``read_carried`` reads it."""
    document = {
        "format": FORMAT,
        "schema": SCHEMA,
        "citewise": __version__,
        "exported_at": exported_at,
        "conversation": records.dump(carried.conversation),
        "turns": [_turn_json(turn, shown=turn.id in carried.shown) for turn in carried.turns],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def read_carried(content: bytes) -> Carried:
    """Read what ``write_carried`` wrote.

    Answers that were being written then are ``cut``.

    Raises:
        QuestionError: It is no such file, or not one of this version, or something in it cannot be.
    """
    document = _parsed(content)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise QuestionError(
            "This is not a conversation that Citewise exported as JSON. Export one with `--format json`; the other "
            "formats are for reading only."
        )
    if document.get("schema") != SCHEMA:
        raise QuestionError(
            f"This conversation was exported in the form {document.get('schema')!r}; this version of Citewise reads "
            f"form {SCHEMA}. Upgrade Citewise."
        )
    listed = document.get("turns")
    if not isinstance(listed, list) or len(listed) > MOST_TURNS or not all(isinstance(one, dict) for one in listed):
        _refuse(f"`turns` is not a list of at most {MOST_TURNS:,} questions")
    try:
        conversation = _conversations().validate_python(document.get("conversation"))
        turns = [
            _turns().validate_python({**one, "conversation_id": conversation.id, "step": "", "versions": ()})
            for one in listed
        ]
        for turn in turns:
            _Trace.model_validate(turn.answer.trace)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        _refuse(f"`{'.'.join(map(str, first['loc']))}`: {first['msg'][:1].lower()}{first['msg'][1:]}")
    for sentence in _objections(conversation, turns):
        _refuse(sentence)
    shown = frozenset(turn.id for turn, one in zip(turns, listed, strict=True) if one.get("shown", True) is True)
    return Carried(conversation, tuple(map(_ended, turns)), shown)


def _turn_json(turn: Turn, *, shown: bool) -> dict[str, Any]:
    fields = records.dump(turn)
    return {**{name: value for name, value in fields.items() if name not in _NOT_CARRIED}, "shown": shown}


def _ended(turn: Turn) -> Turn:
    turn = replace(turn, asked_before=None)
    return replace(turn, answer=replace(turn.answer, status="cut")) if turn.answer.status == "running" else turn


# --- checks ---------------------------------------------------------------------------


def check_size(size: int) -> None:
    """Raise ``QuestionError`` for a file that is too large to be an exported conversation; ``size`` in bytes."""
    if size > LARGEST_FILE:
        raise QuestionError(
            f"The file has {size / 1e6:,.0f} MB; an exported conversation may have {LARGEST_FILE / 1e6:,.0f} MB."
        )


def _parsed(content: bytes) -> Any:
    check_size(len(content))
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise QuestionError("The file is not valid JSON. Choose one that was exported with `--format json`.") from None


def _no_number(name: str) -> Never:
    raise ValueError(f"{name} is no number of JSON")


def _refuse(what: str) -> Never:
    raise QuestionError(f"The conversation cannot be imported: {what}. Nothing was stored.")


def _objections(conversation: Conversation, turns: Sequence[Turn]) -> Iterator[str]:
    """What cannot be, as sentences' worths; none for a file that may be stored."""
    if len(conversation.title) > _LONGEST_TITLE:
        yield f"the title has more than {_LONGEST_TITLE} characters"
    known: set[str] = set()
    for number, turn in enumerate(turns, start=1):
        if turn.id in known:
            yield f"two turns have the id {turn.id[:40]!r}"
        if turn.parent_id is not None and turn.parent_id not in known:
            yield f"turn {number} follows one that does not stand before it"
        known.add(turn.id)
        yield from (f"of turn {number}, {sentence}" for sentence in _objections_to(turn))
    yield from _bad_values(records.dump(conversation))
    for turn in turns:
        yield from _bad_values(records.dump(turn))


def _objections_to(turn: Turn) -> Iterator[str]:
    answer, citations, evidence = turn.answer, turn.answer.citations, turn.answer.evidence
    markers = [citation.marker for citation in citations]
    quoted = (*citations, *(side.citation for one in answer.conflicts for side in one.sides))
    if not 0 < len(turn.question.strip()) <= _LONGEST_QUESTION:
        yield f"its question has no or more than {_LONGEST_QUESTION:,} characters"
    if len(set(markers)) < len(markers) or any(not 0 < marker < 1000 for marker in markers):
        yield "its citations are not numbered from 1 to 999, each once"
    if any(not 0 <= one.start <= one.end <= len(answer.text) for one in evidence):
        yield "a sentence stands outside of its answer"
    if not {marker for one in evidence for marker in one.citations} <= set(markers):
        yield "a sentence rests on a citation that is not there"
    if any(not 0 <= one.start <= one.end for one in quoted):
        yield "a citation ends before it begins"
    if any(one.page is not None and one.page < 1 for one in quoted):
        yield "a page has a number below 1"
    if not all(0 <= tokens <= _MOST_TOKENS for tokens in (answer.usage.input_tokens, answer.usage.output_tokens)):
        yield "its tokens are out of bounds"


def _bad_values(value: Any) -> Iterator[str]:
    """What no registry can hold: it would fail while storing, or later on a page."""
    match value:
        case str():
            if not is_storable(value):
                yield "it holds characters that are no text"
        case bool() | None:
            pass
        case int() | float():
            if not math.isfinite(value) or abs(value) > _LATEST:
                yield f"the number {value} in it is out of bounds"
        case Mapping():
            for key, item in value.items():
                yield from _bad_values(key)
                yield from _bad_values(item)
        case list() | tuple():
            for item in value:
                yield from _bad_values(item)


class _Part(BaseModel):
    """A part of a trace, of which the front ends and a replay read the fields that are named here."""

    model_config = ConfigDict(extra="allow")


class _Gaps(_Part):
    document_id: str
    version: int
    noun: str
    pages: int
    without_text: int
    garbled: int
    unread: int


class _Plan(_Part):
    standalone: str = ""
    collection: str = ""
    k: int = Field(1, ge=1, le=1000)
    where: dict[str, str | list[str]] = {}
    mode: SearchMode = "hybrid"
    rerank: bool | str = True
    variants: Variants = "none"
    texts: list[str] = []
    as_documents: bool = False
    per_document: int = Field(0, ge=0, le=1000)


class _Kept(_Part):
    turn_id: str
    similarity: float


class _Search(_Part):
    timings_ms: dict[str, float] = {}
    query: _Plan = _Plan()
    hits: list[tuple[str, int, int]] = []
    operators: dict[str, list[str]] | None = None
    asked_before: _Kept | None = None


class _Trace(_Part):
    search: _Search = _Search()
    incomplete: list[_Gaps] = []
    degraded: list[str] = []
    remarks: list[str] = []
    cost_note: str = ""
    generation: str = ""
    reranker: str | None = None


@cache
def _conversations() -> TypeAdapter[Conversation]:
    return TypeAdapter(Conversation)


@cache
def _turns() -> TypeAdapter[Turn]:
    return TypeAdapter(Turn)
