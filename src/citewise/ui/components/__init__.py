"""Small browser parts that Streamlit lacks, as components of its second generation.

Their HTML, CSS and JavaScript are fixed files of this folder. What changes comes in as
``data``: HTML only from ``citewise.ui.render``, all else is set as text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_FOLDER = Path(__file__).parent


@cache
def _component(name: str, html: str) -> ComponentRenderer:
    css = _FOLDER / f"{name}.css"
    return st.components.v2.component(
        f"citewise_{name}",
        html=html,
        css=css.read_text(encoding="utf-8") if css.is_file() else None,
        js=(_FOLDER / f"{name}.js").read_text(encoding="utf-8"),
    )


def answer(
    html: str, *, key: str, running: bool = False, pressed: int | None = None, on_open: Callable[[int], None]
) -> None:
    """Show an answer with its citation chips.

    Args:
        html: From ``render.answer_html``.
        key: The same for one answer from its first word on: the browser then changes what differs only.
        running: Whether more text is to come.
        pressed: The marker whose source is open.
        on_open: Called with the marker of an activated chip, before the page is drawn again.
    """

    def opened() -> None:
        marker = _value(key, "open")
        if marker is not None:
            on_open(int(marker))

    data = {"html": html, "running": running, "pressed": pressed}
    _component("answer", '<div class="answer"></div>')(key=key, data=data, on_open_change=opened)


def announcer(message: str, *, key: str = "announcer") -> None:
    """Tell screen readers ``message`` once; to be drawn in the same place at every run."""
    html = '<div role="status" aria-live="polite" aria-atomic="true"></div>'
    _component("announcer", html)(key=key, data={"message": message})


def follow(turn_id: str | None, *, running: bool, stay: bool = False) -> None:
    """Keep the newest turn in view while it is written, until the reader scrolls.

    Args:
        turn_id: The newest turn.
        running: Whether it is being written.
        stay: Leave the view where it is although another turn is the newest now.
    """
    data = {"turn": turn_id, "running": running, "stay": stay}
    _component("follow", "<span hidden></span>")(key="follow", data=data)


def panel_keys(*, key: str, target: str, on_close: Callable[[], None]) -> None:
    """Make the source panel around this close on Escape, and scroll to its mark when ``target`` changes."""

    def closed() -> None:
        if _value(key, "close") is not None:
            on_close()

    _component("panel", "<span hidden></span>")(key=key, data={"target": target}, on_close_change=closed)


def drop_anywhere() -> None:
    """Grow the page's upload zone over the window while files are dragged over it."""
    _component("drop", "<span hidden></span>")(key="drop_anywhere", data={})


def strip(
    cells: Sequence[tuple[str, str, str]], *, legend: Sequence[tuple[str, str, str]], name: str, key: str
) -> None:
    """Show the pages of a document as small cells that tell about themselves when pointed at or focused.

    Args:
        cells: State (a class of ``strip.css``), letter and sentence of each.
        legend: State, letter and words.
        name: What the cells are, for screen readers.
        key: Of the document.
    """
    html = (
        '<div class="strip"><div class="pages" role="group"></div>'
        '<p class="detail" aria-hidden="true"></p><ul class="legend"></ul></div>'
    )
    hint = "Point at a page, or move with the arrow keys, to see what was read of it."
    data = {"cells": [list(cell) for cell in cells], "legend": [list(one) for one in legend], "name": name}
    _component("strip", html)(key=key, data={**data, "hint": hint})


def _value(key: str, name: str) -> Any:
    state = st.session_state.get(key)
    return getattr(state, name, None) if state is not None else None
