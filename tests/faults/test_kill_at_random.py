"""``kill -9`` at random moments, over and over in the same directory: nothing acknowledged is lost."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.conftest import AT_ONCE, how_many, side_by_side
from tests.faults.lives import LifeFailedError, Lives, Place
from tests.faults.oracle import examine
from tests.faults.workloads import random_life


def test_nothing_is_lost_by_a_kill_at_any_moment(lives: Lives, tmp_path: Path, figures: Callable[[str], None]) -> None:
    kills = how_many(40, 1000) // AT_ONCE
    places = [Place(tmp_path / f"place-{n}") for n in range(AT_ONCE)]
    counted = []

    def kill_again_and_again(place: Place) -> list[str]:
        chance = random.Random(place.root.name)  # noqa: S311 - chance, not a secret
        violations: list[str] = []
        for kill in range(kills):
            life = lives.start(random_life, place, chance.getrandbits(32))
            # Mostly early, and now and then late enough for a generation to be built and switched to.
            time.sleep(chance.uniform(0.02, 1.0) if chance.random() < 0.8 else chance.uniform(1.0, 6.0))
            if life.ended:
                violations.append(f"kill {kill}: the life ended by itself\n{life.last_lines()}")
            life.kill()
            try:
                verdict = lives.run(examine, place)
            except LifeFailedError as error:
                return [*violations, f"kill {kill}: the directory could not be opened afterwards: {error}"]
            counted.append(verdict)
            violations += [f"kill {kill}: {sentence}" for sentence in verdict.violations]
            if violations:
                break  # what comes after would say the same again
        return violations

    violations = side_by_side(kill_again_and_again, places)
    figures(
        f"kill -9 at random moments: {len(counted)} kills, {len(violations)} violations; "
        f"first answer after {max(v.answered_s for v in counted):.1f} s at most, "
        f"whole again after {max(v.whole_s for v in counted):.1f} s, "
        f"{sum(v.degraded for v in counted)} first answers from the fallback"
    )
    assert not violations, "\n".join(violations)
