"""Which documents the next question is asked of, and whether follow-ups are made to stand alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import streamlit as st

from citewise.registry.serving import type_name
from citewise.types import Document, Where
from citewise.ui.text import counted, escaped, file_name, shortened

_STATE = "filters"
_REWRITE = "rewrite"


def where() -> Where:
    """The filters as a query takes them; empty without any."""
    chosen = _chosen()
    found: dict[str, tuple[str, ...]] = {
        key: tuple(chosen[key]) for key in ("document", "tag", "type") if chosen.get(key)
    }
    days = [f"{sign}{chosen[key]:%Y-%m-%d}" for key, sign in (("since", ">="), ("until", "<=")) if chosen.get(key)]
    return {**found, "added": tuple(days)} if days else found


def rewrites() -> bool:
    """Whether follow-ups are made to stand alone."""
    return bool(st.session_state.get(_REWRITE, True))


def show(documents: Sequence[Document]) -> None:
    """Draw the control; chips of what is chosen stand beside it, each with a way to take it off."""
    chosen = _chosen()
    count = sum(len(value) if isinstance(value, list) else value is not None for value in chosen.values())
    label = f"Filters · {count}" if count else "Filters"
    with st.popover(label, key="filters_popover", type="tertiary", icon=":material/filter_list:", width="content"):
        _controls(documents)
    names = {document.id: shortened(file_name(document.source), 28) for document in documents}
    for number, (text, drop) in enumerate(_chips(names)):
        st.button(
            escaped(text),
            key=f"filter_{number}",
            icon=":material/close:",
            help="Take this filter off",
            on_click=drop,
        )


def _controls(documents: Sequence[Document]) -> None:
    chosen = _chosen()
    names = {document.id: document.source for document in documents}
    tags = sorted({tag for document in documents for tag in document.tags})
    types = sorted({type_name(document.media_type) for document in documents if document.media_type})
    for key, label, options, shown in (
        ("document", "Documents", list(names), lambda one: escaped(shortened(names[one], 60))),
        ("tag", "Tags", tags, escaped),
        ("type", "Types", types, escaped),
    ):
        if options:
            known = [one for one in chosen.get(key, []) if one in options]
            st.session_state.setdefault(f"filters_{key}", known)
            st.multiselect(
                label,
                options,
                format_func=shown,
                key=f"filters_{key}",
                on_change=_take,
                args=(key,),
                placeholder="All",
            )
    for key, label in (("since", "Added on or after"), ("until", "Added on or before")):
        st.session_state.setdefault(f"filters_{key}", chosen.get(key))
        st.date_input(label, value=None, key=f"filters_{key}", format="YYYY-MM-DD", on_change=_take, args=(key,))
    st.session_state.setdefault("filters_rewrite", rewrites())
    st.toggle(
        "Make follow-ups stand alone",
        key="filters_rewrite",
        on_change=_take_rewrite,
        help="“And in 2023?” is searched for with what it leaves out. Off: every question is searched for as asked.",
    )
    st.caption(
        '"exact phrase" must stand in every passage, -word in none. '
        "If a question mark ends the question, passages with the phrase come first."
    )


def _chips(names: dict[str, str]) -> list[tuple[str, Callable[[], None]]]:
    chosen = _chosen()
    chips: list[tuple[str, Callable[[], None]]] = []
    for key in ("document", "tag", "type"):
        for value in chosen.get(key, []):
            text = names.get(value, "a removed document") if key == "document" else f"{key}: {value}"
            chips.append((text, lambda key=key, value=value: _drop(key, value)))  # type: ignore[misc]
    for key, word in (("since", "from"), ("until", "until")):
        if chosen.get(key):
            chips.append((f"{word} {chosen[key]:%Y-%m-%d}", lambda key=key: _drop(key, None)))  # type: ignore[misc]
    if not rewrites():
        chips.append(("follow-ups as asked", lambda: _set_rewrite(on=True)))
    return chips


def _chosen() -> dict[str, Any]:
    found: dict[str, Any] = st.session_state.setdefault(_STATE, {})
    return found


def _take(key: str) -> None:
    value = st.session_state[f"filters_{key}"]
    if value:
        _chosen()[key] = value if isinstance(value, date) else list(value)
    else:
        _chosen().pop(key, None)


def _take_rewrite() -> None:
    _set_rewrite(on=st.session_state["filters_rewrite"])


def _set_rewrite(*, on: bool) -> None:
    st.session_state[_REWRITE] = on
    st.session_state["filters_rewrite"] = on


def _drop(key: str, value: str | None) -> None:
    chosen = _chosen()
    left = [one for one in chosen.get(key, []) if one != value] if value is not None else None
    if left:
        chosen[key] = left
    else:
        chosen.pop(key, None)
    st.session_state[f"filters_{key}"] = left or ([] if value is not None else None)


def said(filters: Where) -> str:
    """Filters for a reader: "tag manual, added >=2026-03-31"."""
    parts = []
    for key, values in filters.items():
        every = (values,) if isinstance(values, str) else values
        parts.append(counted(len(every), "document") if key == "document" else f"{key} {', '.join(every)}")
    return "; ".join(parts)
