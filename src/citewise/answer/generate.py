"""From found chunks to a cited and checked answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, cast

from citewise.answer.check.coverage import Embed
from citewise.answer.cite import Cited, Native, PageOf, cite
from citewise.answer.evidence import check_evidence
from citewise.answer.judge import Judge, Judged
from citewise.answer.markers import MarkerFilter
from citewise.answer.prompt import Fitted, fit, is_abstention
from citewise.errors import ProviderError
from citewise.language.addressed import addresses_assistant
from citewise.language.hidden import hidden_characters, without_turns
from citewise.language.tokens import counter_for
from citewise.observe.cost import cost
from citewise.protocols import ChatModel, Finished, Quoted, Source, TextDelta
from citewise.providers.endpoint import TooLongError
from citewise.types import Answer, AnswerStatus, Message, ScoredChunk, Usage


def generate(
    *,
    question: str,
    standalone_question: str,
    hits: Sequence[ScoredChunk],
    model: ChatModel,
    history: Sequence[Message] = (),
    page_of: PageOf,
    cancelled: Callable[[], bool] = lambda: False,
    on_text: Callable[[str], None] = lambda text: None,
    context_tokens: int = 16_000,
    output_tokens: int = 1_024,
    spent: Usage = Usage(),  # noqa: B008 - frozen
    embed: Embed | None = None,
    judge: Judge | None = None,
) -> Answer:
    """Write an answer to ``question`` from ``hits``, cite it and check it.

    Args:
        question: As it was asked.
        standalone_question: The same, understandable without history; what was searched for.
        hits: Best first.
        history: Earlier turns, oldest first.
        page_of: Finds the page of a position in a document.
        cancelled: Polled throughout; the text so far is kept.
        on_text: Called with the whole text so far, with final marker numbers, whenever it grew.
        context_tokens: Tokens of prompt and answer together.
        output_tokens: Tokens of that kept for the answer.
        spent: What the same model took to word the search; counted with the answer.
        embed: Lets the check compare by meaning; without it by words alone.
        judge: Asked about sentences that the rules of the check leave open, once the text is complete.

    Returns:
        The answer in its final state. Failures of the provider are states too: ``cut`` when text had
        arrived, else ``error``, with the sentence in ``error``. Where the provider finds the prompt too
        long, it is asked once more with half of it.
    """
    started = time.perf_counter()
    counter = counter_for(model.name)
    if not hits:
        return Answer(
            text="",
            status="abstained",
            model=model.name,
            usage=spent,
            cost_usd=cost(model.name, spent)[0] if spent != Usage() else 0.0,
            reason="Nothing in the documents is close to this question.",
            trace={"sources": 0, "left_out": 0, "timings_ms": {"total": 0.0}},
        )
    numbered = [Source(marker, hit) for marker, hit in enumerate(hits, start=1)]
    fitted = fit(question, numbered, history=history, counter=counter, budget=max(context_tokens - output_tokens, 0))
    # The rewritten question is the one that the person was shown and could edit.
    asked = standalone_question.strip() or question
    draft = _Draft(fitted.sources, page_of, on_text, started)
    try:
        status, finished, error = _run(model, asked, fitted, draft, cancelled)
    except TooLongError as failure:
        shorter = fit(question, numbered, history=history, counter=counter, budget=fitted.tokens // 2)
        if shorter.holds_less_than(fitted):
            fitted, draft = shorter, _Draft(shorter.sources, page_of, on_text, started)
            status, finished, error = _run(model, asked, fitted, draft, cancelled, last=True)
        else:
            status, finished, error = "error", None, str(failure)
    # What an early end left undecided is half a marker, of no use to a reader.
    cited = draft.cited(flush=finished is not None)
    if is_abstention(cited.text) or (status == "complete" and not cited.text.strip()):
        status, cited = "abstained", Cited("", (), ())
    whole = status in ("complete", "truncated")
    evidence, judged = check_evidence(cited, fitted.sources, embed=embed, judge=judge if whole else None)
    usage = finished.usage if finished else Usage()
    cost_usd, cost_note = cost(model.name, usage)
    if cost_usd is not None and spent != Usage():
        cost_usd += cost(model.name, spent)[0] or 0.0
    trace = {**_trace(fitted, draft, counter.name, asked, started), "cost_note": cost_note}
    if judged is not None:
        judge_cost, judge_note = cost(judged.model, judged.usage)
        cost_usd = None if cost_usd is None or judge_cost is None else cost_usd + judge_cost
        trace |= {"judge": _judge_trace(judged), "cost_note": cost_note if judge_cost is not None else judge_note}
        if judged.failure:
            trace["remarks"] += [f"Of some sentences only the rules of the check say how they stand: {judged.failure}"]
    return Answer(
        text=cited.text,
        status=status,
        evidence=evidence,
        citations=cited.citations,
        contexts=tuple(source.hit for source in fitted.sources),
        model=model.name,
        usage=usage + spent + (judged.usage if judged else Usage()),
        cost_usd=cost_usd,
        error=error,
        reason=_reason(status, finished, fitted),
        trace=trace,
    )


def _run(
    model: ChatModel,
    question: str,
    fitted: Fitted,
    draft: _Draft,
    cancelled: Callable[[], bool],
    *,
    last: bool = False,
) -> tuple[AnswerStatus, Finished | None, str | None]:
    """Stream the answer into ``draft``; return its state, the last event and what went wrong.

    Raises:
        TooLongError: The prompt was too long, and this was not the ``last`` attempt.
    """
    stream = model.stream(question, fitted.sources, history=fitted.history, cancelled=cancelled)
    try:
        # A model's events come from a generator, which closes its connection when it is closed.
        with closing(cast(Any, stream)):
            for event in stream:
                if isinstance(event, Finished):
                    return event.stop, event, None
                if cancelled():
                    break
                draft.take(event)
    except ProviderError as failure:
        if cancelled():
            return "cancelled", None, None
        if isinstance(failure, TooLongError) and not draft.has_text and not last:
            raise
        return ("cut" if draft.has_text else "error"), None, str(failure)
    if cancelled():
        return "cancelled", None, None
    return ("cut" if draft.has_text else "error"), None, f"{model.name} stopped without finishing. Ask again."


@dataclass
class _Draft:
    """An answer as it grows."""

    sources: Sequence[Source]
    page_of: PageOf
    on_text: Callable[[str], None]
    started: float
    text: str = ""
    native: list[Native] = field(default_factory=list)
    first_text_ms: float | None = None

    def __post_init__(self) -> None:
        self.markers = MarkerFilter([source.marker for source in self.sources])
        self.dropped_native = 0

    @property
    def has_text(self) -> bool:
        return bool(self.text.strip())

    def take(self, event: TextDelta | Quoted) -> None:
        if isinstance(event, TextDelta):
            if self.first_text_ms is None and event.text.strip():
                self.first_text_ms = (time.perf_counter() - self.started) * 1000
            # Models repeat what they read, and what turns the writing around would be obeyed by the page.
            self.text += self.markers.feed(without_turns(event.text))
        elif self._exists(event):
            self.text += self.markers.flush()
            self.native.append(Native(len(self.text.rstrip()), event.marker, event.start, event.end))
        else:
            self.dropped_native += 1
        self.on_text(self.cited().text)

    def cited(self, *, flush: bool = False) -> Cited:
        if flush:
            self.text += self.markers.flush()
        return cite(self.text, self.sources, self.native, page_of=self.page_of)

    def _exists(self, quote: Quoted) -> bool:
        return any(
            source.marker == quote.marker and 0 <= quote.start < quote.end <= len(source.hit.chunk.text)
            for source in self.sources
        )


def _reason(status: AnswerStatus, finished: Finished | None, fitted: Fitted) -> str | None:
    if finished and finished.reason:
        return finished.reason
    if status == "abstained":
        return "The passages that came closest do not answer this question."
    left_out = []
    if fitted.left_out:
        left_out.append(f"{fitted.left_out} found {'passage' if fitted.left_out == 1 else 'passages'}")
    if fitted.turns_left_out:
        left_out.append("earlier parts of the conversation" if fitted.history else "the conversation so far")
    if not left_out:
        return None
    were = "was" if left_out in (["1 found passage"], ["the conversation so far"]) else "were"
    return f"{' and '.join(left_out)} {were} left out, because the prompt was full.".capitalize()


def _trace(fitted: Fitted, draft: _Draft, counter: str, asked: str, started: float) -> dict[str, Any]:
    timings = {"total": round((time.perf_counter() - started) * 1000, 1)}
    if draft.first_text_ms is not None:
        timings["first_token"] = round(draft.first_text_ms, 1)
    return {
        "asked": asked,
        "sources": len(fitted.sources),
        "left_out": fitted.left_out,
        "history": len(fitted.history),
        "history_left_out": fitted.turns_left_out,
        "prompt_tokens": fitted.tokens,
        "token_counter": counter,
        "remarks": _remarks(fitted),
        "dropped_markers": draft.markers.dropped + draft.dropped_native,
        "timings_ms": timings,
    }


def _judge_trace(judged: Judged) -> dict[str, Any]:
    return {
        "model": judged.model,
        "asked": judged.asked,
        "judged": len(judged.verdicts),
        "input_tokens": judged.usage.input_tokens,
        "output_tokens": judged.usage.output_tokens,
        "ms": round(judged.seconds * 1000, 1),
        "failure": judged.failure,
    }


def _remarks(fitted: Fitted) -> list[str]:
    """What is to be known of the passages that were sent, in sentences without a word of theirs."""
    texts = [source.hit.chunk.text for source in fitted.sources]
    remarks = []
    if any(map(addresses_assistant, texts)):
        remarks.append(
            "A passage behind this answer speaks to an AI assistant and not to a reader. It was sent as data; look at "
            "the sources before you rely on the answer."
        )
    if hidden := sum(hidden_characters(text).total for text in texts):
        remarks.append(
            f"{hidden:,} invisible character{'s' if hidden > 1 else ''} of the passages behind this answer "
            f"{'were' if hidden > 1 else 'was'} not sent to the model."
        )
    return remarks
