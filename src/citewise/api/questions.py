"""Routes for questions: search, ask, follow an answer, conversations."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.concurrency import run_in_threadpool

from citewise.api import wire
from citewise.api.dependencies import EngineOfApp
from citewise.api.follow import told
from citewise.retrieve.rerankers import NAMES as RERANKERS
from citewise.types import Message, Query, Role, SearchMode, Turn, Variants, Where

router = APIRouter()


class Said(BaseModel):
    """One earlier turn."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    content: str


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid")

    question: str = Field(
        description='`"exact phrase"` must stand in every hit (before a question mark, in the first), `-word` in none.'
    )
    collection: str = "default"
    k: int | None = Field(None, ge=1, le=1000, description="Chunks to find; unset: as many as the settings say.")
    where: dict[str, str | list[str]] = Field(
        {},
        description="Narrow by `document`, `source`, `tag`, `type`, `added` (`>=2026-03-31`, `<=2026-03-31`: the "
        "day on which it was added) or a key of the metadata; all keys must hold, and of several values one (of "
        "`added` all).",
    )
    history: list[Said] = Field([], description="Earlier turns, oldest first.")
    rewrite: bool = Field(True, description="Make a follow-up stand alone before it is searched for.")
    variants: Variants | None = Field(
        None, description="What a chat model adds to the search; unset: as the settings say."
    )
    explain: bool = Field(False, description="Add `trace`: what was tried and how it was weighed.")

    def filters(self) -> Where:
        return {key: value if isinstance(value, str) else tuple(value) for key, value in self.where.items()}

    def messages(self) -> tuple[Message, ...]:
        return tuple(Message(role=said.role, content=said.content) for said in self.history)


class SearchBody(_Question):
    """A search."""

    mode: SearchMode = "hybrid"
    rerank: bool | str | None = Field(
        None,
        description=f"Who orders the chunks found once more: {RERANKERS}; unset or true: as the settings say.",
    )

    @field_validator("rerank")
    @classmethod
    def _no_folder(cls, rerank: bool | str | None) -> bool | str | None:
        """What a caller sends must not choose which files of this machine are loaded as a model."""
        name = rerank.partition(":")[2] if isinstance(rerank, str) else ""
        if name.startswith(("/", "\\", ".", "~")) or ":" in name or ".." in name:
            raise ValueError("Only CITEWISE_SEARCH__RERANKER may name a folder; name a model of the hub")
        return rerank


class AskBody(_Question):
    """A question to be answered."""

    model: str | None = Field(None, description="PROVIDER:NAME; unset: the default of `GET /models`.")
    conversation_id: str | None = Field(None, description="Go on with this conversation; unset: begin one.")
    after: str | None = Field(
        None, description="Go on at the end of the branch that this turn is in; unset: of the one that is shown."
    )
    instead_of: str | None = Field(
        None, description="Ask this in the place of that turn, which is kept as another version of it."
    )


class Checked(BaseModel):
    """Which chat model is tested."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(None, description="PROVIDER:NAME; unset: the default.")


class VerifyBody(BaseModel):
    """A sentence and what it cites."""

    model_config = ConfigDict(extra="forbid")

    sentence: str = Field(max_length=10_000)
    quotes: list[str] = Field(max_length=100, description="The cited words, verbatim; none: nothing is cited.")


class Renaming(BaseModel):
    """A new title."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=200)


@router.post("/search", tags=["questions"])
def search(engine: EngineOfApp, body: SearchBody) -> dict[str, Any]:
    """Find the chunks that fit a question, best first; `locator` says where each stands in its original."""
    count: dict[str, Any] = {} if body.k is None else {"k": body.k}
    query = Query(
        text=body.question,
        collection=body.collection,
        where=body.filters(),
        history=body.messages(),
        rewrite=body.rewrite,
        variants=body.variants,
        mode=body.mode,
        rerank=True if body.rerank is None else body.rerank,
        **count,
    )
    return wire.search_json(engine.search(query), explain=body.explain)


# Not a plain function like the others: waiting for an answer would hold one of the
# threads that all requests share, and a few slow answers would stop everything else.
@router.post("/ask", tags=["questions"], response_model=None)
async def ask(request: Request, engine: EngineOfApp, body: AskBody) -> Response:
    """Answer a question from the documents.

    `locator` says where each citation stands in its original. `incomplete_documents` are those that the
    answer draws on and that could not be read in full, with what is `missing`.
    `conflicts` are pairs of sources that give different values for the same thing, one of them cited; nothing is
    said of which is right, and `newer` (0 or 1) only where both documents are dated.

    With `Accept: application/json` the answer comes when it is finished; its status is 502
    when the model failed. With `Accept: text/event-stream` it comes as it is written:
    `turn` (ids and the step that is going on), `text` (`{"delta": …}`, or `{"text": …}` when all that
    came before is replaced), and at the end `done` with the same document as the JSON
    answer, or `error`. Going away does not stop the answer: `GET /turns/{turn_id}` has it,
    and `POST /turns/{turn_id}/stop` stops it.
    """
    turn = await run_in_threadpool(_start, engine, body)
    return await told(request, engine, turn, explain=body.explain)


def _start(engine: EngineOfApp, body: AskBody) -> Turn:
    return engine.ask(
        body.question,
        conversation_id=body.conversation_id,
        after=body.after,
        instead_of=body.instead_of,
        collection=body.collection,
        model=body.model,
        k=body.k,
        where=body.filters(),
        history=body.messages() or None,
        rewrite=body.rewrite,
        variants=body.variants,
    )


@router.post("/verify", tags=["questions"])
def verify(engine: EngineOfApp, body: VerifyBody) -> dict[str, Any]:
    """Check a sentence against the words quoted for it, as every sentence of an answer is checked.

    `verdict` is `supported`, `partial`, `unsupported` or `not_checked`; `reason` names the rule that decided.
    """
    return wire.verdict_json(*engine.verify(body.sentence, body.quotes))


@router.get("/turns/{turn_id}", tags=["questions"])
def get_turn(engine: EngineOfApp, turn_id: str) -> dict[str, Any]:
    """An answer as it is now, its text so far included."""
    return wire.ask_json(engine.turn(turn_id))


@router.post("/turns/{turn_id}/replay", tags=["questions"])
def replay_turn(engine: EngineOfApp, turn_id: str, *, explain: bool = False) -> dict[str, Any]:
    """Search again for what an answer was written from.

    `replay` says whether the hits are the `same`, and in sentences what has `changed` since: documents,
    the index, settings.
    """
    return wire.replay_json(engine.replay(turn_id), explain=explain)


@router.post("/turns/{turn_id}/stop", tags=["questions"], status_code=202)
def stop_turn(engine: EngineOfApp, turn_id: str) -> dict[str, Any]:
    """End a running answer; its text so far is kept."""
    engine.stop(turn_id)
    return wire.ask_json(engine.turn(turn_id))


@router.get("/models", tags=["questions"])
def list_models(engine: EngineOfApp) -> dict[str, Any]:
    """The chat models that can be chosen, the default first."""
    return {"models": [wire.model_json(model) for model in engine.models()]}


@router.post("/models/test", tags=["questions"])
def check_model(engine: EngineOfApp, body: Checked) -> dict[str, Any]:
    """Ask a chat model for one word, to see whether it can be reached and answers."""
    return wire.model_check_json(engine.check_model(body.model))


@router.get("/conversations", tags=["conversations"])
def list_conversations(engine: EngineOfApp) -> dict[str, Any]:
    """All conversations, newest first."""
    return {"conversations": [wire.conversation_json(conversation) for conversation in engine.conversations()]}


@router.get("/conversations/{conversation_id}", tags=["conversations"])
def get_conversation(engine: EngineOfApp, conversation_id: str, branch: str | None = None) -> dict[str, Any]:
    """A conversation with the turns that are shown, oldest first; or with those of the `branch` that a turn is in."""
    conversation, turns = engine.conversation(conversation_id, branch=branch)
    return {**wire.conversation_json(conversation), "turns": [wire.ask_json(turn) for turn in turns]}


@router.patch("/conversations/{conversation_id}", tags=["conversations"])
def rename_conversation(engine: EngineOfApp, conversation_id: str, body: Renaming) -> dict[str, Any]:
    """Give a conversation another title."""
    engine.rename_conversation(conversation_id, body.title)
    return wire.conversation_json(engine.conversation(conversation_id)[0])


@router.delete("/conversations/{conversation_id}", tags=["conversations"])
def delete_conversation(engine: EngineOfApp, conversation_id: str) -> dict[str, Any]:
    """Hide a conversation; `restore` brings it back."""
    engine.delete_conversation(conversation_id)
    return {"conversation_id": conversation_id, "deleted": True}


@router.post("/conversations/{conversation_id}/restore", tags=["conversations"])
def restore_conversation(engine: EngineOfApp, conversation_id: str) -> dict[str, Any]:
    """Undo a deletion."""
    engine.restore_conversation(conversation_id)
    return wire.conversation_json(engine.conversation(conversation_id)[0])
