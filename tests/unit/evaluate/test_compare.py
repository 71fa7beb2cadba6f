from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from citewise.answer.sentences import sentence_spans
from citewise.errors import QuestionError, StoreError
from citewise.evaluate.compare import Place, Probe, asked_before, compare, of_folder, sentences
from citewise.registry import conversations, documents, removal, turns
from citewise.registry.database import Registry
from citewise.types import Answer, Chunk, ScoredChunk, SearchResult
from tests.unit.registry.making import serve
from tests.unit.registry.test_quotes import answer_of, cited

ISLAND = (
    "The lighthouse on the northern cliff was built by hand in a single summer of calm weather. "
    "Its keeper wrote every evening into the book of the station what the sea had brought that day. "
    "Supplies came twice a month with the small grey ferry that the fishermen of Oban sailed."
)
SECOND = ISLAND.index("Its keeper")
THIRD = ISLAND.index("Supplies")


class Index:
    """A generation that cuts texts into pieces of ``size`` characters and counts common words; it may be wrong."""

    def __init__(self, texts: Mapping[str, str], *, size: int, deaf_to: str = "\0", ms: float = 2.0) -> None:
        self.pieces = [
            Chunk(
                f"{document}/{size}/{start}",
                document,
                1,
                0,
                start,
                min(start + size, len(text)),
                None,
                None,
                (),
                text[start : start + size],
                "",
            )
            for document, text in texts.items()
            for start in range(0, len(text), size)
        ]
        self.deaf_to = deaf_to
        self.ms = ms

    def search(self, question: str) -> list[ScoredChunk]:
        wanted = set(question.lower().split())
        ranked = sorted(self.pieces, key=lambda chunk: (-len(wanted & set(chunk.text.lower().split())), chunk.id))
        if self.deaf_to in question:
            ranked = ranked[::-1]
        return [
            ScoredChunk(chunk, 1 / rank, rank, {}, f"{chunk.document_id}.txt", "", "")
            for rank, chunk in enumerate(ranked[:10], 1)
        ]


class Both:
    """Both generations, and what was asked of them."""

    def __init__(self, **generations: Index) -> None:
        self.generations = generations
        self.asked: list[str] = []

    def __call__(self, probe: Probe, generation: str) -> SearchResult:
        if probe.text == "refused":
            raise QuestionError("It cannot be asked.")
        self.asked.append(generation)
        index = self.generations[generation]
        hits = tuple(index.search(probe.text))
        return SearchResult(probe.text, probe.text, hits, {"total": index.ms}, generation)


def places(*spans: tuple[int, int], document: str = "d") -> tuple[Place, ...]:
    return tuple(Place(document, 1, *span) for span in spans)


def probe(text: str, *spans: tuple[int, int], document: str = "d") -> Probe:
    return Probe("sentence", text, "default", places(*spans, document=document))


def library() -> dict[str, str]:
    return {
        "d": ISLAND,
        **{f"x{number}": f"Page {number} of another book about nothing at all. " * 4 for number in range(8)},
    }


KEEPER = probe(ISLAND[SECOND : THIRD - 1], (SECOND, THIRD - 1))
FERRY = probe(ISLAND[THIRD:], (THIRD, len(ISLAND)))
HOUSE = probe(ISLAND[: SECOND - 1], (0, SECOND - 1))


def test_places_are_found_by_where_they_stand_though_no_chunk_has_the_same_id() -> None:
    search = Both(old=Index(library(), size=100), new=Index(library(), size=60))
    result = compare([HOUSE, KEEPER, FERRY], search, serving="old", candidate="new", chunks={"old": 27, "new": 44})
    assert (result.serving.recall_at_5, result.candidate.recall_at_5) == (1.0, 1.0)
    assert (result.serving.chunks, result.candidate.chunks) == (27, 44)
    assert (result.places, result.questions, result.worse, result.got_worse) == (3, {"sentence": 3}, 0, ())
    assert result.sentence == (
        "The new generation finds 100.0 % of 3 places in the first five hits, the serving one 100.0 %."
    )


def test_a_generation_that_misses_a_place_is_told_with_its_question() -> None:
    search = Both(old=Index(library(), size=100), new=Index(library(), size=100, deaf_to="Supplies"))
    asked = Probe(
        "asked", "Which small grey ferry brought Supplies twice a month?", "default", places((THIRD, len(ISLAND)))
    )
    result = compare([KEEPER, FERRY, asked], search, serving="old", candidate="new", chunks={})
    assert (result.serving.recall_at_5, result.candidate.recall_at_5) == (1.0, 0.3333)
    assert (result.serving.mrr_at_10, result.candidate.mrr_at_10) == (1.0, 0.3333)
    assert (result.better, result.worse) == (0, 2)
    told = {one.kind: one for one in result.got_worse}
    assert (told["asked"].question, told["asked"].before, told["asked"].after) == (asked.text, 1, None)
    assert (told["sentence"].question, told["sentence"].place) == ("", FERRY.places[0]), "no words of a document"
    assert "Supplies came" not in json.dumps(result.as_json())
    back = compare([KEEPER, FERRY], search, serving="new", candidate="old", chunks={})
    assert (back.better, back.worse) == (1, 0)


def test_half_of_a_place_must_be_in_a_hit_and_a_foreign_version_never_counts() -> None:
    def ranks(start: int, end: int, *, version: int = 1, document: str = "d") -> tuple[int | None, ...]:
        chunk = Chunk("c", document, version, 0, start, end, None, None, (), "", "")
        return probe("?", (100, 200)).ranks([ScoredChunk(chunk, 1.0, 1, {}, "", "", "")])

    assert ranks(100, 200) == ranks(0, 150) == ranks(150, 900) == ranks(120, 130) == (1,)
    assert ranks(0, 149) == ranks(151, 900) == ranks(200, 300) == (None,)
    assert ranks(100, 200, version=2) == ranks(100, 200, document="e") == (None,)


def test_agreement_counts_hits_that_stand_where_the_others_do() -> None:
    same = Both(old=Index(library(), size=100), new=Index(library(), size=100))
    assert compare([KEEPER, FERRY], same, serving="old", candidate="new", chunks={}).agreement == 1.0
    other = Both(old=Index({"d": ISLAND}, size=100), new=Index({"e": ISLAND}, size=100))
    assert compare([KEEPER], other, serving="old", candidate="new", chunks={}).agreement == 0.0
    halves = Both(old=Index({"d": ISLAND}, size=400), new=Index({"d": ISLAND}, size=100))
    assert compare([KEEPER], halves, serving="old", candidate="new", chunks={}).agreement == 1.0


def test_times_are_taken_from_both_in_turns_after_one_question_that_does_not_count() -> None:
    search = Both(old=Index(library(), size=100, ms=2.0), new=Index(library(), size=100, ms=4.0))
    result = compare([HOUSE, KEEPER, FERRY], search, serving="old", candidate="new", chunks={})
    assert (result.serving.mean_ms, result.serving.p95_ms) == (2.0, 2.0)
    assert (result.candidate.mean_ms, result.candidate.p95_ms) == (4.0, 4.0)
    assert search.asked == ["old", "new", "new", "old", "old", "new", "new", "old"]


def test_a_question_that_cannot_be_asked_is_left_out_and_a_broken_index_is_not_hidden() -> None:
    search = Both(old=Index(library(), size=100), new=Index(library(), size=100))
    result = compare([probe("refused", (0, 9)), KEEPER], search, serving="old", candidate="new", chunks={})
    assert (result.questions, result.places) == ({"sentence": 1}, 1)

    def broken(_probe: Probe, _generation: str) -> SearchResult:
        raise StoreError("It is broken.")

    with pytest.raises(StoreError):
        compare([KEEPER], broken, serving="old", candidate="new", chunks={})


def test_progress_is_told_and_an_end_asked_for_is_heeded() -> None:
    search = Both(old=Index(library(), size=100), new=Index(library(), size=100))
    told: list[tuple[int, int]] = []
    result = compare(
        [HOUSE, KEEPER, FERRY],
        search,
        serving="old",
        candidate="new",
        chunks={},
        on_progress=lambda done, total: told.append((done, total)),
        stopping=lambda: len(told) == 2,
    )
    assert told == [(1, 3), (2, 3)]
    assert result.places == 2


def test_nothing_to_ask_is_no_figure() -> None:
    result = compare([], Both(), serving="old", candidate="new", chunks={"old": 0})
    assert (result.serving.recall_at_5, result.candidate.p95_ms, result.agreement) == (None, None, None)
    assert result.sentence.startswith("There was nothing to compare by")
    assert json.loads(json.dumps(result.as_json()))["serving"]["generation"] == "old"


# --- what is asked --------------------------------------------------------------------


def test_sentences_are_taken_evenly_and_the_same_every_time_from_what_answers_come_from(registry: Registry) -> None:
    with registry.write() as tx:
        long, _ = serve(tx, "long.txt", ISLAND * 20)
        short, _ = serve(tx, "short.txt", ISLAND)
        gone, _ = serve(tx, "gone.txt", ISLAND)
        off, _ = serve(tx, "off.txt", ISLAND)
        serve(tx, "rows.txt", "Too short. 1 | 22 | 333 | 4,444 | 55,555 | 6.6 | 7.7 | 8.8 | 9.9 kg.")
        removal.remove(tx, [gone])
        documents.set_enabled(tx, [off], enabled=False)
    taken = sentences(registry, sentence_spans, count=5)
    assert taken == sentences(registry, sentence_spans, count=5)
    assert taken != sentences(registry, sentence_spans, count=5, seed=1)
    assert sorted(Counter(one.places[0].document_id for one in taken).values()) == [2, 3]
    assert {one.places[0].document_id for one in taken} == {long, short}
    for one in taken:
        (place,) = one.places
        with registry.read() as rx:
            assert documents.slice_text(rx, place.document_id, place.version, place.start, place.end) == one.text
    assert len(sentences(registry, sentence_spans, count=50)) <= 50
    assert sentences(registry, sentence_spans, count=0) == []


def test_questions_asked_before_are_taken_with_the_places_that_their_answers_cited(registry: Registry) -> None:
    with registry.write() as tx:
        serving, _ = serve(tx, "a.txt", ISLAND)
        gone, _ = serve(tx, "b.txt", ISLAND)
        removal.remove(tx, [gone])
        conversation = conversations.create(tx, title="", collection="default")
        hidden = conversations.create(tx, title="", collection="default")

        def ask(question: str, answer: Answer, *, of: str = conversation.id) -> None:
            turn = turns.create(tx, conversation_id=of, question=question)
            turns.finish(tx, turn.id, answer)

        def answer(*document_ids: str) -> Answer:
            cites = tuple(cited(marker, each, "quote") for marker, each in enumerate(document_ids, 1))
            return answer_of(("It is so.", (1,)), citations=cites)

        ask("both?", answer(serving, gone))
        ask("both?", answer(serving))
        ask("gone?", answer(gone))
        ask("uncited?", Answer("It is so.", "complete"))
        ask("abstained?", Answer("", "abstained"))
        ask("hidden?", answer(serving), of=hidden.id)
        conversations.delete(tx, hidden.id)
    (one,) = asked_before(registry)
    assert (one.kind, one.text, one.collection) == ("asked", "both?", "default")
    assert one.places == (Place(serving, 1, 3, 8),)
    assert asked_before(registry, count=0) == []


def test_a_question_set_is_judged_by_what_it_knows(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    lines: Sequence[Mapping[str, object]] = [
        {
            "id": "1",
            "question": "What did the keeper write?",
            "answers": ["the book of the station"],
            "document": "d.txt",
        },
        {"id": "2", "question": "Who won?", "answerable": False},
        {"id": "3", "question": "What about the keeper and the ferry?", "document": "none.txt"},
    ]
    (folder / "qa.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    probes = of_folder(folder, collection="notes")
    assert [(one.kind, one.text, one.collection) for one in probes] == [
        ("set", "What did the keeper write?", "notes"),
        ("set", "What about the keeper and the ferry?", "notes"),
    ]
    search = Both(old=Index(library(), size=120), new=Index(library(), size=120))
    result = compare(probes, search, serving="old", candidate="new", chunks={})
    assert (result.places, result.candidate.recall_at_10) == (2, 0.5)


def test_a_retrieval_set_is_judged_by_its_relevant_documents(tmp_path: Path) -> None:
    folder = tmp_path / "beir"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text("")
    queries = [{"_id": "q1", "text": "keeper book station"}, {"_id": "q2", "text": "nothing relevant"}]
    (folder / "queries.jsonl").write_text("".join(json.dumps(line) + "\n" for line in queries))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td.txt\t1\nq1\tz.txt\t0\nq2\tz.txt\t0\n")
    (one,) = of_folder(folder, collection="default")
    assert one.relevant == ("d.txt",)
    assert one.ranks(Index(library(), size=120).search(one.text)) == (1,)


def test_quotes_of_another_version_are_no_places(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", ISLAND)
        conversation = conversations.create(tx, title="", collection="default")
        turn = turns.create(tx, conversation_id=conversation.id, question="Why?")
        turns.finish(tx, turn.id, answer_of(("So.", (1,)), citations=(replace(cited(1, document_id, "q"), version=2),)))
    assert asked_before(registry) == []
