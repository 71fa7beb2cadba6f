from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from citewise.ui.text import escaped
from citewise.upkeep import Erasable
from tests.fake_index import COMPARISON, NEW, OLD, generation
from tests.unit.ui.conftest import words
from tests.unit.ui.fake_engine import HANDBOOK, FakeEngine

OpenIndex = Callable[[], AppTest]
_INDEX = "from citewise.ui import index\nindex.page()\n"


@pytest.fixture
def open_index() -> OpenIndex:
    return lambda: AppTest.from_string(_INDEX, default_timeout=60).run()


def waiting(engine: FakeEngine) -> FakeEngine:
    """An engine whose index has a generation that waits, and one to go back to."""
    former = generation("c3" * 16, "retired", created_at=500.0)
    engine.change_index(
        generations=(
            generation(NEW, "ready", created_at=2000.0, comparison=COMPARISON),
            *engine.index.generations,
            former,
        )
    )
    return engine


def finish(engine: FakeEngine) -> None:
    while job := engine.running_index_job():
        engine.index_job_now(job.id)


def keys(app: AppTest) -> set[str]:
    return {str(button.key) for button in app.button}


def test_a_library_without_documents_is_told_what_the_index_is_for(engine: FakeEngine, open_index: OpenIndex) -> None:
    engine.change_index(chunks=0, documents=0)
    app = open_index()
    assert not app.exception
    assert "Nothing to look after yet" in words(app)
    assert not app.button


def test_removed_documents_can_be_erased_also_when_there_are_no_others(
    engine: FakeEngine, open_index: OpenIndex
) -> None:
    engine.change_index(chunks=0, documents=0)
    engine.to_erase = Erasable(2, 0, 0)
    app = open_index()
    assert "2 removed documents can still be brought back." in words(app)
    app.button(key="erase_the_rest").click().run()
    app.button(key="compact_start").click().run()
    assert [job.kind for job in engine.index.jobs] == ["compact"]


def test_what_serves_is_seen_at_a_glance(with_document: FakeEngine, open_index: OpenIndex) -> None:
    app = open_index()
    assert not app.exception
    shown = words(app)
    assert "The index is whole" in shown
    for fact in (
        "fake:hash-64",
        "recursive, 200 tokens a chunk, 24 shared by neighbours",
        "48 chunks of 1 document",
        "1.2 MB",
    ):
        assert f"<dd>{fact}</dd>" in shown
    assert f"<code>{OLD[:8]}</code>" in shown
    assert 'href="/api/backup"' in shown
    assert {"verify", "rebuild", "reembed", "compact"} <= keys(app)
    assert not {"rollback", "switch", "update"} & keys(app)


@pytest.mark.parametrize(
    ("state", "headline"), [("checking", "The index is being checked"), ("degraded", "Answers come by exact search")]
)
def test_an_index_that_is_not_whole_says_why_and_what_answers_meanwhile(
    with_document: FakeEngine, open_index: OpenIndex, state: Any, headline: str
) -> None:
    with_document.change_index(state=state, detail="A file of <it> is gone.")
    app = open_index()
    shown = words(app)
    assert headline in shown
    assert "A file of &lt;it&gt; is gone." in shown
    assert "answers come by exact search over the stored text" in shown
    assert "verify" not in keys(app)


def test_chunks_that_were_cut_otherwise_are_told(with_document: FakeEngine, open_index: OpenIndex) -> None:
    with_document.change_index(cuts={"recursive/1:60:0:fake": 40, "something else": 8})
    assert "<dd>recursive, 60 tokens a chunk, none shared by neighbours; 8 chunks otherwise</dd>" in words(open_index())
    with_document.change_index(cuts={"something else": 48})
    assert "<dd>something else</dd>" in words(open_index())


def test_few_stale_chunks_can_be_updated_in_place(with_document: FakeEngine, open_index: OpenIndex) -> None:
    with_document.change_index(stale_chunks=5, stale_share=5 / 48)
    app = open_index()
    assert "5 of 48 chunks were made with another model or cut than the settings name (recursive, 200 tokens" in words(
        app
    )
    app.button(key="call_update").click().run()
    assert [job.kind for job in with_document.index.jobs] == ["update"]


def test_many_stale_chunks_call_for_embedding_anew(with_document: FakeEngine, open_index: OpenIndex) -> None:
    with_document.change_index(
        stale_chunks=48,
        stale_share=1.0,
        needs_full_rebuild=True,
        model="fake:hash-128",
        splitter="semantic/1:120:0:fake",
    )
    app = open_index()
    shown = words(app)
    assert "48 of 48 chunks were made with another model or cut than the settings name (fake:hash-128)." in shown
    assert "They are so many that everything should be embedded anew." in shown
    assert "call_update" not in keys(app)
    app.button(key="call_reembed").click().run()
    assert app.text_input(key="reembed_model").value == "fake:hash-128"
    assert "as the settings say: semantic, 120 tokens a chunk, none shared by neighbours." in words(app)
    app.button(key="reembed_start").click().run()
    (job,) = with_document.index.jobs
    assert (job.kind, job.options) == ("reembed", {})


def test_stale_chunks_are_not_called_for_when_what_replaces_them_waits(
    with_document: FakeEngine, open_index: OpenIndex
) -> None:
    waiting(with_document).change_index(stale_chunks=48, stale_share=1.0, needs_full_rebuild=True)
    other = [replace(one, splitter="recursive/1:60:8:fake") for one in with_document.index.generations[:1]]
    with_document.change_index(generations=(*other, *with_document.index.generations[1:]))
    app = open_index()
    assert "A generation made otherwise waits below" in words(app)
    assert not {"call_update", "call_reembed"} & keys(app)


def test_another_model_is_named_and_switched_to_at_once_if_wanted(
    with_document: FakeEngine, open_index: OpenIndex
) -> None:
    app = open_index()
    app.button(key="reembed").click().run()
    app.text_input(key="reembed_model").set_value(" local:other ").run()
    app.checkbox(key="reembed_switch").check().run()
    app.button(key="reembed_start").click().run()
    assert not app.exception
    (job,) = with_document.index.jobs
    assert job.options == {"model": "local:other", "switch": True}


def test_work_is_shown_with_progress_and_time_left_and_told_when_it_is_over(
    with_document: FakeEngine, open_index: OpenIndex
) -> None:
    app = open_index()
    app.button(key="rebuild").click().run()
    (job,) = with_document.index.jobs
    with_document.index_job_now(job.id)
    app.run()
    shown = words(app)
    assert "Rebuilding the index" in shown
    assert "Step 3 of 4: verifying, 1 of 48 chunks · 2 % · 8 min left" in shown
    assert app.button(key="rebuild").disabled
    assert "What was done" not in shown
    finish(with_document)
    app.run()
    said = "48 chunks were written to new files and verified. Answers come from these."
    assert escaped(f"Rebuild: {said}") in [each.value for each in app.markdown]
    assert f"<p>{said}</p>" in words(app)
    assert not app.button(key="rebuild").disabled


def test_work_that_is_over_before_it_is_seen_is_told_too(with_document: FakeEngine, open_index: OpenIndex) -> None:
    app = open_index()
    with_document.changes = [lambda: finish(with_document)]
    app.button(key="verify").click().run()
    assert "48 chunks were looked for in the index and found\\." in "\n".join(each.value for each in app.markdown)


def test_work_can_be_cancelled(with_document: FakeEngine, open_index: OpenIndex) -> None:
    with_document.looks = 100
    app = open_index()
    app.button(key="verify").click().run()
    app.button(key=f"cancel_{with_document.index.jobs[0].id}").click().run()
    assert with_document.index.jobs[0].cancel_requested
    finish(with_document)
    app.run()
    assert "It was cancelled." in words(app)


def test_work_that_failed_says_why(with_document: FakeEngine, open_index: OpenIndex) -> None:
    with_document.ending, with_document.error = "failed", "There is no model `local:none` here."
    app = open_index()
    app.button(key="verify").click().run()
    finish(with_document)
    app.run()
    assert [each.value for each in app.error] == [escaped("Verify: There is no model `local:none` here.")]
    assert "<p>There is no model <code>local:none</code> here.</p>" in words(app)


def test_what_cannot_be_done_now_is_told(with_document: FakeEngine, open_index: OpenIndex) -> None:
    app = open_index()
    with_document.index_job("verify")  # in another window
    app.button(key="verify").click().run()
    assert "runs already" in app.error[0].value


def test_a_generation_that_waits_is_pictured_beside_the_one_that_serves(
    with_document: FakeEngine, open_index: OpenIndex
) -> None:
    waiting(with_document)
    app = open_index()
    assert not app.exception
    shown = words(app)
    assert "A new generation waits" in shown
    for bar in (
        "Found in the first five (recall@5), Now: 86.4 %",
        "Found in the first five (recall@5), New: 93.2 %",
        "Found in the first ten (recall@10), New: 97.7 %",
        "How far up (MRR@10), New: 0.87",
        "Time of a search, less is better, New: 10.1 ms",
    ):
        assert f'aria-label="{bar}"' in shown
    assert "Of 43 questions, 6 got better and 2 worse." in shown
    assert "<q>When does the &lt;ferry&gt; leave?</q>" in shown
    assert "rank 1 → not in the first ten" in shown
    assert f"<q>{' '.join(HANDBOOK[:32].split())}</q>" in shown  # the words that stand at the place
    assert "handbook.pdf · rank 2 → rank 7" in shown
    app.button(key="switch").click().run()
    (job,) = with_document.index.jobs
    assert (job.kind, job.generation) == ("switch", NEW)


def test_a_sentence_of_an_erased_document_is_not_named(with_document: FakeEngine, open_index: OpenIndex) -> None:
    waiting(with_document)
    with_document.bytes.clear()
    assert "A sentence of a document that is gone" in words(open_index())


def test_answers_can_go_back_to_the_former_generation(with_document: FakeEngine, open_index: OpenIndex) -> None:
    waiting(with_document)
    app = open_index()
    app.button(key="rollback").click().run()
    finish(with_document)
    app.run()
    assert with_document.index.generation is not None
    assert with_document.index.generation.id == "c3" * 16
    assert "Answers come from generation c3c3c3c3 again." in words(app)


def test_compact_says_what_it_erases_before_it_does(with_document: FakeEngine, open_index: OpenIndex) -> None:
    waiting(with_document).to_erase = Erasable(3, 7, 1)
    app = open_index()
    app.button(key="compact").click().run()
    shown = words(app)
    assert "**3 removed documents** will be erased for good: afterwards nothing brings them back." in shown
    assert "you can then neither switch nor roll back" in shown
    assert "7 quotes of removed documents in 1 old answer will stay, unless you have them blanked." in shown
    assert with_document.index.jobs == ()
    app.checkbox(key="compact_quotes").check().run()
    app.button(key="compact_start").click().run()
    (job,) = with_document.index.jobs
    assert (job.kind, job.options) == ("compact", {"quotes": True})
    finish(with_document)
    app.run()
    assert "1 document with 4 chunks and 4 vectors is erased." in words(app)


def test_nothing_to_erase_is_said_too(with_document: FakeEngine, open_index: OpenIndex) -> None:
    app = open_index()
    app.button(key="compact").click().run()
    assert "There is no removed document to erase." in words(app)
    assert not app.checkbox


def test_damage_that_was_found_is_no_success(with_document: FakeEngine, open_index: OpenIndex) -> None:
    app = open_index()
    app.button(key="verify").click().run()
    with_document.problems = ["A chunk was not found by its own vector."]
    finish(with_document)
    app.run()
    assert "The index was found damaged" in app.error[0].value
