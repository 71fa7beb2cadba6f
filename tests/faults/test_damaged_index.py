"""Index files truncated, removed or with flipped bits: it is noticed, the service lives, the index is built anew."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from citewise.errors import CitewiseError
from citewise.types import Query
from tests.faults import damage
from tests.faults.conftest import LONG, side_by_side
from tests.faults.damage import Damage
from tests.faults.engines import opened, unrest, until
from tests.faults.lives import LifeFailedError, Lives, Place
from tests.faults.oracle import examine
from tests.faults.scripts import beginning
from tests.faults.texts import text_for
from tests.faults.workloads import Deeds

DOCUMENTS, SENTENCES = 11, 100  # more than 1,000 chunks, so that Chroma writes its graph to files
NOTICED_WITHIN_S = 60


def hold_until_killed(place: Place) -> None:
    """Be open, and nothing else."""
    engine = opened(place.home)
    while unrest(engine):
        time.sleep(0.01)
    (place.root / "open").touch()
    time.sleep(600)


def generations_of(place: Place) -> set[str]:
    return {path.name for path in (place.home / "index").glob("*")}


@pytest.fixture(scope="module")
def ended(lives: Lives, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    """The same library after an end as it should be, and after a kill."""
    root = tmp_path_factory.mktemp("libraries")
    well = Place(root / "well")
    lives.run(beginning, well, DOCUMENTS, SENTENCES)
    killed = Place(root / "killed")
    shutil.copytree(well.root, killed.root)
    life = lives.start(hold_until_killed, killed)
    while not (killed.root / "open").exists():
        time.sleep(0.01)
    life.kill()
    yield {"well": well, "killed": killed}
    shutil.rmtree(root)


def test_a_damaged_index_is_noticed_and_built_anew(
    lives: Lives, ended: dict[str, Place], tmp_path: Path, figures: Callable[[str], None]
) -> None:
    if LONG:
        cases = [(case, end) for end in ("well", "killed") for case in damage.EVERY]
    else:
        cases = [(case, ("well", "killed")[number % 2]) for number, case in enumerate(damage.CHOSEN)]
    rebuilt, nothing_to_damage, slowest = [], [], [0.0]

    def live_with(case: tuple[Damage, str]) -> list[str]:
        what, end = case
        place = Place(tmp_path / f"{end}-{str(what).replace('/', '_')}")
        shutil.copytree(ended[end].root, place.root)
        before = generations_of(place)
        if not what.do(place.home):
            nothing_to_damage.append(str(what))
            return []
        try:
            verdict = lives.run(examine, place)
        except LifeFailedError as error:
            return [f"{what}, {end}: {error}"]
        if before != generations_of(place):
            rebuilt.append(what)
        slowest.append(verdict.whole_s)
        shutil.rmtree(place.root)
        return [f"{what}, {end}: {sentence}" for sentence in verdict.violations]

    wrong = side_by_side(live_with, cases)
    figures(
        f"damaged index files: {len(cases) - len(nothing_to_damage)} cases, {len(rebuilt)} built anew, the others "
        f"found whole chunk by chunk, whole after {max(slowest):.1f} s at most, {len(wrong)} violations"
    )
    assert not wrong, "\n".join(wrong)
    assert LONG or not nothing_to_damage, f"these cases damage nothing: {nothing_to_damage}"


def live_without_files(place: Place) -> list[str]:
    """Lose the files of the serving generation while it serves; questions go on, and it is built anew."""
    wrong: list[str] = []
    engine = opened(place.home)
    while unrest(engine):
        time.sleep(0.01)
    first = engine.index_status().generation
    assert first
    shutil.rmtree(place.home / "index" / first.id)
    deadline = time.monotonic() + NOTICED_WITHIN_S
    while unrest(engine) or (now := engine.index_status().generation) is None or now.id == first.id:
        try:
            if not engine.search(Query("the number that was seen")).hits:
                wrong.append("A question found nothing while the index was gone.")
        except CitewiseError as error:
            wrong.append(f"A question failed while the index was gone: {error}")
        if time.monotonic() > deadline:
            wrong.append(f"After {NOTICED_WITHIN_S} s nothing was noticed: {engine.index_status().detail}")
            break
        time.sleep(0.05)
    engine.close()
    return wrong


def test_files_that_go_while_they_serve_are_noticed(lives: Lives, ended: dict[str, Place], tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    shutil.copytree(ended["well"].root, place.root)
    wrong = lives.run(live_without_files, place)
    assert not wrong, "\n".join(wrong)
    assert lives.run(examine, place).violations == []


MANY = 50  # documents of 1,000 chunks


def fill(place: Place) -> None:
    """Take fifty thousand chunks, then nothing until the kill."""
    engine = opened(place.home)
    life = Deeds(engine, place)
    for n in range(MANY):
        assert life.wait(life.add(f"old-{n}.txt", text_for(f"old {n}", sentences=1000))), "a document was not taken"
    engine.close()
    hold_until_killed(place)


def with_384_dimensions(place: Place, work: Callable[[Place], Any]) -> Any:
    """Do it with vectors of the size of the bundled model's."""
    os.environ["CITEWISE_EMBED__MODEL"] = "fake:384"
    return work(place)


@pytest.mark.skipif(not LONG, reason="takes several minutes; `make soak` runs it")
def test_fifty_thousand_chunks_answer_soon_and_are_whole_again(
    lives: Lives, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    place = Place(tmp_path / "place")
    life = lives.start(with_384_dimensions, place, fill)
    assert until(lambda: life.ended or (place.root / "open").exists(), seconds=3000), life.last_lines()
    life.kill()
    wrong: list[str] = []
    for damaged in (None, Damage(damage.FILES[0], damage.flipped), Damage("..", damage.removed)):
        assert damaged is None or damaged.do(place.home)
        before = generations_of(place)
        verdict = lives.run(with_384_dimensions, place, examine, timeout_s=3600)
        wrong += [f"{damaged or 'killed'}: {sentence}" for sentence in verdict.violations]
        figures(
            f"{verdict.chunks:,} chunks, {damaged or 'killed'}: first answer after {verdict.answered_s:.1f} s"
            f"{' (from a fallback)' * verdict.degraded}, whole after {verdict.whole_s:.1f} s"
            f"{' (built anew)' * (before != generations_of(place))}, {len(verdict.violations)} violations"
        )
    assert not wrong, "\n".join(wrong)
