"""``citewise eval`` over the real engine, with an embedder of words."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import citewise.build
from citewise.cli.evaluation import interruptible
from citewise.evaluate import run as evaluation
from citewise.settings import Settings
from tests.fakes import HashEmbedder
from tests.unit.cli.conftest import Run, command_runner, logging_restored

DOCUMENTS = {
    "tides": "The spring tide reaches 4.2 metres at the old harbour wall.",
    "ferry": "The ferry leaves the north pier at noon on Sundays.",
    "light": "The lighthouse was built by hand in a single summer.",
}
QUERIES = {
    "q1": ("spring tide harbour", "tides"),
    "q2": ("when does the ferry leave", "ferry"),
    "q3": ("zebra", "gone"),
}


class Counting(HashEmbedder):
    """Counts the texts that it embeds."""

    texts: list[str] = []  # noqa: RUF012 - of all of them

    def embed_documents(self, texts: Any) -> Any:
        self.texts.extend(texts)
        return super().embed_documents(texts)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    real = citewise.build.open_engine
    Counting.texts = []

    def open_engine(settings: Settings, **options: Any) -> Any:
        return real(settings, **({"open_embedder": lambda _: Counting()} | options))

    monkeypatch.setattr(citewise.build, "open_engine", open_engine)
    monkeypatch.setattr(citewise.build, "embedder_opener", lambda _settings: lambda _model: Counting())
    monkeypatch.setenv("CITEWISE_HOME", str(tmp_path / "home"))
    with logging_restored():
        yield command_runner(capsys)


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "harbour"
    folder.mkdir()
    write(folder / "corpus.jsonl", [{"_id": name, "title": "", "text": text} for name, text in DOCUMENTS.items()])
    write(folder / "queries.jsonl", [{"_id": query, "text": text} for query, (text, _) in QUERIES.items()])
    lines = "".join(f"{query}\t{document}\t1\n" for query, (_, document) in QUERIES.items())
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}")
    return folder


def write(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def test_a_grid_is_run_compared_and_drawn_and_embeds_nothing_twice(run: Run, beir: Path, tmp_path: Path) -> None:
    html = tmp_path / "report.html"
    ran = run("eval", beir, "--variant", "mode=keyword,hybrid", "--variant", "size=64,128", "--html", html, "--json")
    assert (ran.code, ran.err) == (0, "")
    runs = ran.json["runs"]
    assert [one["name"] for one in runs] == [
        "size=64 mode=keyword",
        "size=128 mode=keyword",
        "size=64 mode=hybrid",
        "size=128 mode=hybrid",
    ]
    assert runs[0]["settings"] == {"size": "64", "mode": "keyword"}
    assert runs[0]["metrics"]["recall@10"] == pytest.approx(2 / 3, abs=1e-4)
    assert len({one["generation"] for one in runs}) == 2, "variants of one index share it"
    assert len(Counting.texts) == len(set(Counting.texts)) == len(DOCUMENTS)
    assert [one["second"] for one in ran.json["comparisons"]] == [one["name"] for one in runs[1:]]
    assert ran.json["comparisons"][0]["metrics"]["ndcg@10"]["difference"] == 0.0
    assert html.read_text().startswith("<!doctype html>")
    assert not list((tmp_path / "home").glob("registry*")), "the data directory is left alone"


def test_a_grid_is_a_table_for_people(run: Run, beir: Path) -> None:
    ran = run("eval", beir, "--variant", "mode=keyword,hybrid", "--questions", "2")
    assert "harbour: 2 questions" in ran.out
    assert "mode=keyword" in ran.out
    assert "ndcg@10" in ran.out
    assert "the same for every one of 2 questions" in ran.out


def test_a_variant_that_cannot_be_does_not_stop_the_others(run: Run, beir: Path) -> None:
    ran = run("eval", beir, "--variant", "reranker=none,nonsense", "--json")
    assert ran.code == 1
    good, bad = ran.json["runs"]
    assert good["metrics"]["recall@10"] > 0
    assert "nonsense" in bad["error"]
    ran.assert_one_sentence("reranker=nonsense failed: ")


@pytest.mark.parametrize(
    ("variant", "words"),
    [("size=1", "split.size cannot be '1'"), ("mode=loud", "mode cannot be 'loud'"), ("k=0", "k cannot be '0'")],
)
def test_a_value_that_cannot_be_used_is_said_before_anything_runs(
    run: Run, beir: Path, variant: str, words: str
) -> None:
    ran = run("eval", beir, "--variant", variant)
    assert ran.code == 1
    ran.assert_one_sentence(words)
    assert Counting.texts == []


def test_variants_of_the_index_are_made_of_the_librarys_own_documents(run: Run, notes: Path, tmp_path: Path) -> None:
    run("add", notes)
    question = {
        "id": "1",
        "question": "How high is the spring tide?",
        "answers": ["4.2 metres"],
        "document": "tides.txt",
    }
    write(tmp_path / "qa.jsonl", [question])
    ran = run("eval", tmp_path, "--variant", "size=64,200", "--search-only", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [one["metrics"]["recall@5"] for one in ran.json["runs"]] == [1.0, 1.0]
    assert "answer_contains" not in ran.json["runs"][0]["metrics"]
    again = run("eval", tmp_path, "--documents", notes, "--json").json
    assert (again["metrics"]["recall@5"], again["metrics"]["answer_contains"]) == (1.0, 1.0)


def test_figures_below_what_is_asked_for_end_with_1_and_a_sentence(run: Run, beir: Path) -> None:
    assert run("eval", beir, "--fail-under", "recall@10=0.6", "--json").code == 0
    ran = run("eval", beir, "--fail-under", "recall@10=0.9", "--fail-under", "mrr@10=0.1", "--json")
    assert ran.code == 1
    assert ran.json["metrics"]["recall@10"] < 0.9
    ran.assert_one_sentence("recall@10 is 0.6667, but at least 0.9 is asked for.")
    run("eval", beir, "--fail-under", "beauty=1").assert_one_sentence("There is no figure beauty; there are ndcg@10")
    assert run("eval", beir, "--fail-under", "recall").code == 2


def test_stored_runs_are_compared(run: Run, beir: Path, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(run("eval", beir, "--json").out)
    (tmp_path / "b.json").write_text(run("eval", beir, "--variant", "mode=keyword,dense", "--json").out)
    ran = run("eval", "--compare", tmp_path / "a.json", f"{tmp_path}/b.json#mode=keyword", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["first"], ran.json["second"], ran.json["questions"]) == ("a", "mode=keyword", 3)
    assert run("eval", "--compare", tmp_path / "a.json", tmp_path / "a.json").code == 0
    run("eval", "--compare", tmp_path / "a.json", tmp_path / "b.json").assert_one_sentence("Name one of them as")
    (tmp_path / "c.json").write_text("[]")
    run("eval", "--compare", tmp_path / "a.json", tmp_path / "c.json").assert_one_sentence("c.json is no run")
    assert run("eval", beir, "--compare", "a", "b").code == 2
    assert run("eval").code == 2


def test_an_interrupted_run_tells_what_was_done(run: Run, beir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search = evaluation._Asker.search

    def pressing(self: Any, question: Any, *, k: int) -> Any:
        if question.id == "q2":
            signal.raise_signal(signal.SIGINT)
        return search(self, question, k=k)

    monkeypatch.setattr(evaluation._Asker, "search", pressing)
    ran = run("eval", beir, "--json")
    assert ran.code == 130
    assert (ran.json["complete"], ran.json["questions"], len(ran.json["per_question"])) == (False, 3, 2)
    assert "interrupted after 2 questions" in ran.err
    grid = run("eval", beir, "--variant", "mode=keyword,hybrid", "--json")
    assert (grid.code, [one["name"] for one in grid.json["runs"]]) == (130, ["mode=keyword"])


def test_pressing_twice_leaves_at_once() -> None:
    with interruptible() as stopping:
        signal.raise_signal(signal.SIGINT)
        assert stopping()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
