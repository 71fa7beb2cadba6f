"""Versions of a turn: gone through, made by asking anew, and laid side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from citewise.types import Turn
from citewise.ui import state
from citewise.ui.menus import menu
from citewise.ui.notices import attempt
from citewise.ui.text import escaped
from citewise.ui.wording import ask_instead

_COMPARING = "comparing"
_SWITCHED = "switched"


def bar(turn: Turn) -> None:
    """Draw the way to the other versions, and the question to be edited."""
    count = len(turn.versions)
    if count > 1:
        at = turn.versions.index(turn.id)
        _switch(turn, "previous", (at - 1) % count)
        st.html(f'<p class="count"><span class="hidden">Version </span>{at + 1} of {count}</p>', width="content")
        _switch(turn, "next", (at + 1) % count)
    with st.popover(
        "Edit the question", key=f"version_edit_{turn.id}", type="tertiary", icon=":material/edit:", width="content"
    ):
        edited = st.text_area("Question", value=turn.question, key=f"reworded_{turn.id}", max_chars=8_000)
        st.button(
            "Ask this instead",
            key=f"ask_reworded_{turn.id}",
            type="primary",
            disabled=not (edited or "").strip(),
            on_click=attempt,
            args=(lambda: ask_instead(turn, str(st.session_state[f"reworded_{turn.id}"])),),
        )
        st.html('<p class="hint">The first wording and its answer are kept beside this one.</p>')


def _switch(turn: Turn, name: str, to: int) -> None:
    st.button(
        f"{name.capitalize()} version",
        # The same for all versions, so that the keyboard stays on the button; for that it is never disabled.
        key=f"version_{name}_{turn.versions[0]}",
        icon=f":material/chevron_{'left' if name == 'previous' else 'right'}:",
        type="tertiary",
        on_click=attempt,
        args=(lambda: _show(turn.versions[to]),),
    )


def _show(turn_id: str) -> None:
    state.engine().show_branch(turn_id)
    st.session_state[_SWITCHED] = True


def just_switched() -> bool:
    """Whether the last click went to another version: the reader is where they want to be."""
    return bool(st.session_state.pop(_SWITCHED, False))


def same_question(turn: Turn) -> list[Turn]:
    """The versions of a turn that ask the same, itself included, oldest first."""
    if len(turn.versions) < 2:
        return [turn]
    versions = [turn if each == turn.id else state.engine().turn(each) for each in turn.versions]
    return [each for each in versions if each.question.strip() == turn.question.strip()]


def tools(turn: Turn, versions: Sequence[Turn]) -> None:
    """Draw what asks the question again, and what lays its answers side by side."""
    models = [model for model in state.engine().models() if model.available]
    own = [model for model in models if model.name == turn.answer.model]
    others = [model for model in models if model.name != turn.answer.model]
    actions = {
        **{f"{escaped(model.label)}, once more": _again(turn, model.name) for model in own},
        **{escaped(model.label): _again(turn, model.name) for model in others},
    }
    menu("Answer again with…", actions, key=f"again_with_{turn.id}", icon=":material/refresh:")
    if len(versions) > 1:
        st.button(
            f"Compare {len(versions)} answers",
            key=f"comparing_{turn.id}",
            icon=":material/compare:",
            type="tertiary",
            on_click=lambda: st.session_state.update({_COMPARING: turn.versions[0]}),
        )


def _again(turn: Turn, model: str) -> Callable[[], object]:
    return lambda: state.engine().again(turn.id, model=model)


def writer(turn: Turn) -> str:
    """Return who answers a turn, as the choice of models names it."""
    name = turn.answer.model
    return next((model.label for model in state.engine().models() if model.name == name), name)


def comparing(turn: Turn) -> bool:
    """Whether the answers at the place of a turn are laid side by side."""
    return bool(st.session_state.get(_COMPARING) == turn.versions[0])


def show_comparison(turn: Turn, versions: Sequence[Turn], draw: Callable[[Turn], None]) -> None:
    """Draw the answers to one question side by side.

    Args:
        turn: The one that is shown.
        versions: Those with the same question, oldest first.
        draw: Draws one answer.
    """
    st.button(
        "Close the comparison",
        key=f"compared_{turn.id}",
        icon=":material/close:",
        type="tertiary",
        on_click=_stop_comparing,
    )
    with st.container(key=f"compare_{turn.id}"):
        for version in versions:
            with st.container(key=f"column_{version.id}"):
                with st.container(
                    key=f"heading_{version.id}", horizontal=True, vertical_alignment="center", gap="xsmall"
                ):
                    st.html(f"<h3>{escape(writer(version))}</h3>")
                    if version.id == turn.id:
                        st.html('<p class="hint">goes on in the conversation</p>', width="content")
                    else:
                        st.button(
                            "Go on with this one",
                            key=f"go_on_{version.id}",
                            type="tertiary",
                            on_click=attempt,
                            args=(lambda version=version: _show(version.id),),
                        )
                draw(version)


def _stop_comparing() -> None:
    st.session_state.pop(_COMPARING, None)
