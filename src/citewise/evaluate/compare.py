"""Two generations of the indexes, asked the same questions, before one takes the other's place.

Chunks of two ways of cutting have nothing in common but where they stand. So what is right
is a place, a span of characters in a version of a document, and a hit is right when it
overlaps one.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import and_, select

from citewise.errors import QuestionError
from citewise.evaluate.datasets import Question, load_dataset
from citewise.evaluate.metrics import judge, names_document, overlaps
from citewise.index.generations import Indexes
from citewise.registry import documents as stored
from citewise.registry import held, records
from citewise.registry.cases import Place
from citewise.registry.database import Registry
from citewise.registry.tables import collections, conversations, documents, turns, versions
from citewise.types import Citation, Message, Query, ScoredChunk, SearchResult

Kind = Literal["sentence", "asked", "set"]

SENTENCES = 200
"""Sentences of the documents that are looked for again, at most."""

ASKED = 200
"""Earlier questions that are asked again, at most: the newest."""

K = 10
"""Hits that are looked at."""

_FIRST = 5
_LISTED = 20  # questions that got worse
_LEAST_WORDS, _MOST_WORDS = 8, 40
_LEAST_LETTERS = 0.6  # of a sentence's characters; rows of figures have fewer
_SEED = 20_240_229  # any number, the same every time
_HYPHENATION = re.compile("\u00ad\\s*")  # as chunks are indexed


@dataclass(frozen=True, slots=True)
class Probe:
    """A question, and how to tell right hits from others: by places, or by what a question set knows."""

    kind: Kind
    text: str
    collection: str
    places: tuple[Place, ...] = ()
    question: Question | None = None  # of a question set
    relevant: tuple[str, ...] = ()  # documents of a retrieval set, by name
    history: tuple[Message, ...] = ()

    def ranks(self, hits: Sequence[ScoredChunk]) -> tuple[int | None, ...]:
        """Return for each thing to be found the 1-based rank of the first hit that has it."""
        if self.places:
            return tuple(_first(hits, lambda hit, place=place: _holds(hit, place)) for place in self.places)  # type: ignore[misc]
        if self.relevant:
            return tuple(
                _first(hits, lambda hit, name=name: names_document(hit.source, name))  # type: ignore[misc]
                for name in self.relevant
            )
        return judge(self.question, hits).ranks if self.question else ()


Search = Callable[[Probe, str], SearchResult]
"""Asks a question of the generation of that id; gives at least ``K`` hits, if there are as many."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How one generation did."""

    generation: str
    chunks: int
    found_first: int  # places that were found in the first five hits
    recall_at_5: float | None  # share of all places; None without any
    recall_at_10: float | None
    mrr_at_10: float | None  # mean over questions of 1 / rank of the first right hit
    mean_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Worse:
    """A question whose first right hit moved down or away.

    Words of a document are not stored here, so that they cannot outlive it: a sentence is
    named by its place.
    """

    kind: Kind
    question: str  # empty for a sentence
    place: Place | None
    before: int | None  # rank of the first right hit; None: not among the first ten
    after: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a new generation did beside the serving one."""

    questions: Mapping[str, int]  # by kind
    places: int  # to be found, in all
    serving: Figures
    candidate: Figures
    agreement: float | None  # share of the first five hits that stand where the other generation's do
    better: int  # questions
    worse: int
    got_worse: tuple[Worse, ...]  # the worst of them

    @property
    def sentence(self) -> str:
        """The outcome for a person."""
        new, old = self.candidate.recall_at_5, self.serving.recall_at_5
        if new is None or old is None:
            return "There was nothing to compare by: no document is ready and no question was answered yet."
        places = f"{self.places:,} place{'' if self.places == 1 else 's'}"
        sentence = f"The new generation finds {new:.1%} of {places} in the first five hits, the serving one {old:.1%}."
        return sentence.replace("%", " %")

    def as_json(self) -> dict[str, Any]:
        """The comparison as it is stored and shown."""
        return {**asdict(self), "sentence": self.sentence}


def compare_generations(
    serving: Indexes,
    candidate: Indexes,
    *,
    registry: Registry,
    search: Callable[[Query, Indexes], SearchResult],
    spans_of: Callable[[str], Sequence[tuple[int, int]]],
    options: Mapping[str, Any],
    on_progress: Callable[[int, int], None],
    stopping: Callable[[], bool],
) -> dict[str, Any]:
    """Compare two open generations on sentences of the documents and questions asked before; returns JSON.

    Args:
        serving: The one that answers now.
        candidate: The one that may take its place.
        registry: Has the documents and the questions.
        search: Searches given indexes.
        spans_of: Cuts a text into sentences.
        options: ``questions`` may name a folder with a question set, ``collection`` what it is asked of.
        on_progress: Gets the questions done and their number.
        stopping: Ends the comparison early.
    """
    opened = {one.generation: one for one in (serving, candidate)}
    probes = [*sentences(registry, spans_of), *asked_before(registry)]
    if folder := options.get("questions"):
        probes += of_folder(Path(folder), collection=str(options.get("collection", "default")))
    with registry.read() as rx:
        chunks = {generation: held.chunk_count(rx, generation) for generation in opened}
    return compare(
        probes,
        lambda probe, generation: search(
            Query(probe.text, probe.collection, k=K, history=probe.history), opened[generation]
        ),
        serving=serving.generation,
        candidate=candidate.generation,
        chunks=chunks,
        on_progress=on_progress,
        stopping=stopping,
    ).as_json()


def compare(
    probes: Sequence[Probe],
    search: Search,
    *,
    serving: str,
    candidate: str,
    chunks: Mapping[str, int],
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Comparison:
    """Ask both generations every question.

    Args:
        probes: What to ask, for example from ``sentences``, ``asked_before`` and ``of_folder``.
        search: Asks one question of one generation.
        serving: Id of the generation that answers now.
        candidate: Id of the one that may take its place.
        chunks: How many each of them holds.
        on_progress: Gets the questions done and their number.
        stopping: Asked before each question; what was asked until then counts.

    Raises:
        CitewiseError: A generation could not be searched at all.
    """
    outcomes: list[_Outcome] = []
    if probes:
        for generation in (serving, candidate):  # the first question of all pays for what is loaded
            _asked(search, probes[0], generation)
    for number, probe in enumerate(probes):
        if stopping():
            break
        # In turns, so that neither always finds the caches warm.
        order = (serving, candidate) if number % 2 else (candidate, serving)
        found = {generation: _asked(search, probe, generation) for generation in order}
        old, new = found[serving], found[candidate]
        if old is not None and new is not None:
            outcomes.append(_Outcome(probe, old, new))
        on_progress(number + 1, len(probes))
    moved = [(outcome, outcome.moved()) for outcome in outcomes]
    worst = sorted((one for one in moved if one[1] < 0), key=lambda one: one[1])
    return Comparison(
        questions=dict(Counter(outcome.probe.kind for outcome in outcomes)),
        places=sum(len(outcome.old_ranks) for outcome in outcomes),
        serving=_figures(serving, chunks, [(one.old_ranks, one.old) for one in outcomes]),
        candidate=_figures(candidate, chunks, [(one.new_ranks, one.new) for one in outcomes]),
        agreement=_mean([_agreement(one.old.hits[:_FIRST], one.new.hits[:_FIRST]) for one in outcomes]),
        better=sum(by > 0 for _, by in moved),
        worse=len(worst),
        got_worse=tuple(_worse(outcome) for outcome, _ in worst[:_LISTED]),
    )


# --- what to ask ----------------------------------------------------------------------


def sentences(
    registry: Registry,
    spans_of: Callable[[str], Sequence[tuple[int, int]]],
    *,
    count: int = SENTENCES,
    seed: int = _SEED,
) -> list[Probe]:
    """Take sentences of the documents that answers come from, evenly over the documents.

    Args:
        registry: Has their texts.
        spans_of: Cuts a text into sentences.
        count: How many at most.
        seed: The same one gives the same sentences, as long as the documents stay.
    """
    serving = and_(versions.c.document_id == documents.c.id, versions.c.version == documents.c.serving_version)
    with registry.read() as rx:
        rows = rx.execute(
            select(documents.c.id, versions.c.version, collections.c.name)
            .join(versions, serving)
            .join(collections, collections.c.id == documents.c.collection_id)
            .where(documents.c.deleted_at.is_(None), documents.c.enabled, versions.c.status == "ready")
            .order_by(documents.c.id)
        ).all()
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    chosen = chance.sample(rows, min(count, len(rows)))
    taken: list[list[Probe]] = []
    for document_id, version, collection in chosen:
        with registry.read() as rx:
            text = stored.text(rx, document_id, version)
        good = [span for span in spans_of(text) if _is_good(text[slice(*span)])]
        # Documents with few sentences leave their share to the others.
        some = chance.sample(good, min(len(good), 4 * -(-count // len(chosen))))
        taken.append(
            [
                Probe("sentence", _plain(text[start:end]), collection, (Place(document_id, version, start, end),))
                for start, end in some
            ]
        )
    return list(_in_turns(taken))[:count]


def asked_before(registry: Registry, *, count: int = ASKED) -> list[Probe]:
    """Take questions that were answered with citations of what still serves, the newest first.

    What an answer cited counts as the right place, whatever the check of its sentences said.
    """
    with registry.read() as rx:
        serving = {
            (row.id, row.serving_version)
            for row in rx.execute(
                select(documents.c.id, documents.c.serving_version).where(
                    documents.c.deleted_at.is_(None), documents.c.enabled
                )
            )
        }
        rows = rx.execute(
            select(turns.c.standalone_question, turns.c.citations, conversations.c.collection)
            .join(conversations, conversations.c.id == turns.c.conversation_id)
            .where(conversations.c.deleted_at.is_(None), turns.c.status == "complete")
            .order_by(turns.c.created_at.desc(), turns.c.id)
        ).all()
    found: dict[tuple[str, str], Probe] = {}
    for text, cited, collection in rows:
        places = tuple(
            Place(one.document_id, one.version, one.start, one.end)
            for one in records.load_all(Citation, cited)
            if not one.erased and (one.document_id, one.version) in serving
        )
        if places and len(found) < count:
            found.setdefault((text, collection), Probe("asked", text, collection, places))
    return list(found.values())


def of_folder(folder: Path, *, collection: str) -> list[Probe]:
    """Take the questions of a question set whose right document or answer is known.

    Args:
        folder: See ``citewise.evaluate.datasets``; documents that it brings are not added.
        collection: That they are asked of.

    Raises:
        IngestError: The folder cannot be read.
    """
    dataset = load_dataset(folder)
    probes = []
    for question in dataset.questions:
        relevant = tuple(name for name, grade in dataset.grades.get(question.id, {}).items() if grade > 0)
        if relevant or (question.answerable and question.placed):
            probes.append(
                Probe("set", question.text, collection, question=question, relevant=relevant, history=question.history)
            )
    return probes


def _is_good(sentence: str) -> bool:
    words = sentence.split()
    letters = sum(character.isalpha() for character in sentence)
    return _LEAST_WORDS <= len(words) <= _MOST_WORDS and letters >= _LEAST_LETTERS * len(sentence)


def _plain(sentence: str) -> str:
    return " ".join(_HYPHENATION.sub("", sentence).split())


def _in_turns(groups: Sequence[Sequence[Probe]]) -> Iterator[Probe]:
    """The first of each group, then the second of each, and so on."""
    for number in range(max(map(len, groups), default=0)):
        yield from (group[number] for group in groups if number < len(group))


# --- figures --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Outcome:
    probe: Probe
    old: SearchResult
    new: SearchResult

    @property
    def old_ranks(self) -> tuple[int | None, ...]:
        return self.probe.ranks(self.old.hits[:K])

    @property
    def new_ranks(self) -> tuple[int | None, ...]:
        return self.probe.ranks(self.new.hits[:K])

    def moved(self) -> float:
        """How much nearer the top the first right hit is, in reciprocal ranks; negative: further down."""
        return _reciprocal(self.new_ranks) - _reciprocal(self.old_ranks)


def _asked(search: Search, probe: Probe, generation: str) -> SearchResult | None:
    try:
        return search(probe, generation)
    except QuestionError:  # this one cannot be asked, of either
        return None


def _first(hits: Sequence[ScoredChunk], is_right: Callable[[ScoredChunk], bool]) -> int | None:
    return next((rank for rank, hit in enumerate(hits, 1) if is_right(hit)), None)


def _holds(hit: ScoredChunk, place: Place) -> bool:
    chunk = hit.chunk
    return _overlap(Place(chunk.document_id, chunk.version, chunk.start, chunk.end), place)


def _overlap(one: Place, other: Place) -> bool:
    """Whether two places share at least half of the shorter."""
    if (one.document_id, one.version) != (other.document_id, other.version):
        return False
    return overlaps(one.start, one.end, other.start, other.end)


def _agreement(old: Sequence[ScoredChunk], new: Sequence[ScoredChunk]) -> float:
    places = [
        [Place(hit.chunk.document_id, hit.chunk.version, hit.chunk.start, hit.chunk.end) for hit in hits]
        for hits in (old, new)
    ]
    if not any(places):
        return 1.0
    agreed = sum(
        any(_overlap(place, theirs) for theirs in other) for own, other in (places, places[::-1]) for place in own
    )
    return agreed / sum(map(len, places))


def _figures(
    generation: str, chunks: Mapping[str, int], results: Sequence[tuple[tuple[int | None, ...], SearchResult]]
) -> Figures:
    ranks = [rank for own, _ in results for rank in own]
    times = sorted(result.timings_ms.get("total", 0.0) for _, result in results)
    first = sum(rank is not None and rank <= _FIRST for rank in ranks)
    return Figures(
        generation=generation,
        chunks=chunks.get(generation, 0),
        found_first=first,
        recall_at_5=_share(first, len(ranks)),
        recall_at_10=_share(sum(rank is not None for rank in ranks), len(ranks)),
        mrr_at_10=_mean([_reciprocal(own) for own, _ in results]),
        mean_ms=_mean(times, digits=1),
        p95_ms=round(times[math.ceil(0.95 * len(times)) - 1], 1) if times else None,
    )


def _reciprocal(ranks: Sequence[int | None]) -> float:
    return 1 / min((rank for rank in ranks if rank), default=math.inf)


def _worse(outcome: _Outcome) -> Worse:
    probe = outcome.probe
    of_document = probe.kind == "sentence"
    return Worse(
        kind=probe.kind,
        question="" if of_document else probe.text,
        place=probe.places[0] if of_document else None,
        before=min((rank for rank in outcome.old_ranks if rank), default=None),
        after=min((rank for rank in outcome.new_ranks if rank), default=None),
    )


def _share(count: int, total: int) -> float | None:
    return round(count / total, 4) if total else None


def _mean(values: Sequence[float], *, digits: int = 4) -> float | None:
    return round(math.fsum(values) / len(values), digits) if values else None
