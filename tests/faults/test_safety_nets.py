"""Each safety net is taken away once, and the check that watches over it must notice."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import true

from citewise.errors import DirectoryInUseError
from citewise.index import update
from citewise.index.chroma import ChromaIndex
from citewise.index.generations import GenerationFiles
from citewise.index.process import IndexProcess
from citewise.registry import blobs, owner, serving
from citewise.types import EmbeddedChunk, Query
from tests.faults import shim
from tests.faults.damage import SEGMENT, Damage, halved
from tests.faults.engines import opened, until
from tests.faults.lives import Lives, Place
from tests.faults.oracle import examine
from tests.faults.raw import places
from tests.faults.scripts import beginning
from tests.faults.test_damaged_index import DOCUMENTS, SENTENCES
from tests.faults.test_erasure import erase, fill
from tests.faults.texts import own_word, text_for
from tests.faults.workloads import Deeds


def take_away(holder: object, name: str, instead: object) -> None:
    """Put something harmless in the place of a net, for the life of this process."""
    assert hasattr(holder, name), f"{name} is gone; say here what the net is now"
    setattr(holder, name, instead)


both = pytest.mark.parametrize("net", [True, False], ids=["with it", "without it"])


# --- the lock of the owner ------------------------------------------------------------


def own(place: Place, net: bool) -> bool:
    """Open the directory, and keep it until the other one was turned away or owns it too."""
    if not net:
        take_away(owner, "_lock", lambda _descriptor: None)
    try:
        opened(place.home)
    except DirectoryInUseError:
        (place.root / "turned away").touch()
        return False
    (place.root / f"owned by {os.getpid()}").touch()
    until(lambda: len([*place.root.glob("owned by *"), *place.root.glob("turned away")]) == 2, seconds=20)
    return True


@both
def test_without_the_lock_there_are_two_owners(lives: Lives, tmp_path: Path, net: bool) -> None:
    place = Place(tmp_path / "place")
    lives.run(beginning, place)
    both_of_them = [lives.start(own, place, net) for _ in range(2)]
    owners = sum(life.result() for life in both_of_them)
    assert owners == (1 if net else 2)


# --- the join to the registry ---------------------------------------------------------


def finds_what_was_removed(place: Place, net: bool) -> bool:
    if not net:
        take_away(serving, "_answerable", true)
    engine = opened(place.home)
    life = Deeds(engine, place)
    life.wait(life.add("gone.txt", text_for("gone", sentences=3)))
    (document,) = engine.documents()
    life.remove(document.id)
    hits = engine.search(Query(f"the {own_word('gone')} number")).hits
    engine.close()
    return any(hit.chunk.document_id == document.id for hit in hits)


@both
def test_without_the_join_a_removed_document_is_found(lives: Lives, tmp_path: Path, net: bool) -> None:
    assert lives.run(finds_what_was_removed, Place(tmp_path / "place"), net) is not net


# --- reading back what was indexed ----------------------------------------------------


def add_to_a_forgetful_index(place: Place, net: bool) -> str:
    """An index that swallows every third chunk, and what becomes of a document in it."""
    keep = ChromaIndex.upsert

    def forget(self: ChromaIndex, items: Sequence[EmbeddedChunk]) -> None:
        keep(self, [item for item in items if item.chunk.ordinal % 3])

    take_away(ChromaIndex, "upsert", forget)
    if not net:
        take_away(ChromaIndex, "present", lambda _self, ids: set(ids))
        take_away(update, "_make_reachable", lambda *_: None)
    engine = opened(place.home)
    life = Deeds(engine, place)
    life.wait(life.add("half.txt", text_for("half", sentences=9)), seconds=20)
    status = engine.documents()[0].status
    engine.close()
    return status


@both
def test_without_reading_back_a_document_is_ready_that_is_not(lives: Lives, tmp_path: Path, net: bool) -> None:
    place = Place(tmp_path / "place")
    status = lives.run(add_to_a_forgetful_index, place, net)
    violations = lives.run(examine, place, True).violations
    if net:
        assert status != "ready"
        assert violations == []
    else:
        assert status == "ready"
        assert any("vector index lacks" in sentence for sentence in violations)


# --- the order of syncing -------------------------------------------------------------


class _Unsynced:
    """The module ``os``, but with nothing that waits for the disk."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fsync(self, _descriptor: int) -> None:
        return


def add_and_wait_for_the_cut(place: Place, net: bool) -> None:
    shim.remember_what_is_safe(place.home, place.root / "safe")
    if not net:
        take_away(blobs, "os", _Unsynced())
    life = Deeds(opened(place.home), place)
    life.add("precious.txt", text_for("precious", sentences=3))
    (place.root / "acknowledged").touch()
    time.sleep(60)


@both
def test_without_syncing_before_renaming_an_upload_is_empty_after_a_power_cut(
    shimmed: Lives, tmp_path: Path, net: bool
) -> None:
    place = Place(tmp_path / "place")
    life = shimmed.start(add_and_wait_for_the_cut, place, net)
    assert until((place.root / "acknowledged").exists)
    life.kill()
    order = [(operation, path) for operation, _, path, _ in shim.journal(place.root / "safe") if "incoming" in path]
    shim.cut_power(place.home, place.root / "safe")
    violations = shimmed.run(examine, place, True).violations
    if net:
        assert [operation for operation, _ in order] == ["w", "s", "r"], "written, synced, renamed"
        assert violations == []
    else:
        assert "s" not in {operation for operation, _ in order}
        assert violations


# --- the seal and the check of every chunk --------------------------------------------


def examine_trusting(place: Place) -> list[str]:
    """Trust the files of an index as they are."""
    take_away(GenerationFiles, "sealed", lambda *_: "whole")
    return examine(place).violations


def examine_unverified(place: Place) -> list[str]:
    """Believe that every chunk was found."""
    take_away(IndexProcess, "run", lambda *_, **__: [])
    return examine(place).violations


@pytest.fixture
def damaged(lives: Lives, tmp_path: Path) -> Place:
    """A library, closed well, whose graph of vectors then lost its second half; Chroma does not notice."""
    place = Place(tmp_path / "place")
    lives.run(beginning, place, DOCUMENTS, SENTENCES)
    assert Damage(f"{SEGMENT}data_level0.bin", halved).do(place.home)
    return place


def crash(place: Place) -> None:
    """Make the end look like a crash: no seal, and a lock with an owner."""
    for seal in (place.home / "index").glob("*/sealed.json"):
        seal.unlink()
    (place.home / "owner.lock").write_text('{"pid": 1}')


def test_without_the_seal_a_damaged_index_answers(lives: Lives, damaged: Place) -> None:
    assert lives.run(examine_trusting, damaged)


def test_without_the_check_of_every_chunk_a_damaged_index_answers_after_a_crash(lives: Lives, damaged: Place) -> None:
    crash(damaged)
    assert lives.run(examine_unverified, damaged)


@pytest.mark.parametrize("crashed", [True, False], ids=["after a crash", "after a good end"])
def test_with_both_it_is_built_anew(lives: Lives, damaged: Place, crashed: bool) -> None:
    if crashed:
        crash(damaged)
    assert lives.run(examine, damaged).violations == []


# --- deleting the files of former generations -----------------------------------------


def erase_with_or_without_files(place: Place, doomed: int, net: bool) -> list[str]:
    if not net:
        take_away(GenerationFiles, "remove", lambda *_: None)
        take_away(GenerationFiles, "remove_strangers", lambda *_: None)
    return erase(place, doomed)


@both
def test_without_deleting_former_files_erased_vectors_are_left(lives: Lives, tmp_path: Path, net: bool) -> None:
    place, doomed = Place(tmp_path / "place"), 4
    needles = lives.run(fill, place, doomed)
    lives.run(erase_with_or_without_files, place, doomed, net)
    left = places(place.home, needles)
    assert bool(left) is not net
