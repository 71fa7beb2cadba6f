"""Conversations out of one library and into another, over the real registry; then the command line and the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import citewise.build
from citewise.answer.export.exports import Exports
from citewise.api import create_app
from citewise.engine import Engine
from citewise.errors import NotFoundError, QuestionError
from citewise.registry.quoted_spans import SpanState
from citewise.settings import Settings
from citewise.types import Turn
from tests.fakes import HashEmbedder
from tests.unit.cli.conftest import Run, command_runner, logging_restored
from tests.unit.engine.test_engine import FERRY, add, answered, opened

ASKED = "When does the ferry to Brannoch leave Oban?"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Engine]:
    """Another library, with nothing in it."""
    engine = opened(tmp_path / "elsewhere")
    yield engine
    engine.close()


def seen(turn: Turn) -> tuple[object, ...]:
    """What a page draws of a turn, without ids."""
    answer = turn.answer
    footnotes = [(one.marker, one.source, one.quote, one.locator, one.boxes) for one in answer.citations]
    return turn.question, turn.standalone_question, answer.text, answer.status, answer.evidence, footnotes, answer.model


def states(exports: Exports, content: bytes) -> set[SpanState]:
    return {note.state for note in exports.resolve(content).notes}


def test_a_conversation_comes_back_as_it_was(engine: Engine) -> None:
    first = answered(engine, ASKED)
    answered(engine, "When was the lighthouse on Brannoch built?", conversation_id=first.conversation_id)
    _, before = engine.conversation(first.conversation_id)
    content = engine.exports.write(first.conversation_id, "json").content

    again = engine.exports.read(content)
    assert again.conversation.id != first.conversation_id  # it is taken
    _, after = engine.conversation(again.conversation.id)
    assert [seen(turn) for turn in after] == [seen(turn) for turn in before]
    assert [turn.id for turn in after] != [turn.id for turn in before]
    assert again.footnotes.at_place == len(again.footnotes.notes) == sum(len(one.answer.citations) for one in before)
    for kind in ("md", "html"):
        one, other = (
            engine.exports.write(each, kind).content.decode() for each in (first.conversation_id, again.conversation.id)
        )
        assert one == other
    assert engine.replay(after[0].id).same


def test_it_keeps_its_ids_where_they_are_free_and_finds_its_documents_by_their_bytes(
    engine: Engine, elsewhere: Engine
) -> None:
    turn = answered(engine, ASKED)
    content = engine.exports.write(turn.conversation_id, "json").content
    assert states(elsewhere.exports, content) == {"missing"}
    other = add(elsewhere, "another name.txt", FERRY)
    came = elsewhere.exports.read(content, collection="letters")
    assert (came.conversation.id, came.conversation.collection, came.turns) == (turn.conversation_id, "letters", 1)
    imported = elsewhere.turn(turn.id)
    assert seen(imported) == seen(turn)
    assert other.document_id in {one.document_id for one in imported.answer.citations}
    tied = next(one for one in imported.answer.citations if one.document_id == other.document_id)
    assert elsewhere.show(tied.document_id).text[tied.start : tied.end] == tied.quote
    with pytest.raises(NotFoundError):
        elsewhere.document(turn.answer.citations[0].document_id)


def test_what_became_of_a_document_is_said_in_every_format(engine: Engine) -> None:
    turn = answered(engine, ASKED)
    (ferry,) = [one.id for one in engine.documents() if one.source == "ferry.txt"]
    files = {kind: engine.exports.write(turn.conversation_id, kind).content for kind in ("md", "html", "docx", "json")}
    for content in files.values():
        assert states(engine.exports, content) == {"found"}
    add(engine, "ferry.txt", FERRY.replace("07:30", "09:45"))
    for content in files.values():
        assert "changed" in states(engine.exports, content)
    assert "The document was replaced since" in engine.exports.write(turn.conversation_id, "md").content.decode()
    engine.remove([ferry])
    for content in files.values():
        assert "removed" in states(engine.exports, content)
    engine.remove([ferry], purge=True)
    for content in files.values():
        assert "missing" in states(engine.exports, content)
    # The quote was erased with its document; the file keeps what it says.
    assert "erased with its document" in engine.exports.write(turn.conversation_id, "md").content.decode()
    assert "07:30" in files["md"].decode()


def test_words_that_the_document_does_not_say_support_nothing(engine: Engine) -> None:
    turn = answered(engine, ASKED)
    carried = json.loads(engine.exports.write(turn.conversation_id, "json").content)
    for citation in carried["turns"][0]["answer"]["citations"]:
        citation["quote"] = "The ferry leaves at 12:00."
    forged = json.dumps(carried).encode()
    assert states(engine.exports, forged) == {"different"}
    came = engine.exports.read(forged)
    (imported,) = engine.conversation(came.conversation.id)[1]
    cited = [one for one in imported.answer.evidence if one.citations]
    assert {one.verdict for one in cited} == {"unsupported"}
    page = engine.exports.write(turn.conversation_id, "html").content
    assert "different" in states(engine.exports, page.replace(b"07:30", b"12:00"))


def test_branches_are_carried_and_the_shown_one_is_written(engine: Engine) -> None:
    turn = answered(engine, ASKED)
    other = engine.ask("Where does the ferry go?", conversation_id=turn.conversation_id, instead_of=turn.id)
    *_, other = engine.watch(other.id)
    text = engine.exports.write(turn.conversation_id, "md").content.decode()
    assert "Where does the ferry go" in text
    assert ASKED not in text.partition("\n## ")[2]
    came = engine.exports.read(engine.exports.write(turn.conversation_id, "json").content)
    assert came.turns == 2
    (shown,) = engine.conversation(came.conversation.id)[1]
    assert seen(shown) == seen(other)
    assert len(shown.versions) == 2


def test_nothing_of_a_bad_file_is_stored(engine: Engine) -> None:
    turn = answered(engine, ASKED)
    carried = json.loads(engine.exports.write(turn.conversation_id, "json").content)
    carried["conversation"]["collection"] = " "
    with pytest.raises(QuestionError, match="cannot be named"):
        engine.exports.read(json.dumps(carried).encode())
    assert len(engine.conversations()) == 1


# --- front ends -----------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsysbinary: Any) -> Iterator[Run]:
    open_real_engine = citewise.build.open_engine

    def open_engine(settings: Settings, *, patient: bool) -> Engine:
        return open_real_engine(settings, patient=patient, open_embedder=lambda _: HashEmbedder())

    monkeypatch.setattr(citewise.build, "open_engine", open_engine)
    monkeypatch.setenv("CITEWISE_HOME", str(tmp_path / "data"))
    with logging_restored():
        yield command_runner(capsysbinary)


def test_the_command_line_and_the_api_do_the_same(engine: Engine, run: Run, tmp_path: Path) -> None:
    turn = answered(engine, ASKED)
    with TestClient(create_app(lambda: engine), base_url="http://localhost") as client:
        response = client.get(f"/conversations/{turn.conversation_id}/export?format=html")
        assert response.headers["content-disposition"].startswith("attachment;")
        assert response.headers["x-content-type-options"] == "nosniff"
        resolved = client.post("/conversations/resolve", content=response.content).json()
        assert (resolved["at_place"], resolved["total"]) == (len(turn.answer.citations),) * 2
        carried = client.get(f"/conversations/{turn.conversation_id}/export?format=json").content
        imported = client.post("/conversations/import", content=carried)
        assert (imported.status_code, imported.json()["turns"]) == (201, 1)
        assert client.post("/conversations/import", content=b"{").json()["error"].startswith("The file is not valid")
        assert client.post("/conversations/import").status_code == 422
        assert client.get("/conversations/none/export").status_code == 404
        assert client.get(f"/conversations/{turn.conversation_id}/export?format=pdf").status_code == 422
    engine.close()

    listed = json.loads(run("conversations", "list", "--json").out)["conversations"]
    assert turn.conversation_id in {one["conversation_id"] for one in listed}
    shown = run("export", turn.conversation_id, "--format", "md", "--check")
    assert shown.out.startswith(b"# When does the ferry")
    assert b"stand at their place" in shown.err or b"stands at its place" in shown.err
    for kind in ("md", "html", "docx", "json"):
        file = tmp_path / f"out.{kind}"
        assert run("conversations", "export", turn.conversation_id, "-f", kind, "-o", file).code == 0
        assert run("conversations", "resolve", file).code == 0
    assert b"Imported" in run("conversations", "import", tmp_path / "out.json").out
    refused = run("conversations", "import", tmp_path / "out.md")
    assert (refused.code, refused.err.count(b"\n")) == (1, 1)
