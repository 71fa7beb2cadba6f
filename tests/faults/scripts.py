"""Lives by a script: together they pass every failpoint, so that each can be the place of a kill."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable

from citewise.failpoints import on_failpoint
from citewise.registry.restore import restore_backup
from tests.faults.engines import opened, unrest, until, wait_for_rest
from tests.faults.lives import Place
from tests.faults.texts import text_for
from tests.faults.workloads import Deeds

OLD = 5  # documents that are there when a script begins


def beginning(place: Place, documents: int = OLD, sentences: int = 4) -> None:
    """A small library, closed well; what most scripts begin with."""
    engine = opened(place.home)
    life = Deeds(engine, place)
    jobs = [life.add(f"old-{n}.txt", text_for(f"old {n}", sentences=sentences)) for n in range(documents)]
    assert life.wait(*jobs, seconds=60 + documents * sentences / 50), "the library could not be made"
    assert not wait_for_rest(engine)
    engine.close()


def everyday(place: Place) -> None:
    """Add, replace, remove, bring back, erase; then an end that is no crash."""
    engine = opened(place.home)
    life = Deeds(engine, place)
    life.wait(life.add("new.md", f"# {text_for('new', sentences=3)}", as_file=True))
    life.wait(life.add("old-0.txt", text_for("old 0 anew", sentences=5)))
    first, second, *_ = life.book.account.by_state("present")
    life.remove(first)
    life.restore(first)
    until(lambda: not unrest(engine))
    life.remove(second, purge=True)
    until(lambda: not unrest(engine))
    engine.close()


def indexes(place: Place) -> None:
    """Build anew, embed anew, switch, roll back, compact."""
    engine = opened(place.home)
    life = Deeds(engine, place)
    life.index("rebuild")
    life.index("reembed", model="fake:96", switch=True)
    life.index("rollback")
    life.remove(life.book.account.by_state("present")[0], purge=True)
    life.index("compact")
    life.index("verify")
    engine.close()


def recut(place: Place) -> None:
    """Cut documents in another way, first by updating them in place, then by a generation beside."""
    engine = opened(place.home, split={"size": 64, "overlap": 4})
    life = Deeds(engine, place)
    life.index("update")
    life.index("reembed", model="fake:80")
    life.index("switch")
    engine.close()


def repair(place: Place) -> None:
    """Open an index whose words are gone, and build it anew."""
    for folder in (place.home / "index").glob("*/keyword"):
        shutil.rmtree(folder)
    engine = opened(place.home)
    life = Deeds(engine, place)
    life.add("late.txt", text_for("late", sentences=3))
    until(lambda: not unrest(engine), seconds=60)
    engine.close()


def watch(place: Place) -> None:
    """Take documents from a watched folder."""
    engine = opened(place.home)
    life = Deeds(engine, place)
    folder, text = place.root / "watched", text_for("watched", sentences=3)
    folder.mkdir(exist_ok=True)
    number = life.book.intend("add", source="watched.txt", content_hash=hashlib.sha256(text.encode()).hexdigest())
    (folder / "watched.txt").write_text(text)
    engine.watch_folder(folder)
    until(lambda: any(document.source == "watched.txt" for document in engine.documents()))
    until(lambda: not unrest(engine))
    (document,) = (document for document in engine.documents() if document.source == "watched.txt")
    life.book.acknowledge(number, document_id=document.id, version=document.version)
    engine.close()


def back_up(place: Place) -> None:
    """Write a backup, put it in the place of what is there, and go on."""
    engine = opened(place.home)
    engine.backup(place.root / "backup.zip")
    engine.close()
    restore_backup(place.root / "backup.zip", place.home)
    engine = opened(place.home)
    life = Deeds(engine, place)
    life.wait(life.add("after.txt", text_for("after", sentences=3)))
    engine.close()


SCRIPTS: dict[str, Callable[[Place], None]] = {
    script.__name__: script for script in (beginning, everyday, indexes, recut, repair, watch, back_up)
}


def failpoints_of(place: Place, name: str) -> Counter[str]:
    """Follow a script to its end; how often it came to each failpoint."""
    passed: Counter[str] = Counter()
    on_failpoint(lambda failpoint: passed.update([failpoint]))
    SCRIPTS[name](place)
    return passed
