from __future__ import annotations

from dataclasses import replace

import numpy as np

from citewise.registry import asked, conversations, removal, turns
from citewise.registry.database import Registry
from citewise.types import Answer
from tests.unit.registry.making import serve
from tests.unit.registry.test_quotes import SECRET, answer_of, cited

VECTOR = np.array([0.6, 0.8], dtype=np.float32)


def test_vectors_go_with_their_conversation(registry: Registry) -> None:
    with registry.write() as tx:
        conversation = conversations.create(tx, title="Codes", collection="default")
        turn = turns.create(tx, conversation_id=conversation.id, question="What is it?")
        assert asked.without_vector(tx, "default", "m/1", most=5) == {}, "it is not answered yet"
        turns.finish(tx, turn.id, Answer("It is.", "complete"))
        assert asked.without_vector(tx, "default", "m/1", most=5) == {turn.id: "What is it?"}
        asked.put(tx, "default", "m/1", {turn.id: VECTOR, "gone": VECTOR})
        assert asked.without_vector(tx, "default", "m/1", most=5) == {}
        ids, vectors = asked.all_of(tx, "default", "m/1")
        assert (ids, vectors.tolist()) == ([turn.id], [VECTOR.tolist()])
        assert asked.all_of(tx, "default", "m/2")[0] == asked.all_of(tx, "other", "m/1")[0] == []
        conversations.delete(tx, conversation.id)
        assert asked.all_of(tx, "default", "m/1")[0] == []
        conversations.restore(tx, conversation.id)
        assert asked.without_vector(tx, "default", "m/1", most=5) == {turn.id: "What is it?"}


def test_words_that_only_a_document_had_leave_standalone_questions_with_it(registry: Registry) -> None:
    with registry.write() as tx:
        document_id, _ = serve(tx, "a.txt", SECRET)
        conversation = conversations.create(tx, title="Codes", collection="default")
        first = turns.create(tx, conversation_id=conversation.id, question="What is the launch code?")
        turns.finish(tx, first.id, answer_of((SECRET, (1,)), citations=(cited(1, document_id, SECRET),)))
        second = turns.create(tx, conversation_id=conversation.id, question="Who knows it?")
        worded = "Who knows heliotrope-seventeen?"
        turns.save_text(tx, second.id, "", step="reading", standalone_question=worded)
        search = {"query": {"standalone": worded, "variants": "hyde", "texts": ["The heliotrope …"]}}
        turns.finish(tx, second.id, Answer("Nobody.", "complete", trace={"asked": worded, "search": search}))
        third = turns.create(tx, conversation_id=conversation.id, question="And when?")
        turns.save_text(tx, third.id, "", step="reading", standalone_question="When is the launch code?")
        turns.finish(tx, third.id, Answer("Now.", "complete"))
        asked.put(tx, "default", "m/1", {second.id: VECTOR, third.id: VECTOR})
        removal.purge(tx, [document_id])
        kept = turns.get(tx, second.id)
        assert "heliotrope" not in repr(replace(kept, answer=replace(kept.answer, text="")))
        assert kept.standalone_question == "Who knows it?"
        assert turns.get(tx, third.id).standalone_question == "When is the launch code?", "these are the person's words"
        assert asked.all_of(tx, "default", "m/1")[0] == [third.id]
