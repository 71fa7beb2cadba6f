from __future__ import annotations

import pytest

from citewise.errors import NotFoundError
from citewise.registry import generations
from citewise.registry.database import Registry
from citewise.types import Generation


def make(registry: Registry) -> Generation:
    with registry.write() as tx:
        return generations.create(tx, embedder="model", splitter="words", dimension=3)


def states(registry: Registry) -> dict[str, str]:
    with registry.read() as rx:
        return {generation.id: generation.state for generation in generations.list_all(rx)}


def test_one_generation_is_active_and_switching_back_works(registry: Registry) -> None:
    first, second = make(registry), make(registry)
    with registry.read() as rx:
        assert generations.active(rx) is None
        assert generations.list_all(rx) == [second, first]
    for active, other in ((first, second), (second, first), (first, second)):
        with registry.write() as tx:
            generations.publish(tx, active.id)
            generations.publish(tx, active.id)
            found = generations.active(tx)
        assert found is not None
        assert found.id == active.id
        assert states(registry)[active.id] == "active"
        assert states(registry)[other.id] in ("building", "retired")


def test_a_broken_generation_stays_marked_when_another_takes_its_place(registry: Registry) -> None:
    broken, rebuilt = make(registry), make(registry)
    with registry.write() as tx:
        generations.publish(tx, broken.id)
        generations.set_state(tx, broken.id, "broken")
        found = generations.active(tx)
        assert found is not None
        assert found.state == "broken"
        generations.publish(tx, rebuilt.id)
    assert states(registry) == {broken.id: "broken", rebuilt.id: "active"}


def test_an_unknown_generation_changes_nothing(registry: Registry) -> None:
    first = make(registry)
    with registry.write() as tx:
        generations.publish(tx, first.id)
    with pytest.raises(NotFoundError, match="generation"), registry.write() as tx:
        generations.publish(tx, "unknown")
    assert states(registry) == {first.id: "active"}
