"""Importing chromadb without what only its traces need."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_EXPORTER = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"


class OTLPSpanExporter:
    """Takes the place of the exporter that would send Chroma's traces away; sends nothing."""

    def __init__(self, **_: Any) -> None:
        pass

    def export(self, _: Any) -> None:
        """Drop spans."""

    def force_flush(self, _: int = 0) -> bool:
        return True

    def shutdown(self) -> None:
        """There is nothing to end."""


@contextmanager
def without_trace_exporter() -> Iterator[None]:
    """While chromadb is imported: give it a stand-in for its exporter of traces.

    The real one brings gRPC and protobuf along: 150 modules, 13 MB and a tenth of a second before the
    first hit of a command, for something that is never used.
    """
    if _EXPORTER in sys.modules:
        yield
        return
    stand_in = ModuleType(_EXPORTER)
    vars(stand_in)["OTLPSpanExporter"] = OTLPSpanExporter
    sys.modules[_EXPORTER] = stand_in
    try:
        yield
    finally:
        del sys.modules[_EXPORTER]  # whoever else wants it gets the real one
