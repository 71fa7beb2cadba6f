"""Fifty readers and ten uploaders at the same time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from citewise.errors import CitewiseError
from citewise.types import Query
from tests.faults.conftest import how_many
from tests.faults.engines import opened, wait_for_rest
from tests.faults.lives import Lives, Place
from tests.faults.oracle import examine
from tests.faults.scripts import beginning
from tests.faults.texts import own_word, text_for
from tests.faults.workloads import Deeds

READERS, UPLOADERS, DOCUMENTS = 50, 10, 10


def crowd(place: Place, seconds: float) -> tuple[int, int, list[str]]:
    """Let everybody at it for so long; how many questions and uploads there were, and what went wrong."""
    engine = opened(place.home)
    wait_for_rest(engine)
    life = Deeds(engine, place)
    over = time.monotonic() + seconds
    asked, sent, wrong = [0] * READERS, [0] * UPLOADERS, []

    def read(me: int) -> None:
        chance = random.Random(me)  # noqa: S311 - chance, not a secret
        while time.monotonic() < over:
            word = own_word(f"old {chance.randrange(DOCUMENTS)}")
            try:
                hits = engine.search(Query(f"the {word} number")).hits
            except CitewiseError as error:
                wrong.append(f"A question failed: {error}")
                return
            if not hits or word not in hits[0].chunk.text:
                wrong.append(f"The word {word} was not found.")
            asked[me] += 1
            time.sleep(chance.random() * 0.5)

    def upload(me: int) -> None:
        while time.monotonic() < over:
            source, text = f"new-{me}-{sent[me] % 4}.txt", text_for(f"new {me} {sent[me]}", sentences=8)
            if not life.wait(life.add(source, text)):
                wrong.append(f"{source} was not ready after a minute.")
            sent[me] += 1

    threads = [threading.Thread(target=read, args=(n,)) for n in range(READERS)]
    threads += [threading.Thread(target=upload, args=(n,)) for n in range(UPLOADERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong += [f"An upload was refused: {error}" for error in life.book.account.refusals]
    engine.close()
    return sum(asked), sum(sent), wrong


def test_readers_and_uploaders_at_once_meet_no_error(
    lives: Lives, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    place, seconds = Place(tmp_path / "place"), how_many(20, 600)
    lives.run(beginning, place, DOCUMENTS, 20)
    asked, sent, wrong = lives.run(crowd, place, seconds, timeout_s=seconds + 120)
    wrong += lives.run(examine, place).violations
    figures(
        f"{READERS} readers and {UPLOADERS} uploaders at once for {seconds} s: "
        f"{asked:,} questions, {sent:,} uploads, {len(wrong)} violations"
    )
    assert not wrong, "\n".join(wrong[:20])
