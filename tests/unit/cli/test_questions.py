from __future__ import annotations

import json
from pathlib import Path

import pytest

from citewise.cli.questions import _tell_conflict
from tests.unit.api.fake_engine import FakeEngine
from tests.unit.cli.conftest import Run

QUESTION = "How high is the spring tide?"
SEARCH_KEYS = ["id", "question", "standalone_question", "hits", "timings_ms", "generation", "reranker", "degraded"]


@pytest.fixture(autouse=True)
def _library(run: Run, notes: Path) -> None:
    assert run("add", notes).code == 0


def test_a_search_prints_one_document_of_json(anywhere: Run) -> None:
    ran = anywhere("search", QUESTION, "--json", "-k", "1", "--mode", "keyword", "--rerank", "none")
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == [*SEARCH_KEYS, "note", "usage", "asked_before"]
    (hit,) = ran.json["hits"]
    assert (hit["rank"], hit["source"], hit["page_first"]) == (1, "tides.txt", 1)


def test_every_option_of_a_search_arrives(anywhere: Run, engine: FakeEngine) -> None:
    engine.queries.clear()
    ran = anywhere(
        "search",
        "ferry tide",
        "--where",
        "source=boats/ferry.md",
        "--mode",
        "dense",
        "--rerank",
        "none",
        "--explain",
        "--json",
    )
    (query,) = engine.queries
    assert (query.where, query.mode, query.collection) == ({"source": "boats/ferry.md"}, "dense", "default")
    assert query.rerank == "none"
    assert [hit["source"] for hit in ran.json["hits"]] == ["boats/ferry.md"]
    assert ran.json["trace"]["words"] == ["ferry", "tide"]


def test_many_questions_give_one_line_each_in_order(anywhere: Run, tmp_path: Path) -> None:
    lines = [
        {"_id": "q2", "text": "and the pier?", "history": [{"role": "user", "content": "ferry"}]},
        {"_id": 1, "text": QUESTION},
        {"_id": "empty", "text": " "},
        {"_id": "last", "text": "moon"},
    ]
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for command in ("search", "ask"):
        ran = anywhere(command, "--queries", tmp_path / "queries.jsonl")
        assert ran.code == 1
        assert [line["id"] for line in ran.lines] == ["q2", 1, "empty", "last"]
        assert ran.lines[0]["standalone_question"] == "and the pier? (ferry)"
        assert "There is no question" in ran.lines[2]["error"]
        ran.assert_one_sentence("1 of 4 questions ended in an error")


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"_id": "1"}', '{"text": "x"}', '{"_id": "1", "text": "x", "history": [{}]}']
)
def test_a_line_that_is_no_question_is_named(run: Run, tmp_path: Path, line: str) -> None:
    (tmp_path / "queries.jsonl").write_text(f"\n{line}\n")
    ran = run("search", "--queries", tmp_path / "queries.jsonl")
    assert ran.code == 1
    ran.assert_one_sentence("Line 2 of")


def test_an_answer_comes_with_its_evidence(anywhere: Run) -> None:
    ran = anywhere("ask", QUESTION, "--json", "--model", "extractive")
    assert (ran.code, ran.err) == (0, "")
    answer = ran.json
    assert list(answer)[:8] == SEARCH_KEYS
    assert (answer["status"], answer["model"], answer["cost_usd"]) == ("complete", "extractive", 0.0)
    assert answer["conversation_id"]
    assert answer["sentences"][0]["citations"] == [1]
    assert answer["citations"][0]["quote"] == "The spring tide reaches 4.2 metres at the old harbour."


def test_people_read_the_answer_and_then_its_sources(anywhere: Run) -> None:
    ran = anywhere("ask", QUESTION)
    text, sources = ran.out.split("Sources")
    assert text.strip() == "The spring tide reaches 4.2 metres at the old harbour. [1]"
    assert "[1] tides.txt, page 1" in sources
    assert "“The spring tide reaches 4.2 metres at the old harbour.”" in sources
    assert "tides.txt could not be read in full: 2 of 9 pages have no text that could be read" in ran.err


def test_what_the_documents_do_not_say_is_said_so(anywhere: Run) -> None:
    ran = anywhere("ask", "Who won the chess match?")
    assert (ran.code, ran.out.strip()) == (0, "The documents do not say.")


def test_an_answer_that_fails_prints_its_json_and_one_sentence(anywhere: Run, engine: FakeEngine) -> None:
    engine.model_failure = "The key for OpenAI was refused. Check OPENAI_API_KEY."
    ran = anywhere("ask", QUESTION, "--json")
    assert ran.code == 1
    assert (ran.json["status"], ran.json["error"]) == ("error", engine.model_failure)
    ran.assert_one_sentence("The key for OpenAI was refused")


def test_people_read_hits_with_their_place(anywhere: Run) -> None:
    ran = anywhere("search", QUESTION, "--explain")
    assert "1. tides.txt, page 1  keyword 2.000" in ran.out
    assert "Milliseconds: total 1.0." in ran.out
    assert anywhere("search", "zebra").out.strip() == "Nothing was found."


@pytest.mark.parametrize("command", ["search", "ask"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["  "], "There is no question"),
        (["x" * 100_000], "100,000 characters long"),
        ([QUESTION, "--collection", "none"], "There is no collection named 'none'"),
    ],
)
def test_a_question_that_cannot_be_asked_is_a_sentence(
    anywhere: Run, command: str, arguments: list[str], words: str
) -> None:
    ran = anywhere(command, *arguments, "--json")
    assert (ran.code, ran.out) == (1, "")
    ran.assert_one_sentence(words)


def test_an_unknown_model_or_field_is_a_sentence(anywhere: Run) -> None:
    model = anywhere("ask", QUESTION, "--model", "openai:none")
    assert model.code == 1
    model.assert_one_sentence("There is no model named 'openai:none'")
    field = anywhere("search", QUESTION, "--where", "colour=red")
    assert field.code == 1
    field.assert_one_sentence("There is no field 'colour'")


@pytest.mark.parametrize(
    "arguments",
    [
        ["search"],
        ["ask"],
        ["search", "x", "--queries", "queries.jsonl"],
        ["search", "x", "-k", "0"],
        ["search", "x", "--mode", "psychic"],
        ["search", "x", "--where", "source"],
        ["search", "x", "--where", "=x"],
        ["search", "--queries", "none.jsonl"],
        ["search", "x", "--colour"],
        ["find", "x"],
    ],
)
def test_wrong_use_ends_with_2_and_prints_nothing_to_stdout(run: Run, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text("")
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Error:" in ran.err


def test_an_evaluation_gives_the_same_report_from_anywhere(anywhere: Run, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    questions = [
        {
            "id": "1",
            "question": QUESTION,
            "answers": ["4.2 metres"],
            "document": "tides.txt",
            "page": 1,
            "kind": "fact",
        },
        {"id": "2", "question": "Who won the chess match?", "answerable": False},
    ]
    (folder / "qa.jsonl").write_text("".join(json.dumps(line) + "\n" for line in questions))
    ran = anywhere("eval", folder, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["dataset"], ran.json["questions"], ran.json["k"], ran.json["failures"]) == ("set", 2, 10, [])
    metrics = ran.json["metrics"]
    assert (metrics["recall@5"], metrics["citations_verbatim"], metrics["false_answers"]) == (1.0, 1.0, 0.0)
    assert ran.json["by_kind"]["fact"]["answerable"] == 1


def test_an_evaluation_indexes_a_sets_own_documents_from_anywhere(anywhere: Run, tmp_path: Path) -> None:
    folder = tmp_path / "beir"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "title": "", "text": "a zebra"}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "zebra"}\n{"_id": "q2", "text": "lion"}\n')
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td1\t1\n")
    ran = anywhere("eval", folder)
    assert "beir: 2 questions, asked of eval-" in ran.out
    assert "No relevant document was among the first 10." in ran.out


def test_a_folder_that_is_no_question_set_is_a_sentence(run: Run, tmp_path: Path) -> None:
    ran = run("eval", tmp_path)
    assert ran.code == 1
    ran.assert_one_sentence("is not a question set")


def test_a_chat_model_is_tested(anywhere: Run) -> None:
    tested = anywhere("models", "test", "--json")
    assert (tested.code, tested.json["name"], tested.json["ok"]) == (0, "extractive", True)
    tested = anywhere("models", "test", "openai:x")
    assert (tested.code, tested.out) == (1, "")
    assert "openai:x: It runs here." in tested.err


def test_sources_that_differ_are_told_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    side = {"marker": 1, "source": "handbook.pdf", "locator": "page 9", "headings": ["Radio"], "erased": False}
    one = {**side, "quote": "The channel\nis 8.", "dated": "2024", "dated_by": "in its name"}
    other = {**side, "marker": 0, "source": "card.txt", "quote": "10 channel", "dated": "", "dated_by": ""}
    _tell_conflict({"about": "channel", "sides": [one, other], "newer": 0})
    assert capsys.readouterr().out.splitlines() == [
        "",
        "Two sources differ: channel",
        "  [1] handbook.pdf, page 9, Radio, dated 2024 in its name, the newer one",
        "    “The channel is 8.”",
        "  card.txt, page 9, Radio",
        "    “10 channel”",
    ]
    _tell_conflict({"about": "", "sides": [{**one, "erased": True}, other], "newer": None})
    assert "a document that was erased since" in capsys.readouterr().out
