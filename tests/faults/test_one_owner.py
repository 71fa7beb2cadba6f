"""Two processes on one directory: exactly one owns it, the other says so at once, and no vector is lost."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from citewise.errors import DirectoryInUseError
from tests.faults.conftest import AT_ONCE, how_many, side_by_side
from tests.faults.engines import opened, until, wait_for_rest
from tests.faults.lives import Lives, Place
from tests.faults.oracle import examine
from tests.faults.texts import text_for
from tests.faults.workloads import Deeds

SAYS_SO_WITHIN_S = 2
EXAMINED_EVERY = 5  # rounds


@dataclass(frozen=True)
class Attempt:
    """How one process fared."""

    owner: bool
    seconds: float
    said: str = ""


def try_to_own(place: Place, moment: float, name: str) -> Attempt:
    """At the given moment open the directory; whoever gets it adds documents until the other was turned away."""
    while time.time() < moment:
        pass  # together to the millisecond
    started = time.monotonic()
    try:
        engine = opened(place.home)
    except DirectoryInUseError as error:
        seconds = time.monotonic() - started
        (place.root / "turned-away").touch()
        return Attempt(False, seconds, str(error))
    life = Deeds(engine, place)
    jobs = [life.add(f"paper-{n}.txt", text_for(f"{name} {n}", sentences=3)) for n in range(2)]
    life.wait(*jobs)
    until((place.root / "turned-away").exists, seconds=10)
    wait_for_rest(engine)
    engine.close()
    return Attempt(True, 0)


def own_until_killed(place: Place, name: str) -> None:
    """Own the directory and write to it."""
    life = Deeds(opened(place.home), place)
    for n in range(1000):
        life.wait(life.add("paper-0.txt", text_for(f"{name} {n}", sentences=3)))


def test_of_two_processes_exactly_one_owns_the_directory(
    lives: Lives, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    rounds = how_many(20, 200) // AT_ONCE
    places = [Place(tmp_path / f"place-{n}") for n in range(AT_ONCE)]
    waits: list[float] = []

    def prepare(place: Place, number: int) -> None:
        """Nothing, a lock that a kill left behind, or one whose pid somebody else has by now."""
        lock = place.home / "owner.lock"
        if number % 3 == 1:
            life = lives.start(own_until_killed, place, f"round {number}")
            until(lambda: lock.exists() and lock.stat().st_size > 0)
            time.sleep(0.1 * (number % 5))
            life.kill()
        elif number % 3 == 2:
            about = {"pid": os.getpid(), "url": "http://127.0.0.1:1", "host": "here", "started_at": 0.0}
            lock.write_text(json.dumps(about))

    def contend(place: Place) -> list[str]:
        wrong: list[str] = []
        for number in range(rounds):
            prepare(place, number)
            (place.root / "turned-away").unlink(missing_ok=True)
            moment = time.time() + 0.2
            both = [lives.start(try_to_own, place, moment, f"round {number} {side}") for side in range(2)]
            attempts: list[Attempt] = [life.result() for life in both]
            owners = sum(attempt.owner for attempt in attempts)
            if owners != 1:
                wrong.append(f"round {number}: {owners} owners: {attempts}")
            for attempt in attempts:
                if attempt.owner:
                    continue
                waits.append(attempt.seconds)
                if attempt.seconds > SAYS_SO_WITHIN_S or "in use by" not in attempt.said:
                    wrong.append(f"round {number}: after {attempt.seconds:.1f} s the other said: {attempt.said}")
            if number % EXAMINED_EVERY == EXAMINED_EVERY - 1 or number == rounds - 1:
                wrong += [f"round {number}: {sentence}" for sentence in lives.run(examine, place).violations]
        return wrong

    wrong = side_by_side(contend, places)
    figures(
        f"two processes on one directory: {rounds * AT_ONCE} rounds, {len(wrong)} violations; "
        f"the other said so after {max(waits, default=0):.2f} s at most"
    )
    assert not wrong, "\n".join(wrong)
