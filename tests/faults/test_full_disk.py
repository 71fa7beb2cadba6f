"""The disk is full for a while: search goes on, and ingest goes on by itself once there is space."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from citewise.errors import CitewiseError
from citewise.types import Query
from tests.faults import shim
from tests.faults.conftest import how_many
from tests.faults.engines import SlowEmbedder, opened, until, wait_for_rest
from tests.faults.lives import Lives, Place
from tests.faults.oracle import examine
from tests.faults.scripts import beginning
from tests.faults.texts import own_word, text_for
from tests.faults.workloads import Deeds

DISK_MB = 48


@contextmanager
def small_disk(home: Path) -> Iterator[None]:
    """A disk of its own for the data directory."""
    home.mkdir(parents=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(home)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


def fill_ballast(place: Place) -> None:
    """Write zeros until nothing fits any more."""
    with (place.home / "ballast").open("wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(1 << 12)):
                pass
        except OSError:
            return


def drop_ballast(place: Place) -> None:
    (place.home / "ballast").unlink()


def fill_by_shim(place: Place) -> None:
    shim.fill(place.home, full=True)


def free_by_shim(place: Place) -> None:
    shim.fill(place.home, full=False)


def live_through(place: Place, number: int, fill: Callable[[Place], None], free: Callable[[Place], None]) -> list[str]:
    """Add documents while the disk fills up, ask meanwhile, make space, and wait."""
    wrong: list[str] = []
    engine = opened(place.home, open_embedder=SlowEmbedder.named)
    life = Deeds(engine, place)
    wait_for_rest(engine)
    life.add("on-its-way.txt", text_for(f"on its way {number}", sentences=60))
    until(lambda: any(document.status == "embedding" for document in engine.documents()))
    fill(place)
    for n in range(3):
        life.add(f"late-{n}.txt", text_for(f"late {number} {n}", sentences=10))  # refused, most likely
    for n in range(20):
        word = own_word(f"old {n % 5}")
        try:
            hits = engine.search(Query(f"the {word} number")).hits
        except CitewiseError as error:
            wrong.append(f"A question failed while the disk was full: {error}")
            continue
        if not hits or word not in hits[0].chunk.text:
            wrong.append(f"The word {word} was not found while the disk was full.")
    waiting = [document.source for document in engine.documents() if document.status != "ready"]
    if "on-its-way.txt" not in waiting:
        wrong.append("The disk was not full soon enough: the document was ready before.")
    free(place)
    if going_on := wait_for_rest(engine, seconds=60):
        wrong.append(f"After there was space again, {going_on}.")
    failed = [document for document in engine.documents() if document.status != "ready"]
    wrong += [f"{document.source} is {document.status}: {document.error}" for document in failed]
    for n in range(3):
        life.wait(life.add(f"late-{n}.txt", text_for(f"late {number} {n}", sentences=10)))
    wait_for_rest(engine)
    engine.close()
    return wrong


def again_and_again(
    lives: Lives, place: Place, fill: Callable[[Place], None], free: Callable[[Place], None]
) -> list[str]:
    lives.run(beginning, place)
    wrong: list[str] = []
    for number in range(how_many(1, 10)):
        wrong += [f"time {number}: {what}" for what in lives.run(live_through, place, number, fill, free)]
        wrong += [f"time {number}: {what}" for what in lives.run(examine, place).violations]
    return wrong


@pytest.mark.skipif(sys.platform != "linux" or os.name == "nt" or os.geteuid() != 0, reason="only root can mount")
def test_search_goes_on_while_a_small_disk_is_full(
    lives: Lives, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    place = Place(tmp_path / "place")
    with small_disk(place.home):
        wrong = again_and_again(lives, place, fill_ballast, drop_ballast)
    figures(f"disk of {DISK_MB} MB full, then freed: {how_many(1, 10)} times, {len(wrong)} violations")
    assert not wrong, "\n".join(wrong)


def test_search_goes_on_while_every_write_fails(shimmed: Lives, tmp_path: Path, figures: Callable[[str], None]) -> None:
    wrong = again_and_again(shimmed, Place(tmp_path / "place"), fill_by_shim, free_by_shim)
    figures(f"every write fails for want of space, then none: {how_many(1, 10)} times, {len(wrong)} violations")
    assert not wrong, "\n".join(wrong)
