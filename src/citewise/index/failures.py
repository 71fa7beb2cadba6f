"""Errors of libraries that are written in Rust, as ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from citewise.errors import StoreError


@contextmanager
def as_store_errors(
    errors: tuple[type[Exception], ...], failed: Callable[[BaseException], StoreError]
) -> Iterator[None]:
    """Turn ``errors``, and panics of Rust, into what ``failed`` makes of them."""
    try:
        yield
    except errors as error:
        raise failed(error) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # no class to name it by is public
            raise
        raise failed(error) from error
