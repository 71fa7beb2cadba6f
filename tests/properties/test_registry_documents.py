"""Documents come, change, go and come back in any order; answers only ever see what they may."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from citewise.errors import NotAllowedError
from citewise.registry import collections, documents, removal, serving
from citewise.registry.database import Registry
from tests.unit.registry.making import join, publish, receive, save

COLLECTIONS = ("one", "two")
SOURCES = ("a.txt", "b.txt", "c.txt")


@dataclass
class Model:
    collection: str
    source: str
    deleted: bool = False
    enabled: bool = True
    serving: int | None = None
    hashes: dict[int, str] = field(default_factory=dict)
    chunks: dict[int, set[str]] = field(default_factory=dict)  # by version
    ready: set[int] = field(default_factory=set)

    @property
    def newest(self) -> int:
        return max(self.hashes)


class DocumentMachine(RuleBasedStateMachine):
    versions = Bundle("versions")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.registry = Registry(Path(self.folder.name))
        self.model: dict[str, Model] = {}
        self.ever: dict[str, str] = {}  # every chunk id there ever was → its text

    @initialize(target=versions)
    def begin_with_documents_that_serve(self) -> MultipleResults[tuple[str, int]]:
        with self.registry.write() as tx:
            self.ids = {name: collections.ensure(tx, name) for name in COLLECTIONS}
        begun = [self.add(name, "a.txt", "x") for name in COLLECTIONS]
        for of in begun:
            self.read(of, "some words")
            self.publish(of)
        return multiple(*begun)

    def living(self, collection: str, source: str) -> str | None:
        return next(
            (
                document_id
                for document_id, one in self.model.items()
                if (one.collection, one.source, one.deleted) == (collection, source, False)
            ),
            None,
        )

    @rule(
        target=versions,
        collection=st.sampled_from(COLLECTIONS),
        source=st.sampled_from(SOURCES),
        content_hash=st.sampled_from("xyz"),
    )
    def add(self, collection: str, source: str, content_hash: str) -> tuple[str, int]:
        expected = self.living(collection, source)
        with self.registry.write() as tx:
            document_id, version = receive(tx, source, collection=collection, content_hash=content_hash)
        if expected is None:
            assert document_id not in self.model, "an id was used again"
            self.model[document_id] = Model(collection, source)
            assert version == 1
        else:
            assert (document_id, version) == (expected, self.model[expected].newest + 1)
        self.model[document_id].hashes[version] = content_hash
        return document_id, version

    @rule(of=versions, text=st.text("ab ", min_size=1, max_size=30))
    def read(self, of: tuple[str, int], text: str) -> None:
        one = self.model.get(of[0])
        if one is None or of[1] in one.ready:
            return
        with self.registry.write() as tx:
            chunks = save(tx, *of, text)
        one.chunks[of[1]] = {chunk.id for chunk in chunks}
        self.ever |= {chunk.id: chunk.text for chunk in chunks}

    @rule(of=versions)
    def publish(self, of: tuple[str, int]) -> None:
        with self.registry.write() as tx:
            published = publish(tx, *of)
        one = self.model.get(of[0])
        if one is None:
            assert not published
            return
        one.ready.add(of[1])
        one.serving = max(of[1], one.serving or 0)
        assert published == (one.serving == of[1])

    @rule(of=versions)
    def remove(self, of: tuple[str, int]) -> None:
        document_id = of[0]
        one = self.model.get(document_id)
        with self.registry.write() as tx:
            assert removal.remove(tx, [document_id]) == (one is not None and not one.deleted)
        if one:
            one.deleted = True

    @rule(of=versions)
    def restore(self, of: tuple[str, int]) -> None:
        document_id = of[0]
        one = self.model.get(document_id)
        taken = one is not None and one.deleted and self.living(one.collection, one.source) is not None
        try:
            with self.registry.write() as tx:
                restored = removal.restore(tx, [document_id])
        except NotAllowedError:
            assert taken
            return
        assert not taken
        assert restored == (one is not None and one.deleted)
        if one:
            one.deleted = False

    @rule(of=versions, enabled=st.booleans())
    def enable(self, of: tuple[str, int], enabled: bool) -> None:
        one = self.model.get(of[0])
        changes = one is not None and not one.deleted and one.enabled != enabled
        with self.registry.write() as tx:
            assert documents.set_enabled(tx, [of[0]], enabled=enabled) == changes
        if one and changes:
            one.enabled = enabled

    @rule(of=versions, collection=st.sampled_from(COLLECTIONS))
    def move(self, of: tuple[str, int], collection: str) -> None:
        one = self.model.get(of[0])
        moves = one is not None and not one.deleted and one.collection != collection
        taken = one is not None and moves and self.living(collection, one.source) is not None
        try:
            with self.registry.write() as tx:
                moved = documents.move(tx, [of[0]], self.ids[collection])
        except NotAllowedError:
            assert taken
            return
        assert not taken
        assert moved == moves
        if one and moves:
            one.collection = collection

    @rule(of=consumes(versions))
    def purge(self, of: tuple[str, int]) -> None:
        document_id = of[0]
        with self.registry.write() as tx:
            purged = removal.purge(tx, [document_id])
        one = self.model.pop(document_id, None)
        assert purged.documents == (one is not None)
        if one:
            assert set(purged.chunk_ids) == {chunk_id for ids in one.chunks.values() for chunk_id in ids}
            needed = {content_hash for other in self.model.values() for content_hash in other.hashes.values()}
            assert set(purged.content_hashes) == set(one.hashes.values()) - needed

    @invariant()
    def answers_see_only_what_they_may(self) -> None:
        with self.registry.read() as rx:
            for name in COLLECTIONS if self.model else ():
                allowed = {
                    chunk_id
                    for one in self.model.values()
                    if one.collection == name and one.enabled and not one.deleted and one.serving is not None
                    for chunk_id in one.chunks.get(one.serving, ())
                }
                joined = join(rx, list(self.ever), self.ids[name])
                assert joined.keys() == allowed
                assert all(hit.chunk.text == self.ever[chunk_id] for chunk_id, hit in joined.items())
                matched = serving.match(rx, self.ids[name], {})
                assert matched == {
                    document_id
                    for document_id, one in self.model.items()
                    if one.collection == name and one.enabled and not one.deleted and one.serving is not None
                }

    @invariant()
    def the_list_is_what_there_is(self) -> None:
        with self.registry.read() as rx:
            listed = documents.list_documents(rx)
            counted = {found.name: found.documents for found in collections.list_all(rx)}
        assert {
            (found.id, found.collection, found.source, found.version, found.serving_version, found.content_hash)
            for found in listed
        } == {
            (document_id, one.collection, one.source, one.newest, one.serving, one.hashes[one.newest])
            for document_id, one in self.model.items()
            if not one.deleted
        }
        for name, count in counted.items():
            served = [one for one in self.model.values() if one.collection == name and one.serving and not one.deleted]
            assert count == len(served)

    @invariant()
    def what_is_read_matches_the_rows(self) -> None:
        for document_id, one in self.model.items():
            for version, ids in one.chunks.items():
                with self.registry.read() as rx:
                    assert {chunk.id for chunk in documents.chunks(rx, document_id, version)} == ids

    def teardown(self) -> None:
        self.registry.close()
        self.folder.cleanup()


TestDocumentMachine = DocumentMachine.TestCase
TestDocumentMachine.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
