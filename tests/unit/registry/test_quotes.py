from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from citewise.registry import conversations, quotes, removal, turns
from citewise.registry.database import Registry
from citewise.registry.quotes import ERASED, without
from citewise.types import Answer, Box, Chunk, Citation, Conflict, Evidence, ScoredChunk, Side
from tests.unit.registry.making import serve

SECRET = "The launch code is heliotrope-seventeen, and nobody else knows it."
HARMLESS = "The ferry leaves Oban at noon on Tuesdays."


def cited(marker: int, document_id: str, quote: str, *, source: str = "a.txt") -> Citation:
    return Citation(
        marker=marker,
        document_id=document_id,
        version=1,
        content_hash="c0ffee",
        chunk_id=f"chunk of {document_id}",
        source=source,
        title="A title",
        start=3,
        end=3 + len(quote),
        page=4,
        quote=quote,
        boxes=(Box(4, 1.0, 2.0, 3.0, 4.0),),
        headings=("Part", "Section"),
    )


def sent(document_id: str, text: str) -> ScoredChunk:
    chunk = Chunk(f"chunk of {document_id}", document_id, 1, 0, 3, 99, 4, 5, ("Part",), text, "A title › Part")
    return ScoredChunk(chunk, 0.5, 1, {"dense": 0.5}, "a.txt", "A title", "c0ffee")


def answer_of(*parts: tuple[str, tuple[int, ...]], citations: tuple[Citation, ...] = (), **more: object) -> Answer:
    """Sentences with their markers behind them, parted by blanks."""
    text, evidence = "", []
    for sentence, markers in parts:
        start = len(text)
        text += sentence + "".join(f" [{marker}]" for marker in markers)
        evidence.append(Evidence(sentence, start, len(text), markers, "supported", "quoted word for word"))
        text += "\n\n"
    return Answer(text.rstrip(), "complete", tuple(evidence), citations, **more)  # type: ignore[arg-type]


def asked(tx: Connection, answer: Answer, *, conversation_id: str | None = None, title: str = "Codes") -> str:
    conversation_id = conversation_id or conversations.create(tx, title=title, collection="default").id
    turn = turns.create(tx, conversation_id=conversation_id, question="What is it?")
    turns.finish(tx, turn.id, answer)
    return turn.id


def everything(answer: Answer) -> str:
    return repr((answer.text, answer.evidence, answer.citations, answer.contexts, answer.conflicts))


def test_an_erased_document_leaves_its_quotes_and_nothing_that_was_only_sent(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        answer = answer_of((SECRET, (1,)), citations=(cited(1, document_id, SECRET),))
        contexts = (sent(document_id, SECRET + " More of it."), sent("another", "Not concerned."))
        turn_id = asked(tx, replace(answer, contexts=contexts))
        assert removal.purge(tx, [document_id], quotes=False).quotes == 0
        kept = turns.get(tx, turn_id).answer
        listed = quotes.of_erased(tx)
    assert (kept.text, kept.evidence, kept.citations) == (answer.text, answer.evidence, answer.citations)
    assert "More of it" not in everything(kept)
    assert [context.erased for context in kept.contexts] == [True, False]
    assert kept.contexts[0].chunk.id == f"chunk of {document_id}", "its place among the passages stays"
    assert kept.contexts[1] == contexts[1]
    assert [(one.conversation, one.turn_id, one.marker, one.source) for one in listed] == [
        ("Codes", turn_id, 1, "a.txt")
    ]
    assert listed[0].words == "The launch code is heliotrope-seventeen, and nobody else…"


def test_blanking_takes_the_quote_and_every_sentence_that_rests_on_it(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        other, _ = serve(tx, "b.txt", HARMLESS)
        answer = answer_of(
            (HARMLESS, (1,)),
            (SECRET, (2,)),
            ("Both together.", (1, 2)),
            ("That is all.", ()),
            citations=(cited(1, other, HARMLESS, source="b.txt"), cited(2, document_id, SECRET)),
            contexts=(sent(document_id, SECRET),),
        )
        turn_id = asked(tx, answer)
        purged = removal.purge(tx, [document_id])
        after = turns.get(tx, turn_id).answer
        assert quotes.of_documents(tx, [document_id]) == []
        assert [one.marker for one in quotes.of_documents(tx, [other])] == [1]
    assert (purged.documents, purged.quotes) == (1, 1)
    assert "heliotrope" not in everything(after)
    assert after.text == f"{HARMLESS} [1]\n\n{ERASED} [2]\n\n{ERASED} [1][2]\n\nThat is all."
    assert [one.sentence for one in after.evidence] == [HARMLESS, ERASED, ERASED, "That is all."]
    assert [one.verdict for one in after.evidence] == ["supported", "not_checked", "not_checked", "supported"]
    assert after.citations[0] == answer.citations[0]
    gone = after.citations[1]
    assert gone.erased
    assert (gone.marker, gone.document_id) == (2, document_id), "its chip still opens"
    assert (gone.quote, gone.source, gone.title, gone.headings, gone.boxes) == ("", "", "", (), ())
    for one in after.evidence:
        assert after.text[one.start : one.end].startswith(one.sentence)


def differing(one: str, other: str, *, marker: int = 0) -> Conflict:
    """A conflict of the cited ``one`` with ``other``, which is cited too if it has a marker."""
    sides = (cited(1, one, HARMLESS, source="b.txt"), "noon"), (cited(marker, other, SECRET), "heliotrope-seventeen")
    first, second = (Side(citation, value, "2021", "in its name") for citation, value in sides)
    return Conflict("heliotrope launch", "figure", first, second, "other")


def test_of_an_erased_source_that_differed_only_its_place_is_kept(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        other, _ = serve(tx, "b.txt", HARMLESS)
        conflict = differing(other, document_id)
        answer = answer_of(
            (HARMLESS, (1,)),
            citations=(cited(1, other, HARMLESS, source="b.txt"),),
            contexts=(sent(document_id, SECRET), sent(other, HARMLESS)),
            conflicts=(conflict,),
        )
        turn_id = asked(tx, answer)
        assert turns.get(tx, turn_id).answer.conflicts == (conflict,)
        removal.purge(tx, [document_id], quotes=False)
        after = turns.get(tx, turn_id).answer
    assert "heliotrope" not in everything(after), "it was only retrieved, and goes with its document"
    (left,) = after.conflicts
    assert (left.about, left.newer) == ("", None)
    assert left.one == conflict.one
    assert left.other.citation.erased
    assert (left.other.value, left.other.dated, left.other.citation.document_id) == ("", "", document_id)


def test_a_cited_source_that_differed_goes_with_the_quotes(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        other, _ = serve(tx, "b.txt", HARMLESS)
        conflict = differing(other, document_id, marker=2)
        answer = answer_of(
            (HARMLESS, (1,)),
            (SECRET, (2,)),
            citations=(cited(1, other, HARMLESS, source="b.txt"), cited(2, document_id, SECRET)),
            contexts=(sent(document_id, SECRET), sent(other, HARMLESS)),
            conflicts=(conflict,),
        )
        turn_id = asked(tx, answer)
        removal.purge(tx, [document_id], quotes=False)
        assert turns.get(tx, turn_id).answer.conflicts == (conflict,), "its quote is kept with the answer"
        removal.purge(tx, [document_id])
        after = turns.get(tx, turn_id).answer
    assert "heliotrope" not in everything(after)
    assert after.conflicts[0].one == conflict.one


def test_what_a_judging_model_said_goes_with_any_quote_that_it_read() -> None:
    answer = answer_of((HARMLESS, (1,)), (SECRET, (2,)), citations=(cited(1, "b", HARMLESS), cited(2, "a", SECRET)))
    reasons = ("judged by openai:gpt-5-mini: unlike heliotrope-seventeen", "judged by openai:gpt-5-mini: yes")
    evidence = tuple(replace(one, reason=reason) for one, reason in zip(answer.evidence, reasons, strict=True))
    after = without(replace(answer, evidence=evidence), {"a"}, quotes=True)
    assert after.evidence[0].reason == "judged by openai:gpt-5-mini"
    assert "heliotrope" not in everything(after)


def test_sentences_without_citation_go_when_they_repeat_the_document(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        conversation_id = conversations.create(tx, title="Codes", collection="default").id
        first = answer_of((SECRET, (1,)), citations=(cited(1, document_id, SECRET),))
        asked(tx, first, conversation_id=conversation_id)
        repeated = answer_of(("As I said, the launch code is HELIOTROPE-seventeen.", ()), ("Is that clear?", ()))
        follow_up = asked(tx, repeated, conversation_id=conversation_id)
        elsewhere = asked(tx, repeated)
        removal.purge(tx, [document_id])
        assert turns.get(tx, follow_up).answer.text == f"{ERASED}\n\nIs that clear?"
        assert turns.get(tx, elsewhere).answer == repeated, "a conversation that never saw the document"


def test_an_answer_that_a_crash_broke_off_goes_when_it_repeats_the_document(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        conversation_id = conversations.create(tx, title="Codes", collection="default").id
        cut = turns.create(tx, conversation_id=conversation_id, question="What is it?")
        turns.save_text(tx, cut.id, "The launch code is heliotrope-seventeen [1], and", step="writing")
        other = turns.create(tx, conversation_id=conversation_id, question="And the ferry?")
        turns.save_text(tx, other.id, "The ferry leaves at noon [1], but", step="writing")
        turns.cut_running(tx)
        removal.purge(tx, [document_id])
        assert turns.get(tx, cut.id).answer.text == ERASED
        assert turns.get(tx, other.id).answer.text == "The ferry leaves at noon [1], but"


def test_quotes_of_a_document_that_was_erased_before_can_still_be_blanked(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        turn_id = asked(tx, answer_of((SECRET, (1,)), citations=(cited(1, document_id, SECRET),)))
        removal.purge(tx, [document_id], quotes=False)
        again = removal.purge(tx, [document_id])
        assert (again.documents, again.quotes) == (1, 1)
        assert "heliotrope" not in everything(turns.get(tx, turn_id).answer)
        assert removal.purge(tx, [document_id]) == removal.Purged(0, (), ())


def test_quotes_in_hidden_conversations_are_listed_and_blanked_too(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        turn_id = asked(tx, answer_of((SECRET, (1,)), citations=(cited(1, document_id, SECRET),)))
        conversations.delete(tx, turns.get(tx, turn_id).conversation_id)
        assert len(quotes.of_documents(tx, [document_id])) == 1
        assert removal.purge(tx, [document_id]).quotes == 1


def test_an_answer_whose_document_went_while_it_was_written_holds_nothing_of_it(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        other, _ = serve(tx, "b.txt", HARMLESS)
        answer = answer_of(
            (SECRET, (1,)),
            (HARMLESS, (2,)),
            citations=(cited(1, document_id, SECRET), cited(2, other, HARMLESS, source="b.txt")),
            contexts=(sent(document_id, SECRET), sent(other, HARMLESS)),
        )
        assert quotes.without_erased(tx, answer) is answer
        removal.remove(tx, [document_id])
        assert quotes.without_erased(tx, answer) is answer, "it can still be brought back"
        removal.purge(tx, [document_id])
        after = quotes.without_erased(tx, answer)
    assert "heliotrope" not in everything(after)
    assert after.text == f"{ERASED} [1]\n\n{HARMLESS} [2]"


@pytest.mark.parametrize("text", ["", "The launch code [1]"])
def test_an_answer_without_checked_sentences_keeps_nothing_either(text: str) -> None:
    answer = Answer(text, "cancelled", citations=(cited(1, "d", SECRET),))
    assert without(answer, ["d"], quotes=True).text == (f"{ERASED} [1]" if text else "")


@given(
    parts=st.lists(
        st.tuples(st.text("ab .\n", max_size=9), st.text("xyz", min_size=1, max_size=9), st.sets(st.integers(1, 4))),
        max_size=6,
    ),
    gone=st.sets(st.sampled_from("1234")),
)
def test_sentences_that_stay_still_stand_where_their_spans_say(
    parts: list[tuple[str, str, set[int]]], gone: set[str]
) -> None:
    text, evidence = "", []
    for gap, sentence, markers in parts:
        text += gap
        evidence.append(Evidence(sentence, len(text), len(text) + len(sentence), tuple(markers), "supported", ""))
        text += sentence
    citations = tuple(cited(marker, str(marker), "q") for marker in range(1, 5))
    before = Answer(text, "complete", tuple(evidence), citations)
    after = without(before, gone, quotes=True)
    for one, now in zip(before.evidence, after.evidence, strict=True):
        if gone.isdisjoint(map(str, one.citations)):
            assert replace(now, start=0, end=0) == replace(one, start=0, end=0)
            assert after.text[now.start : now.end] == one.sentence
        else:
            assert after.text[now.start : now.end].startswith(ERASED)
            assert now.sentence == ERASED
    assert without(after, gone, quotes=True) == after
