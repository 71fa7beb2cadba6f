"""Erased documents leave no byte: a raw search of everything finds neither their words nor their vectors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from citewise.registry import held
from citewise.types import Query
from tests.faults.conftest import how_many
from tests.faults.engines import opened, registry_of, wait_for_rest
from tests.faults.lives import Lives, Place
from tests.faults.oracle import examine
from tests.faults.raw import forms, places
from tests.faults.texts import own_word, text_for
from tests.faults.workloads import Deeds

KEPT = 5


def fill(place: Place, doomed: int) -> dict[str, list[bytes]]:
    """Add documents, ask about some that will go, and return what must not be found once they went."""
    engine = opened(place.home)
    life = Deeds(engine, place)
    jobs = [life.add(f"kept-{n}.txt", text_for(f"kept {n}", sentences=6)) for n in range(KEPT)]
    for n in range(doomed):
        heading = f"# {own_word(f'heading {n}')}\n\n"
        jobs.append(life.add(f"doomed-{n}.md", heading + text_for(f"doomed {n}", sentences=6), as_file=n < 2))
    assert life.wait(*jobs, seconds=120)
    wait_for_rest(engine)
    for n in range(2):
        # Not by its own word: questions belong to the person who asked, and stay.
        words = text_for(f"doomed {n}", sentences=6).split("\n\n")[1].split()[6:10]
        turn = engine.ask(f"What number is about {' '.join(words)}?", model="extractive")
        *_, last = engine.watch(turn.id)
        assert any(own_word(f"doomed {n}") in citation.quote for citation in last.answer.citations), last.answer
    sources = {document.id: document.source for document in engine.documents()}
    needles = {f"heading {n}": forms(own_word(f"heading {n}")) for n in range(doomed)}
    needles |= {f"doomed {n}": forms(own_word(f"doomed {n}")) for n in range(doomed)}
    generation = engine.index_status().generation
    assert generation
    for batch in held.vector_batches(registry_of(engine), generation.id, generation.embedder):
        for chunk_id, document_id, _, vector in batch:
            if sources[document_id].startswith("doomed"):
                needles[f"vector of {chunk_id} ({sources[document_id]})"] = [vector or b"none"]
    engine.close()
    return needles


def erase(place: Place, doomed: int) -> list[str]:
    """Erase half of them at once, remove the other half, and compact, which erases those too."""
    wrong: list[str] = []
    engine = opened(place.home)
    wait_for_rest(engine)
    life = Deeds(engine, place)
    for document in engine.documents():
        if document.source.startswith("doomed"):
            life.remove(document.id, purge=int(document.source[7:-3]) % 2 == 0)
    for n in range(doomed):
        if any("doomed" in hit.source for hit in engine.search(Query(f"the {own_word(f'doomed {n}')} number")).hits):
            wrong.append(f"doomed-{n}.md was found after it was removed.")
    life.index("compact", quotes=True)
    engine.close()
    return wrong


def test_nothing_of_erased_documents_is_left_in_any_byte(
    lives: Lives, tmp_path: Path, figures: Callable[[str], None]
) -> None:
    doomed, place = how_many(20, 200), Place(tmp_path / "place")
    needles = lives.run(fill, place, doomed)
    there = places(place.home, needles)
    assert set(needles) - set(there) == set(), "these cannot be found even before, so the search proves nothing"
    wrong = lives.run(erase, place, doomed)
    left = places(place.home, needles)
    # The ledger is this test's own; the log is what the program wrote.
    left |= {name: [*left.get(name, []), "log"] for name, patterns in needles.items() if _in(place.log, patterns)}
    files = sum(path.stat().st_size for path in place.home.rglob("*") if path.is_file())
    figures(
        f"erasure of {doomed} documents, then compact: {len(needles):,} words and vectors looked for in "
        f"{files:,} bytes, {len(left)} found"
    )
    assert left == {}
    wrong += lives.run(examine, place).violations
    assert not wrong, "\n".join(wrong)


def _in(path: Path, patterns: list[bytes]) -> bool:
    content = path.read_bytes()
    return any(pattern in content for pattern in patterns)
