from __future__ import annotations

import pytest

from citewise.errors import NotFoundError, QuestionError
from citewise.registry import cases, evaluations
from citewise.registry.cases import Place
from citewise.registry.database import Registry


def test_a_case_is_kept_changed_deleted_and_brought_back(registry: Registry) -> None:
    with registry.write() as tx:
        made = cases.create(tx, question=" How  high? ", collection="notes", places=[Place("d", 1, 3, 9)])
        assert (made.question, made.places) == ("How high?", (Place("d", 1, 3, 9),))
        with pytest.raises(QuestionError, match="already"):
            cases.create(tx, question="How high?", collection="notes", places=[])
        other = cases.create(tx, question="Who?", collection="default", places=[])
        assert [one.id for one in cases.list_all(tx, collection="notes")] == [made.id]
        changed = cases.change(tx, made.id, question="How high is it?")
        assert (changed.question, changed.places) == ("How high is it?", made.places)
        assert cases.change(tx, made.id, places=[]).places == ()
        cases.remove(tx, other.id)
        with pytest.raises(NotFoundError):
            cases.get(tx, other.id)
        cases.restore(tx, other)
        assert cases.get(tx, other.id) == other
        with pytest.raises(NotFoundError):
            cases.change(tx, "none", question="x")
        for question in ("  ", "x" * 8_001):
            with pytest.raises(QuestionError):
                cases.create(tx, question=question, collection="notes", places=[])


def test_an_evaluation_is_stored_with_what_came_of_it(registry: Registry) -> None:
    with registry.write() as tx:
        first = evaluations.create(tx, name="own", settings={"k": 10})
        second = evaluations.create(tx, name="own", settings={"k": 5})
        evaluations.finish(tx, first.id, "done", report={"metrics": {"mrr@10": 0.5}}, generation_id="g")
        evaluations.end_running(tx)
        found = {one.id: one for one in evaluations.list_all(tx)}
        assert (found[first.id].state, found[first.id].report) == ("done", {"metrics": {"mrr@10": 0.5}})
        assert found[first.id].finished_at is not None
        assert (found[second.id].state, found[second.id].settings) == ("cancelled", {"k": 5})
        assert "stopped" in str(found[second.id].error)
        evaluations.remove(tx, first.id)
        with pytest.raises(NotFoundError):
            evaluations.get(tx, first.id)
