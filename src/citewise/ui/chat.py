"""The chat page: ask, watch the answer being written, check its sources."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from citewise.errors import NotFoundError
from citewise.types import Document, Suggestion, Turn
from citewise.ui import banner, components, filters, notices, place, state, uploads, versions
from citewise.ui.failures import friendly
from citewise.ui.notices import attempt, tell
from citewise.ui.panel import show_panel
from citewise.ui.text import counted, escaped, shortened
from citewise.ui.turns import announcement, show_turn

_INPUT = "question"
_LEAF = "leaf"  # conversation and turn that the page ended with


def page() -> None:
    """Draw the page."""
    title, turns = _conversation()
    documents = place.documents()
    ready = [document for document in documents if document.serving_version is not None]

    components.drop_anywhere()
    components.announcer(announcement(turns))
    newest = turns[-1] if turns else None
    components.follow(
        newest.id if newest else None,
        running=bool(newest and newest.answer.status == "running"),
        stay=versions.just_switched(),
    )
    # Not seen: the questions below say it. Screen readers start from it.
    st.html(f'<h1 class="hidden">{escape(shortened(title or "New chat", 90))}</h1>')
    notices.show()
    banner.show()
    st.session_state[_LEAF] = (newest.conversation_id, newest.id) if newest else None
    drawn = [each for turn in turns for each in show_turn(turn)]
    if not turns:
        _welcome(documents, ready)
    if turns or documents:
        _question_box(documents, ready)
    if turns or ready:
        uploads.drop_zone("Add documents", seen=False)
    show_panel(drawn)


def _conversation() -> tuple[str, list[Turn]]:
    conversation_id = place.conversation_id()
    if not conversation_id:
        return "", []
    try:
        conversation, turns = state.engine().conversation(conversation_id)
    except NotFoundError as error:
        tell(str(error), failed=True)
        place.open_conversation(None)
        return "", []
    st.session_state["conversation"] = conversation_id
    return conversation.title, turns


def _welcome(documents: Sequence[Document], ready: Sequence[Document]) -> None:
    with st.container(key="welcome", horizontal_alignment="center"):
        if not documents:
            st.html(
                '<div class="hero"><p class="display">Answers you can check</p>'
                "<p>Add your documents and ask. Every sentence of an answer points to the words it rests on.</p></div>"
            )
            uploads.drop_zone("Add documents")
            st.html('<p class="hint">PDF, Office, web, text, mail, images. Everything stays on this computer.</p>')
            if uploads.samples():
                st.button(
                    "Try it with the sample documents",
                    key="samples",
                    icon=":material/auto_stories:",
                    on_click=attempt,
                    args=(uploads.add_samples,),
                )
        elif not ready:
            st.html(
                '<div class="hero"><p class="display">Reading your documents</p>'
                "<p>You can ask as soon as the first one is ready.</p></div>"
            )
            if not uploads.unfinished(documents):
                st.warning("None of your documents could be read. The library says why.", icon=":material/error:")
        else:
            st.html(
                '<div class="hero"><p class="display">What would you like to know?</p>'
                f"<p>{counted(len(ready), 'document')} ready. Answers come from {'it' if len(ready) == 1 else 'them'} "
                "alone, and every sentence says where from.</p></div>"
            )
            _suggestions()


def _suggestions() -> None:
    found = state.engine().suggestions(place.collection())
    if found is None:
        st.fragment(_wait_for_suggestions, run_every=1.0)()
    else:
        _offer(found)


def _wait_for_suggestions() -> None:
    with friendly():
        if state.engine().suggestions(place.collection()) is not None:
            st.rerun()
        st.html('<p class="step"><span class="spinner"></span>Looking for questions that your documents answer</p>')


def _offer(found: Sequence[Suggestion]) -> None:
    with st.container(key="suggestions", gap="xsmall"):
        for index, one in enumerate(found):
            st.button(
                escaped(one.question),
                key=f"suggestion_{index}",
                icon=":material/arrow_outward:",
                width="stretch",
                wrap=True,
                on_click=attempt,
                args=(lambda one=one: _ask(one.question),),
            )


def _question_box(documents: Sequence[Document], ready: Sequence[Document]) -> None:
    with st.bottom:
        _preparing()
        uploads.progress_strip(documents)
        st.chat_input(
            "Ask your documents" if ready else "Ask as soon as a document is ready",
            key=_INPUT,
            accept_file="multiple",
            disabled=not ready,
            on_submit=_submit,
        )
        with st.container(
            key="under_input", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            _model_picker()
            if ready:
                filters.show(ready)
            st.html('<p class="hint">Every sentence is checked. Read the source too.</p>', width="content")


def _submit() -> None:
    value = st.session_state[_INPUT]
    if value.files:
        attempt(lambda: uploads.add_files(value.files))
    if value.text.strip():
        attempt(lambda: _ask(value.text.strip()))


def _ask(question: str) -> None:
    conversation_id = place.conversation_id()
    leaf = st.session_state.get(_LEAF)
    turn = state.engine().ask(
        question,
        conversation_id=conversation_id,
        # Another window may have turned to another branch meanwhile; what one sees is what one goes on from.
        after=leaf[1] if leaf and leaf[0] == conversation_id else None,
        collection=place.collection(),
        model=place.model(),
        where=filters.where(),
        rewrite=filters.rewrites(),
    )
    place.open_conversation(turn.conversation_id)


def _preparing() -> None:
    if state.engine().health().embedder != "ready":
        st.fragment(_wait_for_model, run_every=1.0)()


def _wait_for_model() -> None:
    with friendly():
        health = state.engine().health()
        if health.embedder == "ready":
            st.rerun()
        if health.embedder == "failed":
            st.error(escaped(health.checks.get("embedder", "The language model could not be loaded.")))
        else:
            st.html(
                '<p class="step"><span class="spinner"></span>'
                "Preparing the language model… (first start takes a few seconds)</p>"
            )


def _model_picker() -> None:
    models = state.engine().models()
    available = [model for model in models if model.available]
    if not available:
        return
    chosen = place.model() or available[0].name
    labels = {model.name: model.label for model in models}
    with st.popover(
        escaped(labels[chosen]), key="model_picker", type="tertiary", icon=":material/neurology:", width="content"
    ):
        st.session_state["model"] = st.radio(
            "Who writes the answers",
            [model.name for model in available],
            index=[model.name for model in available].index(chosen),
            format_func=lambda name: escaped(labels[name]),
            captions=[escaped(model.note) for model in available],
            key="model_choice",
        )
        st.button("Test the connection", key="model_test", type="tertiary", on_click=attempt, args=(_test_model,))
        for model in models:
            if not model.available:
                st.html(f'<p class="unavailable"><b>{escape(model.label)}</b><br>{escape(model.note)}</p>')


def _test_model() -> None:
    check = state.engine().check_model(st.session_state.get("model_choice"))
    tell(f"{check.name}: {check.detail}", failed=not check.ok)
