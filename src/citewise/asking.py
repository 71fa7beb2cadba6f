"""How a question becomes an answer: retrieve, let a model write, check and place what it wrote.

The one place where retrieving meets answering. Each answer is a job of ``AnswerRunner``, which
stores it as it grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from citewise.answer.blocks import BlocksOfChunks
from citewise.answer.check.coverage import Embed
from citewise.answer.conflicts import find_conflicts
from citewise.answer.dated import HEAD, with_dates
from citewise.answer.generate import generate
from citewise.answer.incomplete import drawn_on, gaps
from citewise.answer.jobs import AnswerRunner, Progress
from citewise.answer.judge import Doubt, Judge, Judged, judge
from citewise.answer.layouts import Locators
from citewise.answer.locate import PageMaps, locate
from citewise.answer.models import ChatModels
from citewise.answer.prompt import messages_of
from citewise.answer.verify import rule
from citewise.errors import NotFoundError, SettingsError
from citewise.index.manager import IndexManager
from citewise.ingest.originals import Originals
from citewise.language.terms import terms
from citewise.observe.metrics import metrics
from citewise.protocols import ChatModel, UrgentEmbedder, Writer
from citewise.registry import collections, conversations, documents, turns
from citewise.registry.database import Registry
from citewise.retrieve.asked import AskedQuestions
from citewise.retrieve.replay import replay
from citewise.retrieve.search import Searcher, checked
from citewise.settings import AnswerSettings
from citewise.types import (
    Answer,
    Citation,
    Conflict,
    Document,
    Message,
    Query,
    Replay,
    SearchResult,
    Turn,
    Variants,
    Verdict,
    Where,
)

_FEW = 3  # chunks that a quick answer is made from


class Asking:
    """Searches, and answers from what was found. Safe to call from any thread."""

    def __init__(
        self,
        *,
        registry: Registry,
        blocks: BlocksOfChunks,
        index: IndexManager,
        originals: Originals,
        searcher: Searcher,
        asked: AskedQuestions,
        models: ChatModels,
        answers: AnswerRunner,
        settings: AnswerSettings,
        k: int,
    ) -> None:
        self._registry = registry
        self._index = index
        self._originals = originals
        self._searcher = searcher
        self._asked = asked
        self._models = models
        self._answers = answers
        self._settings = settings
        self._k = k
        self._locators = Locators(registry, blocks)
        if settings.judge:
            _judging(models, settings.judge)  # a wrong name is said now

    def search(
        self,
        query: Query,
        *,
        model: ChatModel | None = None,
        conversation_id: str | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> SearchResult:
        """Find chunks; ``model`` may reword the question for the search. Raises as ``Engine.search``."""
        if model is None and self._searcher.needs_writer(query):
            with suppress(SettingsError, NotFoundError):  # the search does without
                model = self._models.get(None)
        result = self._searcher.search(query, writer=model if isinstance(model, Writer) else None, cancelled=cancelled)
        metrics().search_ended(dict(result.timings_ms))
        result = self._asked.beside(result, query, conversation_id=conversation_id)
        return replace(result, hits=self._locators.of_hits(result.hits))

    def replay(self, turn: Turn) -> Replay:
        """Search again for what a turn was answered from. Raises as ``Engine.replay``."""
        replayed = replay(self._registry, self._searcher, turn)
        result = replayed.result
        return replace(replayed, result=replace(result, hits=self._locators.of_hits(result.hits)))

    def ask(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        after: str | None = None,
        instead_of: str | None = None,
        collection: str = "default",
        model: str | None = None,
        k: int | None = None,
        where: Where | None = None,
        history: Sequence[Message] | None = None,
        rewrite: bool = True,
        variants: Variants | None = None,
    ) -> Turn:
        """Start an answer; see ``Engine.ask``."""
        question = checked(question)
        chat_model = self._models.get(model)
        with self._registry.write() as tx:
            if conversation_id is None and (named := instead_of or after):
                conversation_id = turns.get(tx, named).conversation_id
            if conversation_id is None:
                collections.find(tx, collection)
                conversation_id = conversations.create(tx, title=_short_title(question), collection=collection).id
            else:
                conversation = conversations.get(tx, conversation_id)
                collection = conversation.collection
                collections.ensure(tx, collection)
                if not conversation.title:
                    conversations.rename(tx, conversation_id, _short_title(question))
            turn = turns.create(
                tx,
                conversation_id=conversation_id,
                question=question,
                model=chat_model.name,
                after=after,
                instead_of=instead_of,
            )
            earlier = turns.of_conversation(tx, conversation_id, branch=turn.id)[:-1]
        query = Query(
            text=question,
            collection=collection,
            k=k or self._k,
            where=where or {},
            history=tuple(history) if history is not None else messages_of(earlier),
            rewrite=rewrite,
            variants=variants,
        )
        self._answers.submit(turn, lambda progress: self._answer(query, chat_model, progress))
        return turn

    def again(self, turn: Turn, *, model: str | None = None) -> Turn:
        """Start another answer to a stored question; see ``Engine.again``."""
        search = turn.answer.trace.get("search", {})
        plan = search.get("query", {})
        where = {key: value if isinstance(value, str) else tuple(value) for key, value in plan.get("where", {}).items()}
        return self.ask(
            turn.question,
            instead_of=turn.id,
            model=model or turn.answer.model,
            k=plan.get("k"),
            where=where,
            rewrite=bool(search.get("rewritten_by", "unknown")),  # empty where it was to be taken as it stands
            variants=plan.get("variants"),
        )

    def _answer(self, query: Query, model: ChatModel, progress: Progress) -> Answer:
        progress.step("searching")
        found = self.search(
            query, model=model, conversation_id=progress.turn.conversation_id, cancelled=progress.cancelled
        )
        progress.found(found)
        pages = PageMaps(self._registry)
        answer = generate(
            question=query.text,
            standalone_question=found.standalone_question,
            hits=found.hits,
            model=model,
            history=query.history,
            page_of=pages.page_of,
            cancelled=progress.cancelled,
            on_text=progress.text,
            context_tokens=min(self._settings.context_tokens, model.context_tokens),
            output_tokens=self._settings.output_tokens,
            spent=found.usage,
            embed=self._embed(),
            judge=self._judge(progress),
        )
        trace = {**answer.trace, "search": {**found.trace, "timings_ms": dict(found.timings_ms)}}
        trace |= {"generation": found.generation, "reranker": found.reranker, "degraded": list(found.degraded)}
        self._asked.more()
        citations, conflicts = self._placed(answer.citations, find_conflicts(answer.contexts, answer.citations), pages)
        trace["incomplete"] = [gaps(document) for document in self._incomplete(answer)]
        reason = found.note or answer.reason
        return replace(answer, citations=citations, conflicts=conflicts, trace=trace, reason=reason)

    def _placed(
        self, citations: Sequence[Citation], conflicts: Sequence[Conflict], pages: PageMaps
    ) -> tuple[tuple[Citation, ...], tuple[Conflict, ...]]:
        """Say where all quotes stand in their originals, and of conflicting ones how old their documents are."""
        sides = [side.citation for conflict in conflicts for side in conflict.sides]
        sides = [replace(one, page=pages.page_of(one.document_id, one.version, one.start)) for one in sides]
        located = locate(
            (*citations, *sides), pages, original=self._originals.get, page_boxes=self._originals.page_boxes
        )
        located = self._locators.of_citations(located)
        places = iter(located[len(citations) :])
        placed = [
            replace(one, one=replace(one.one, citation=next(places)), other=replace(one.other, citation=next(places)))
            for one in conflicts
        ]
        return located[: len(citations)], tuple(with_dates(one, self._head) for one in placed)

    def _head(self, citation: Citation) -> str:
        """How the text of a cited document begins; empty when it was erased meanwhile."""
        with self._registry.read() as rx, suppress(NotFoundError):
            return documents.slice_text(rx, citation.document_id, citation.version, 0, HEAD)
        return ""

    def _judge(self, progress: Progress | None = None) -> Judge | None:
        """Who is asked about sentences that the rules of the check leave open, as the settings say."""
        if not self._settings.judge:
            return None
        model = _judging(self._models, self._settings.judge)

        def ask(doubts: Sequence[Doubt]) -> Judged:
            if progress:
                progress.step("checking")
            return judge(doubts, model, cancelled=progress.cancelled if progress else lambda: False)

        return ask

    def _incomplete(self, answer: Answer) -> Iterator[Document]:
        """The documents behind an answer that could not be read in full."""
        with self._registry.read() as rx:
            for document_id, version in drawn_on(answer):
                with suppress(NotFoundError):  # removed while the answer was written
                    document = documents.get(rx, document_id, version=version)
                    if document.report is not None and document.report.incomplete:
                        yield document

    def answered_from(self, question: str, collection: str) -> set[str]:
        """Return the documents that a quick answer without a chat model quotes; none where it abstains.

        A quote that asks or says no more than the question, as the heading does that it was made of, is no answer.
        """
        found = self._searcher.search(Query(question, collection, k=_FEW, rerank=False, variants="none"))
        answer = generate(
            question=question,
            standalone_question=question,
            hits=found.hits,
            model=self._models.get("extractive"),
            page_of=PageMaps(self._registry).page_of,
        )
        if answer.status != "complete":
            return set()
        known = set(terms(question))
        return {
            one.document_id
            for one in answer.citations
            if not one.quote.rstrip().endswith("?") and set(terms(one.quote)) - known
        }

    def verify(self, sentence: str, quotes: Sequence[str]) -> tuple[Verdict, str]:
        """Judge a sentence by its quotes; verdict and reason."""
        ruling = rule(sentence, quotes, embed=self._embed())
        judging = self._judge() if ruling.is_open else None
        if judging is None:
            return ruling.verdict, ruling.reason
        return judging([Doubt(sentence, tuple(quotes))]).verdicts.get(0, (ruling.verdict, ruling.reason))

    def _embed(self) -> Embed | None:
        """What compares sentences by meaning: not a remote model, which would be sent every sentence."""
        embedder = self._index.embedder()
        return embedder.embed_urgently if isinstance(embedder, UrgentEmbedder) else None


def _judging(models: ChatModels, name: str) -> Writer:
    model = models.get(name)
    if not isinstance(model, Writer):
        raise SettingsError(
            f"{name} cannot judge sentences, since it only quotes. Set CITEWISE_ANSWER__JUDGE to a chat model, or to "
            "nothing."
        )
    return model


def _short_title(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= 60 else line[:59].rsplit(" ", 1)[0] + "…"
