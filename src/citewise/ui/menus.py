"""Menus behind a small button: what is chosen is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from citewise.ui.notices import attempt

Actions = Mapping[str, Callable[[], object]]
"""What can be done, by the words for it."""


def menu(label: str, actions: Actions, *, key: str, icon: str = ":material/more_horiz:", detail: str = "") -> None:
    """Draw a menu; a failure of what is chosen becomes a message.

    Args:
        label: What the button says; of keys that begin with ``menu_`` only screen readers hear it.
        actions: In order.
        key: Of the button.
        icon: Of the button.
        detail: Said when the button is pointed at.
    """
    st.menu_button(
        label, list(actions), key=key, icon=icon, type="tertiary", help=detail or None, on_click=_chosen,
        args=(key, actions),
    )  # fmt: skip


def _chosen(key: str, actions: Actions) -> None:
    action = actions.get(str(st.session_state.get(key)))
    if action:
        attempt(action)
