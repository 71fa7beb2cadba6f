"""The power goes: what was never synced is taken back, and nothing acknowledged was among it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults import shim
from tests.faults.conftest import AT_ONCE, how_many, side_by_side
from tests.faults.lives import Lives, Place
from tests.faults.oracle import examine
from tests.faults.workloads import random_life


def life_before_a_cut(place: Place, seed: int) -> None:
    """A random life, of which it is remembered what would outlast a power cut."""
    shim.remember_what_is_safe(place.home, place.root / "safe")
    random_life(place, seed)


def test_what_was_acknowledged_outlasts_a_power_cut(
    shimmed: Lives, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    cuts = how_many(10, 200) // AT_ONCE
    places = [Place(tmp_path / f"place-{n}") for n in range(AT_ONCE)]
    lost = []

    def cut_again_and_again(place: Place) -> list[str]:
        chance = random.Random(place.root.name)  # noqa: S311 - chance, not a secret
        violations: list[str] = []
        for cut in range(cuts):
            life = shimmed.start(life_before_a_cut, place, chance.getrandbits(32))
            time.sleep(chance.uniform(0.3, 1.5))
            life.kill()
            lost.append(shim.cut_power(place.home, place.root / "safe"))
            violations += [f"cut {cut}: {sentence}" for sentence in shimmed.run(examine, place).violations]
            if violations:
                break
        return violations

    violations = side_by_side(cut_again_and_again, places)
    figures(
        f"power cuts: {len(lost)}, {sum(lost)} files lost what was not synced, {len(violations)} violations "
        "(names count as safe at once, content once it was synced)"
    )
    assert not violations, "\n".join(violations)
