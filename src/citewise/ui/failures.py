"""What a person reads when something fails: one sentence, never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from citewise.errors import CitewiseError
from citewise.ui.text import escaped

UNEXPECTED = "Something went wrong, and it is not your fault. Try again; the details are in the log."
_log = logging.getLogger(__name__)


def sentence(error: Exception) -> str:
    """What to show for ``error``; anything that is not ours goes to the log."""
    if isinstance(error, CitewiseError):
        return str(error)
    _log.error("A page failed.", exc_info=error)
    return UNEXPECTED


def show_failure(error: Exception) -> bool:
    """Show ``error`` on the page; tells Streamlit that it was shown."""
    st.error(escaped(sentence(error)), icon=":material/error:")
    return True


@contextmanager
def friendly() -> Iterator[None]:
    """Show failures of the block in its place; the rest of the page goes on.

    Streamlit's own stop and rerun signals are no ``Exception`` and pass.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the edge of the program: a person sees a sentence
        show_failure(error)
