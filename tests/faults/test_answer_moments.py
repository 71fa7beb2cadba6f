"""An answer is interrupted at twenty moments and more: it is complete, or labelled, exactly once.

It is stopped, watched from a second tab, watched again after a reload, the engine is closed, or the
process killed. Afterwards there is one turn with one end; what is kept is the beginning of the answer;
everybody who watched saw it grow and end in the same way; and the model was asked once.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from citewise.engine import Engine
from citewise.types import Turn, Upload
from tests.faults.conftest import how_many, side_by_side
from tests.faults.engines import opened, until
from tests.faults.lives import LifeFailedError, Lives, Place
from tests.faults.moments import MOMENTS, WRITTEN, Gate, PacedModels, held_at, model_for

SOURCE = (
    "The lighthouse on Brannoch was built in 1874 by Margaret Stewart. Its lamp burns paraffin and is lit at dusk. "
    "The tower is 31 metres high and stands on the western cliff. The keeper writes the weather down every four hours."
)
SENTENCES = [f"{sentence}." for sentence in SOURCE.rstrip(".").split(". ")]
ANSWER = " ".join(f"{sentence} [1]" for sentence in SENTENCES * 3)
QUESTION = "What is known of the lighthouse on Brannoch?"
ENDED_S = 90.0  # that an interrupted answer may take to end: generous, since nothing is timed here


@dataclass(frozen=True)
class Ended:
    """What is left of an answer."""

    turns: int
    status: str
    text: str
    sentences: int
    verdicts: frozenset[str]
    citations: int


def ended(engine: Engine, conversation_id: str) -> Ended:
    _, turns = engine.conversation(conversation_id)
    answer = turns[-1].answer
    verdicts = frozenset(one.verdict for one in answer.evidence)
    return Ended(len(turns), answer.status, answer.text, len(answer.evidence), verdicts, len(answer.citations))


def library(place: Place) -> None:
    with closing(opened(place.home)) as engine:
        (added,) = engine.add([Upload("lighthouse.txt", text=SOURCE)])
        assert engine.wait([added.job_id or ""], timeout_s=60)


def whole_answer(place: Place, url: str) -> str:
    """A life: ask, and wait for the answer."""
    os.environ |= {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-test"}
    with closing(opened(place.home)) as engine:
        turn = engine.ask(QUESTION, model="openai:unpaced")
        *_, last = engine.watch(turn.id)
    return last.conversation_id


def ask_at(place: Place, url: str, moment: str, name: str, close: bool) -> str:
    """A life: ask, and wait at the moment for the end, by a kill or by closing the engine."""
    os.environ |= {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-test"}
    gate = Gate(place.root.parent / "gates" / name)
    engine = opened(place.home)
    with held_at(moment, gate):
        turn = engine.ask(QUESTION, model=model_for(moment, name))
        (place.root / f"conversation-{name}").write_text(turn.conversation_id)
        (place.root / f"asked-{name}").touch()
        gate.wait()
        if not close:
            time.sleep(600)
        threading.Timer(0.2, gate.open).start()  # what is held in the engine itself cannot hear of the end
        engine.close()
    return turn.conversation_id


def look(place: Place, conversation_id: str, starts: int = 1) -> Ended:
    """A life: what is left after a start, and that further ones leave it so."""
    found = []
    for _ in range(starts):
        with closing(opened(place.home)) as engine:
            found.append(ended(engine, conversation_id))
    assert found == found[:1] * starts, f"the next start changed it: {found}"
    return found[0]


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("moments") / "gates"


@pytest.fixture(scope="module")
def models(gates: Path) -> Iterator[PacedModels]:
    with PacedModels(gates, ANSWER) as served:
        yield served


@pytest.fixture(scope="module")
def template(lives: Lives, gates: Path) -> Place:
    place = Place(gates.parent / "template")
    lives.run(library, place)
    return place


@pytest.fixture(scope="module")
def whole(lives: Lives, template: Place, models: PacedModels, gates: Path) -> Ended:
    """The answer when nothing happens."""
    place = Place(gates.parent / "whole")
    shutil.copytree(template.root, place.root)
    conversation_id = lives.run(whole_answer, place, models.openai_url)
    found: Ended = lives.run(look, place, conversation_id)
    assert found.status == "complete"
    assert found.sentences == len(SENTENCES) * 3
    return found


def objections(found: Ended, whole: Ended, moment: str, *, expected: str) -> list[str]:
    """What is wrong with what is left of an answer that was interrupted."""
    said = []
    if found.turns != 1:
        said.append(f"there are {found.turns} turns")
    if found.status == "complete":
        if moment not in WRITTEN:
            said.append("it claims to be complete")
        if found != whole:
            said.append("it is complete in another way than without an interruption")
    elif found.status != expected:
        said.append(f"it is labelled {found.status}")
    if not whole.text.startswith(found.text.rstrip()):
        said.append(f"its text is not the beginning of the answer: {found.text[-60:]!r}")
    if found.text.rstrip().endswith("["):
        said.append("half a marker is kept")
    return said


# --- the process ends -----------------------------------------------------------------


@pytest.mark.parametrize("close", [False, True], ids=["kill", "close"])
def test_an_end_of_the_process_leaves_an_answer_complete_or_cut(
    close: bool,
    *,
    lives: Lives,
    template: Place,
    models: PacedModels,
    whole: Ended,
    gates: Path,
    figures: Callable[[str], None],
) -> None:
    way = "close" if close else "kill"

    def interrupted(case: tuple[str, int]) -> list[str]:
        moment, turn = case
        name = f"{way}{turn}{moment.replace('-', '')}"
        place = Place(gates.parent / name)
        shutil.copytree(template.root, place.root)
        gate = Gate(gates / name)
        life = lives.start(ask_at, place, models.openai_url, moment, name, close)
        try:
            # Who asked may hear of the turn a moment after its answer came to the gate.
            if not gate.wait() or not until((place.root / f"asked-{name}").exists):
                return [f"{moment}: it was not reached\n{life.last_lines()}"]
            if close:
                life.result(ENDED_S)
            else:
                time.sleep(0.3 if turn else 0)  # at once, and after a save
                life.kill()
            gate.open()
            conversation_id = (place.root / f"conversation-{name}").read_text()
            found: Ended = lives.run(look, place, conversation_id, 1 if close else 2)
        except (LifeFailedError, FileNotFoundError) as error:
            return [f"{moment}: {error}"]
        finally:
            gate.open()
            life.kill()
        shutil.rmtree(place.root)
        return [f"{moment}: {one}" for one in objections(found, whole, moment, expected="cut")]

    cases = [(moment, turn) for turn in range(how_many(1, 5)) for moment in MOMENTS]
    violations = side_by_side(interrupted, cases)
    figures(f"{way} at {len(cases)} moments of an answer: {len(violations)} violations")
    assert not violations, "\n".join(violations)


# --- somebody watches, comes back, or stops it ----------------------------------------


class Watcher(threading.Thread):
    """A tab: sees a turn grow."""

    def __init__(self, engine: Engine, turn_id: str) -> None:
        super().__init__(daemon=True)
        self._engine = engine
        self._turn_id = turn_id
        self.seen: list[Turn] = []
        self.start()

    def run(self) -> None:
        self.seen.extend(self._engine.watch(self._turn_id, poll_s=0.005))

    def objections(self, stored: Turn) -> list[str]:
        """What was wrong with what it saw."""
        self.join(ENDED_S)
        if self.is_alive():
            return ["a watcher still waits"]
        texts = [turn.answer.text for turn in self.seen]
        said = []
        if any(not later.startswith(earlier.rstrip()) for earlier, later in pairwise(texts)):
            said.append("a watcher saw the text shrink or change")
        if sum(turn.answer.status != "running" for turn in self.seen) != 1:
            said.append(f"a watcher saw {[turn.answer.status for turn in self.seen][-3:]} at the end")
        if self.seen[-1].answer != stored.answer:
            said.append("a watcher saw another end than what is stored")
        return said


@pytest.fixture(scope="module")
def engine(template: Place, models: PacedModels, gates: Path) -> Iterator[Engine]:
    place = Place(gates.parent / "watched")
    shutil.copytree(template.root, place.root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", models.openai_url)
        patch.setenv("OPENAI_API_KEY", "sk-test")
        engine = opened(place.home)
    yield engine
    engine.close()


def watched(engine: Engine, models: PacedModels, gates: Path, moment: str, way: str) -> tuple[Turn, list[str]]:
    """Ask, do something at the moment, let it go on; the turn as it is stored, and what was wrong."""
    name = f"{way[:4]}{moment.replace('-', '')}"
    gate, model = Gate(gates / name), model_for(moment, name)
    with held_at(moment, gate):
        turn = engine.ask(QUESTION, model=model)
        first = Watcher(engine, turn.id)
        reached = gate.wait()
        watchers = [first]
        if way == "stop":
            engine.stop(turn.id)
            engine.stop(turn.id)
        else:  # a second tab, and a page that is left and loaded again
            next(engine.watch(turn.id))
            watchers += [Watcher(engine, turn.id) for _ in range(2)]
        shown_early = moment == "storing" and engine.turn(turn.id).answer.status != "running"
        time.sleep(0.01)
        gate.open()
        for watcher in watchers:
            watcher.join(ENDED_S)
    while engine._answers._running:  # the end is shown when it is stored, and forgotten a moment later
        time.sleep(0.005)
    stored = engine.turn(turn.id)
    said = [one for watcher in watchers for one in watcher.objections(stored)]
    if not reached:
        said.append("it was not reached")
    if shown_early:
        said.append("its end was shown before it was stored")
    if models.calls.get(model.removeprefix("openai:"), 0) > 1:
        said.append("the model was asked more than once")
    return stored, [f"{way} at {moment}: {one}" for one in said]


def violations_of(engine: Engine, models: PacedModels, gates: Path, whole: Ended, ways: Sequence[str]) -> list[str]:
    violations = []
    for way in ways:
        for moment in MOMENTS:
            stored, said = watched(engine, models, gates, moment, way)
            violations += said
            found = ended(engine, stored.conversation_id)
            if way == "stop":
                wrong = objections(found, whole, moment, expected="cancelled")
            else:
                wrong = [] if found == whole else [f"the answer is not whole: {found}"]
            violations += [f"{way} at {moment}: {one}" for one in wrong]
    return violations


def test_a_stop_a_second_tab_and_a_reload_leave_one_answer_for_everybody(
    engine: Engine, models: PacedModels, gates: Path, whole: Ended, figures: Callable[[str], None]
) -> None:
    ways = ("stop", "tabs and reloads")
    violations = violations_of(engine, models, gates, whole, ways)
    figures(f"{', '.join(ways)} at {len(MOMENTS)} moments of an answer: {len(violations)} violations")
    assert not violations, "\n".join(violations)
