"""Frozen dataclasses to JSON and back, exactly.

Tuples, mappings and nested dataclasses come back as what their annotations say. A field
that was added later takes its default when older data lacks it, and a field that this
program does not know is ignored, so that stored answers outlive changes of ``types``.
"""

from __future__ import annotations

import json
import types
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from citewise.errors import RegistryError

T = TypeVar("T")


def dump(value: object) -> Any:
    """Return ``value`` as what ``json.dumps`` takes."""
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, np.generic)):
        return value
    if is_dataclass(value):
        return {field.name: dump(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): dump(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [dump(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


def load(kind: type[T], data: Any) -> T:
    """Return the ``kind`` that ``dump`` made ``data`` from.

    Raises:
        RegistryError: ``data`` lacks what ``kind`` requires.
    """
    try:
        return cast(T, _loader(cast(Any, kind))(data))
    except (TypeError, AttributeError) as error:
        raise RegistryError(
            f"A stored {kind.__name__} cannot be read ({error}). It was written by another version of Citewise; "
            "upgrade Citewise, or ingest the document or ask the question again."
        ) from error


def load_all(kind: type[T], data: Any) -> tuple[T, ...]:
    """Return the tuple of ``kind`` that ``dump`` made ``data`` from."""
    return tuple(load(kind, item) for item in data)


def pack(value: object) -> bytes:
    """Return ``value`` as compressed JSON, for long lists that are rarely read."""
    return zlib.compress(json.dumps(dump(value), ensure_ascii=False, separators=(",", ":")).encode(), 6)


def unpack(kind: type[T], data: bytes) -> tuple[T, ...]:
    """Return the tuple of ``kind`` that ``pack`` made ``data`` from."""
    return load_all(kind, json.loads(zlib.decompress(data)))


@cache
def _loader(kind: Any) -> Callable[[Any], Any]:
    if is_dataclass(kind):
        return _record_loader(cast(type, kind))
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple:
        item = _loader(arguments[0])
        return lambda data: tuple(map(item, data))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        value = _loader(arguments[1])
        return lambda data: {key: value(entry) for key, entry in data.items()}
    if origin in (Union, types.UnionType):
        (inner,) = (_loader(argument) for argument in arguments if argument is not types.NoneType)
        return lambda data: None if data is None else inner(data)
    return _as_it_is


def _record_loader(kind: type) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    loaders = {field.name: _loader(hints[field.name]) for field in fields(kind)}
    return lambda data: kind(**{name: loaders[name](value) for name, value in data.items() if name in loaders})


def _as_it_is(data: Any) -> Any:
    return data
