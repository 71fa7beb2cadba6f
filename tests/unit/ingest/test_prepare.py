from __future__ import annotations

import pytest

from citewise.ingest.parse.text import document_from_text
from citewise.ingest.prepare import cut, splitter_for
from tests.fakes import HashEmbedder

TEXT = " ".join(
    f"In year {number} the ferry crossed the sound and carried the crew of every boat." for number in range(900)
)


class StopError(Exception):
    pass


def test_sizes_are_fitted_to_what_the_model_reads_and_named_with_the_strategy() -> None:
    splitter = splitter_for(HashEmbedder(), strategy="sentence", size=8192, overlap=300)
    assert (splitter.size, splitter.overlap) == (254, 127)
    assert splitter.fingerprint == "sentence/1:254:127:fake-hash-64"


def test_cutting_by_meaning_can_be_ended_between_two_batches() -> None:
    embedder = HashEmbedder()
    asked = []

    def check() -> None:
        asked.append(True)
        if len(asked) == 2:
            raise StopError

    with pytest.raises(StopError):
        cut(
            document_from_text(TEXT, source="a.txt"),
            document_id="d",
            version=1,
            title="",
            splitter=splitter_for(embedder, strategy="semantic", size=200, overlap=24),
            token_spans=embedder.token_spans,
            check=check,
        )


def test_chunks_have_ids_of_their_way_of_cutting() -> None:
    embedder = HashEmbedder()
    ids = []
    for strategy in ("recursive", "semantic"):
        chunks = cut(
            document_from_text("The ferry crosses the sound.", source="a.txt"),
            document_id="d",
            version=1,
            title="Boats",
            splitter=splitter_for(embedder, strategy=strategy, size=200, overlap=24),
            token_spans=embedder.token_spans,
            check=lambda: None,
        )
        assert [(chunk.text, chunk.context) for chunk in chunks] == [("The ferry crosses the sound.", "Boats")]
        ids += [chunk.id for chunk in chunks]
    assert len(set(ids)) == 2
