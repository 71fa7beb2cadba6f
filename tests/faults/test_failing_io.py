"""The n-th file operation fails, for one n after another: nothing is ``ready`` that is not, and a retry succeeds."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from citewise.errors import CitewiseError
from citewise.types import UNFINISHED
from tests.faults import shim
from tests.faults.conftest import LONG, how_many, side_by_side
from tests.faults.engines import opened, until, wait_for_rest
from tests.faults.lives import Lives, Place
from tests.faults.oracle import examine
from tests.faults.texts import text_for
from tests.faults.workloads import Deeds

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)


def beginning(place: Place) -> None:
    """A small library, closed well."""
    engine = opened(place.home)
    life = Deeds(engine, place)
    assert life.wait(*(life.add(f"old-{n}.txt", text_for(f"old {n}", sentences=3)) for n in range(3)))
    assert not wait_for_rest(engine)
    engine.close()


@dataclass(frozen=True)
class Failing:
    """What came of one life in which an operation failed."""

    operations: int
    failed: str
    wrong: list[str]


def life_with_a_failure(place: Place, at: int, error: int, documents: int) -> Failing:
    """Add documents (one of them a new version) while one operation fails, then try again until all is well."""
    wrong: list[str] = []
    with shim.failing(place.home, at, error):
        try:
            engine = opened(place.home)
            try:
                add_documents(Deeds(engine, place), documents)
                until(lambda: not any(document.status in UNFINISHED for document in engine.documents()), seconds=20)
            finally:
                engine.close()
        except CitewiseError:
            pass  # a sentence for the person
        except Exception as raised:  # noqa: BLE001 - that is what must not come through
            wrong.append(f"{type(raised).__name__} reached the caller: {raised}")
    counted, failed = shim.operations(), shim.failed_operation()
    engine = opened(place.home)
    life = Deeds(engine, place)
    add_documents(life, documents)
    for document in engine.documents():
        if document.status == "failed":
            life.wait(engine.retry(document.id))
    if going_on := wait_for_rest(engine, seconds=60):
        wrong.append(f"after the retry, {going_on}")
    engine.close()
    return Failing(counted, failed, wrong)


def add_documents(life: Deeds, documents: int) -> None:
    jobs = [life.add("old-0.txt", text_for("old 0 anew", sentences=4))]
    jobs += [life.add(f"new-{n}.txt", text_for(f"new {n}", sentences=4)) for n in range(documents - 1)]
    life.wait(*jobs, seconds=20)


def test_a_failing_file_operation_makes_nothing_ready_that_is_not(
    shimmed: Lives, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    template = Place(tmp_path / "template")
    shimmed.run(beginning, template)
    documents = how_many(1, 3)

    def life_at(at: int, error: int) -> Failing:
        place = Place(tmp_path / f"at-{at}-{errno.errorcode[error]}")
        shutil.copytree(template.root, place.root)
        found = shimmed.run(life_with_a_failure, place, at, error, documents)
        verdict = shimmed.run(examine, place)
        shutil.rmtree(place.root)
        return Failing(found.operations, found.failed, [*found.wrong, *verdict.violations])

    clean = life_at(0, errno.EIO)
    assert not clean.wrong
    # Every operation in the long form; in the short one about forty, spread over all of them, each error in turn.
    step = 1 if LONG else max(1, clean.operations // 40)
    cases = [
        (at, error)
        for turn, at in enumerate(range(1, clean.operations + 1, step))
        for error in (ERRORS if LONG else (ERRORS[turn % 3],))
    ]

    def wrong_at(case: tuple[int, int]) -> list[str]:
        found = life_at(*case)
        return [f"operation {case[0]} ({found.failed}, {errno.errorcode[case[1]]}): {what}" for what in found.wrong]

    wrong = side_by_side(wrong_at, cases)
    figures(
        f"n-th file operation fails: {len(cases)} of {clean.operations} operations × errors, {len(wrong)} violations"
    )
    assert not wrong, "\n".join(wrong)
