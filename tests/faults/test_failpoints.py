"""A kill at each named place of the program: nothing acknowledged is lost."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.faults.conftest import how_many, side_by_side
from tests.faults.lives import CHECKOUT, Fate, LifeFailedError, Lives, Place
from tests.faults.oracle import examine
from tests.faults.scripts import SCRIPTS, beginning, failpoints_of

CALL = re.compile(r"\bfailpoint\(\s*(?P<argument>[^)]*)\)")
NAME = re.compile(r'"(?P<name>[a-z]+(-[a-z]+)+)"')


def named() -> list[str]:
    """The name of every failpoint in the source, as often as it stands there."""
    names = []
    for path in sorted((CHECKOUT / "src" / "citewise").rglob("*.py")):
        if path.name == "failpoints.py":
            continue
        for call in CALL.finditer(path.read_text(encoding="utf-8")):
            written = NAME.fullmatch(call["argument"])
            assert written, f'{path.name}: a failpoint needs a plain name such as "blob-renamed": {call[0]}'
            names.append(written["name"])
    return names


def test_there_are_failpoints_enough_and_each_name_stands_in_one_place() -> None:
    counts = Counter(named())
    assert [name for name, count in counts.items() if count > 1] == []
    assert len(counts) >= 25


def test_a_kill_at_any_failpoint_loses_nothing(lives: Lives, tmp_path: Path, figures: Callable[[str], None]) -> None:
    template = Place(tmp_path / "template")
    lives.run(beginning, template)
    passed: dict[str, Counter[str]] = {}

    def unhurt(script: str) -> list[str]:
        place = Place(tmp_path / f"whole-{script}")
        if script != "beginning":
            shutil.copytree(template.root, place.root)
        passed[script] = lives.run(failpoints_of, place, script)
        return [f"{script} without any kill: {sentence}" for sentence in lives.run(examine, place).violations]

    violations = side_by_side(unhurt, list(SCRIPTS))
    assert not violations, "\n".join(violations)
    never = sorted(set(named()).difference(*passed.values()))
    assert not never, f"no script comes to these failpoints: {', '.join(never)}"

    def ways_to(failpoint: str) -> list[tuple[str, int]]:
        """Every script and occurrence at which a failpoint is reached, rare ones first."""
        return [
            (script, occurrence)
            for occurrence in range(1, max(count[failpoint] for count in passed.values()) + 1)
            for script, count in passed.items()
            if count[failpoint] >= occurrence
        ]

    cases = []
    for failpoint in sorted(set(named())):
        ways = ways_to(failpoint)
        cases += [(failpoint, *ways[turn % len(ways)], turn) for turn in range(how_many(1, 20))]

    def killed_at(case: tuple[str, str, int, int]) -> list[str]:
        failpoint, script, occurrence, turn = case
        where = f"{failpoint} (number {occurrence} in {script})"
        place = Place(tmp_path / f"{failpoint}-{turn}")
        if script != "beginning":
            shutil.copytree(template.root, place.root)
        life = lives.start(SCRIPTS[script], place, fate=Fate(failpoint, occurrence))
        if not life.killed_itself():
            return [f"{where}: it was not reached this time"]
        try:
            found = lives.run(examine, place).violations
        except LifeFailedError as error:
            found = [f"the directory could not be opened afterwards: {error}"]
        shutil.rmtree(place.root)
        return [f"{where}: {sentence}" for sentence in found]

    violations = side_by_side(killed_at, cases)
    figures(f"kill at each failpoint: {len(set(named()))} failpoints, {len(cases)} kills, {len(violations)} violations")
    assert not violations, "\n".join(violations)
