from __future__ import annotations

import numpy as np

from citewise.registry import embeddings
from citewise.registry.database import Registry


def test_vectors_come_back_exactly_and_by_model(registry: Registry) -> None:
    vectors = {f"{number}": np.random.default_rng(number).random(384, np.float32) for number in range(1_203)}
    with registry.write() as tx:
        embeddings.put_many(tx, "one", vectors)
        embeddings.put_many(tx, "two", {"0": vectors["1"]})
        embeddings.put_many(tx, "two", {})
    with registry.read() as rx:
        found = embeddings.get_many(rx, "one", [*vectors, "unknown"])
        assert found.keys() == vectors.keys()
        assert all(np.array_equal(found[key], vectors[key]) and found[key].dtype == np.float32 for key in vectors)
        assert np.array_equal(embeddings.get_many(rx, "two", ["0", "1"])["0"], vectors["1"])
        assert embeddings.get_many(rx, "one", []) == {}


def test_a_vector_that_is_there_stays(registry: Registry) -> None:
    with registry.write() as tx:
        embeddings.put_many(tx, "one", {"a": np.array([1, 2], np.float32)})
        embeddings.put_many(tx, "one", {"a": np.array([3, 4], np.float32), "b": np.array([5, 6], np.float64)})
        found = embeddings.get_many(tx, "one", ["a", "b"])
    assert found["a"].tolist() == [1, 2]
    assert found["b"].tolist() == [5, 6]


def test_the_bytes_are_little_endian_floats(registry: Registry) -> None:
    with registry.write() as tx:
        embeddings.put_many(tx, "one", {"a": np.array([1.5], np.float32)})
        assert tx.exec_driver_sql("SELECT vector FROM embeddings").scalar() == b"\x00\x00\xc0\x3f"
