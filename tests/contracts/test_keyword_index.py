"""What every keyword index must do, whatever is behind it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from citewise.errors import StoreError
from citewise.index.tantivy import TantivyIndex
from citewise.protocols import KeywordIndex
from citewise.types import Chunk

Open = Callable[[Path], KeywordIndex]

BACK_ENDS: dict[str, Open] = {"tantivy": lambda directory: TantivyIndex(directory, create=True)}


@pytest.fixture(params=BACK_ENDS)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeywordIndex]:
    opened = BACK_ENDS[request.param](tmp_path / "index")
    yield opened
    opened.close()


def chunk(chunk_id: str, text: str, *, document: str = "d", context: str = "") -> Chunk:
    return Chunk(
        id=chunk_id,
        document_id=document,
        version=1,
        ordinal=0,
        start=0,
        end=len(text),
        page_first=None,
        page_last=None,
        headings=(),
        text=text,
        context=context,
    )


def ids(found: list[tuple[str, float]]) -> list[str]:
    return [chunk_id for chunk_id, _ in found]


def find(index: KeywordIndex, text: str) -> list[str]:
    return ids(index.search(text, k=10, collection_id="c"))


def test_the_chunk_with_more_and_rarer_words_comes_first(index: KeywordIndex) -> None:
    index.upsert(
        [
            chunk("common", "the pump is on the floor"),
            chunk("both", "the pump has an impeller"),
            chunk("none", "a garden in spring"),
            chunk("rare", "every impeller wears out"),
        ],
        collection_id="c",
    )
    found = index.search("pump impeller", k=10, collection_id="c")
    assert found[0][0] == "both"
    assert set(ids(found)) == {"both", "common", "rare"}
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert all(score > 0 for _, score in found)


def test_word_forms_case_and_accents_do_not_matter(index: KeywordIndex) -> None:
    index.upsert([chunk("a", "Résumés of RUNNING engines")], collection_id="c")
    assert find(index, "resume") == ["a"]
    assert find(index, "engine runs") == ["a"]
    assert find(index, "e\u0301ngine") == ["a"]


def test_ligatures_of_a_pdf_are_found(index: KeywordIndex) -> None:
    index.upsert([chunk("a", "the ﬁlter of the pump")], collection_id="c")
    assert find(index, "filter") == ["a"]


def test_title_and_headings_are_searched_too(index: KeywordIndex) -> None:
    index.upsert([chunk("a", "It lasts two years.", context="Warranty of the pump")], collection_id="c")
    assert find(index, "warranty") == ["a"]


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("TS-999", "TS TS TS 999 999 ts 999"),
        ("3.14", "3 14 3 14 3 14"),
        ("POST /api/v2/users/reset-password", "post api v2 users reset password " * 3),
        ("read_only_mode", "read only mode read only mode"),
        ("C++", "c c c c"),
    ],
)
def test_a_whole_identifier_comes_before_its_scattered_parts(index: KeywordIndex, identifier: str, parts: str) -> None:
    index.upsert(
        [
            chunk("parts", parts),
            chunk("whole", f"In a much longer text that talks of other things there stands ({identifier}), just once."),
            chunk("other", "Nothing of the kind."),
        ],
        collection_id="c",
    )
    assert find(index, f"What is {identifier}?")[0] == "whole"


GERMAN = "Die Häuser der Stadt wurden von den Bürgern nach dem Krieg wieder aufgebaut und sind heute bewohnt."
SPANISH = "Las ciudades de la costa fueron construidas por los romanos y se conservan en la actualidad."
ENGLISH = "The houses of the town were built again by the citizens after the war and are lived in today."


def test_each_language_of_a_collection_is_stemmed_by_its_own_rules(index: KeywordIndex) -> None:
    index.upsert([chunk("de", GERMAN), chunk("es", SPANISH), chunk("en", ENGLISH)], collection_id="c")
    assert find(index, "Haus")[0] == "de"
    assert find(index, "romano")[0] == "es"
    assert find(index, "house")[0] == "en"
    assert find(index, "construida")[:1] == ["es"]


def test_a_text_that_shows_no_language_has_that_of_its_document(index: KeywordIndex) -> None:
    table = chunk("table", "Häuser | 12\nGärten | 7", document="german")
    index.upsert([chunk("text", GERMAN, document="german"), table], collection_id="c")
    assert "table" in find(index, "Garten")


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("机器学习是人工智能的一个分支。", "什么是机器学习？"),
        ("東京タワーの高さは333メートルです。", "東京タワーの高さ"),
        ("หอไอเฟลสูงสามร้อยเมตร", "ความสูงของหอไอเฟล"),
        ("이 펌프는 물을 옮긴다.", "펌프"),
        ("这条龙很大。", "龙"),
        ("型号TS-999的泵。", "TS-999"),
        ("请在第3章查看iPhone手机壳的价格", "iPhone 手机壳"),
    ],
)
def test_writing_without_spaces_is_found(index: KeywordIndex, text: str, question: str) -> None:
    index.upsert([chunk("wanted", text), chunk("other", "银行今天不开门。駅は遠い。ฝนตก 비가 온다")], collection_id="c")
    assert find(index, question)[:1] == ["wanted"]


@pytest.mark.parametrize("question", ["getUserName", "get user name", "INV2024", "inv 2024", "user-name"])
def test_names_written_together_are_found_whole_and_by_their_parts(index: KeywordIndex, question: str) -> None:
    index.upsert([chunk("a", "Call getUserName() for INV2024-0017."), chunk("b", "Nothing of it.")], collection_id="c")
    assert find(index, question) == ["a"]


def test_a_name_written_together_is_looked_for_in_its_parts(index: KeywordIndex) -> None:
    index.upsert([chunk("a", "The pump TS-999 and its user name.")], collection_id="c")
    assert find(index, "TS999") == ["a"]
    assert find(index, "userName") == ["a"]


def test_phrases_narrow_the_search_to_words_in_this_order(index: KeywordIndex) -> None:
    index.upsert(
        [
            chunk("phrase", "The net zero target of the town."),
            chunk("scattered", "A zero was caught in the net. A target for the town."),
            chunk("chinese", "机器学习很有用。"),
            chunk("german", "Die Häuser der Stadt sind alt und die Gärten der Bürger nicht."),
        ],
        collection_id="c",
    )

    def having(*phrases: str, text: str = "target town") -> list[str]:
        return ids(index.search(text, k=10, collection_id="c", phrases=phrases))

    assert having("Net  Zero") == ["phrase"]
    assert having("net zero", "the town") == ["phrase"]
    assert having("net zero", text="") == ["phrase"]
    assert having("器学习") == ["chinese"]
    assert having("习") == ["chinese"]
    assert having("Häuser der Stadt") == ["german"]
    assert having("net zero", "absent") == []
    assert having("?!") == ids(index.search("target town", k=10, collection_id="c"))


def test_collection_and_documents_narrow_the_search(index: KeywordIndex) -> None:
    index.upsert([chunk("a", "pump", document="x"), chunk("b", "pump", document="y")], collection_id="c")
    index.upsert([chunk("foreign", "pump", document="x")], collection_id="other")
    assert find(index, "pump") == ["a", "b"]
    assert ids(index.search("pump", k=10, collection_id="c", document_ids={"y", "unknown"})) == ["b"]
    assert index.search("pump", k=10, collection_id="c", document_ids=[]) == []
    assert index.search("pump", k=10, collection_id="unknown") == []


def test_filters_do_not_change_scores(index: KeywordIndex) -> None:
    index.upsert([chunk("a", "pump", document="x"), chunk("b", "a pump and a valve")], collection_id="c")
    everything = dict(index.search("pump", k=10, collection_id="c"))
    assert dict(index.search("pump", k=10, collection_id="c", document_ids=["x"])) == {"a": everything["a"]}


def test_equal_scores_come_in_order_of_id_and_k_limits(index: KeywordIndex) -> None:
    index.upsert([chunk(name, "pump") for name in "edcba"], collection_id="c")
    assert ids(index.search("pump", k=3, collection_id="c")) == ["a", "b", "c"]


def test_a_chunk_is_overwritten_and_deleted_by_id(index: KeywordIndex) -> None:
    index.upsert([chunk("a", "pump"), chunk("b", "valve")], collection_id="c")
    index.upsert([chunk("a", "engine")], collection_id="c")
    assert find(index, "pump") == []
    assert find(index, "engine") == ["a"]
    assert index.count() == 2
    index.delete(["a", "unknown"])
    index.delete([])
    assert index.present(["a", "b"]) == {"b"}
    assert index.count() == 1


def test_of_one_id_given_twice_the_later_counts(index: KeywordIndex) -> None:
    index.upsert([chunk("a", "pump"), chunk("a", "engine")], collection_id="c")
    assert (index.count(), find(index, "pump"), find(index, "engine")) == (1, [], ["a"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        '"',
        "((((",
        "pump AND NOT (",
        "words:pump^1000 *",
        "+pump -valve ~2 [a TO b] {x}",
        "pump \x00 \ud800",
        "pump " * 20_000,
        "x" * 100_000 + " pump",
        " ".join(f"word{number}" for number in range(20_000)) + " pump",
    ],
)
def test_any_text_is_a_valid_question(index: KeywordIndex, text: str) -> None:
    index.upsert([chunk("a", "pump")], collection_id="c")
    assert find(index, text) == (["a"] if "pump" in text else [])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec=None), max_size=200))
def test_any_text_can_be_indexed_and_found_by_its_words(index: KeywordIndex, text: str) -> None:
    index.upsert([chunk("a", f"beacon, {text}")], collection_id="c")
    index.search(text, k=3, collection_id="c")
    assert find(index, "beacon") == ["a"]


@pytest.mark.parametrize("name", BACK_ENDS)
def test_reopening_keeps_everything(name: str, tmp_path: Path) -> None:
    first = BACK_ENDS[name](tmp_path / "index")
    first.upsert([chunk("a", "pump"), chunk("b", "pump")], collection_id="c")
    first.delete(["b"])
    first.close()
    second = BACK_ENDS[name](tmp_path / "index")
    assert find(second, "pump") == ["a"]
    second.close()


@pytest.mark.parametrize("name", BACK_ENDS)
def test_a_closed_index_says_so(name: str, tmp_path: Path) -> None:
    index = BACK_ENDS[name](tmp_path / "index")
    index.close()
    index.close()
    with pytest.raises(StoreError, match="closed"):
        index.search("pump", k=1, collection_id="c")


def test_searching_while_writing_sees_whole_states_only(index: KeywordIndex) -> None:
    index.upsert([chunk(name, "pump") for name in "abc"], collection_id="c")
    seen: list[int] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            seen.append(len(find(index, "pump")))

    readers = [threading.Thread(target=search) for _ in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(10):
        index.upsert([chunk(name, "pump") for name in "defg"], collection_id="c")
        index.delete(list("defg"))
    stop.set()
    for reader in readers:
        reader.join()
    assert set(seen) <= {3, 7}


NAMES = st.sampled_from([f"chunk {number}" for number in range(8)])
WORDS = ("pump", "valve", "engine", "filter")


class AgreesWithADictionary(RuleBasedStateMachine):
    """Any sequence of writes leaves the index in agreement with a plain dictionary."""

    open: Open

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.index = type(self).open(Path(self.folder.name))
        self.model: dict[str, tuple[str, Chunk]] = {}

    def teardown(self) -> None:
        if hasattr(self, "index"):
            self.index.close()
            self.folder.cleanup()

    @rule(
        names=st.lists(NAMES, min_size=1, max_size=4),
        words=st.sets(st.sampled_from(WORDS), min_size=1),
        collection=st.sampled_from("xy"),
        document=st.sampled_from("de"),
    )
    def upsert(self, names: list[str], words: set[str], collection: str, document: str) -> None:
        chunks = [chunk(name, " ".join(sorted(words)), document=document) for name in names]
        self.index.upsert(chunks, collection_id=collection)
        self.model.update({item.id: (collection, item) for item in chunks})

    @rule(names=st.lists(NAMES, max_size=4))
    def delete(self, names: list[str]) -> None:
        self.index.delete(names)
        for name in names:
            self.model.pop(name, None)

    @rule(
        words=st.sets(st.sampled_from(WORDS), min_size=1),
        collection=st.sampled_from("xy"),
        documents=st.none() | st.sets(st.sampled_from("de")),
    )
    def search(self, words: set[str], collection: str, documents: set[str] | None) -> None:
        found = self.index.search(" ".join(words), k=20, collection_id=collection, document_ids=documents)
        assert set(ids(found)) == {
            name
            for name, (owner, item) in self.model.items()
            if owner == collection
            and (documents is None or item.document_id in documents)
            and words.intersection(item.text.split())
        }
        assert found == sorted(found, key=lambda item: (-item[1], item[0]))

    @invariant()
    def holds_what_was_written(self) -> None:
        assert self.index.count() == len(self.model)
        assert self.index.present([f"chunk {number}" for number in range(8)]) == set(self.model)


@pytest.mark.parametrize("name", BACK_ENDS)
def test_any_sequence_of_writes_agrees_with_a_dictionary(name: str) -> None:
    machine = type(f"{name}Machine", (AgreesWithADictionary,), {"open": staticmethod(BACK_ENDS[name])})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
