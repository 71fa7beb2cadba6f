"""Where log lines go and what they look like. Front ends call ``configure_logging`` once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal, TextIO

import structlog

from citewise.observe.redact import redact

LogLevel = Literal["debug", "info", "warning", "error"]

# Libraries that narrate; their warnings are still heard.
_TALKATIVE = (
    "alembic",
    "sentence_transformers",
    "httpx2",
    "httpcore2",
    "httpx",
    "httpcore",
    "openai",
    "anthropic",
    "chromadb",
    "urllib3",
    "watchfiles",
)


def configure_logging(
    *,
    level: LogLevel = "info",
    form: Literal["console", "json"] = "console",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
    path: Path | None = None,
) -> None:
    """Send the log lines of this process to standard error or a file, without keys.

    Lines from ``structlog`` and from the standard library look the same. Calling again
    replaces the earlier configuration.

    Args:
        level: The least severe level that is written.
        form: ``console`` for a person, ``json`` for one JSON object a line.
        secrets: Configured keys; hidden wherever they would appear, tracebacks included.
        stream: Where to write instead of standard error.
        path: A file to append to instead, made with its first line; it starts anew at 1 MB,
            and one older file is kept. Lines that cannot be written are lost.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form == "json":
        renderers += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        plain = structlog.dev.plain_traceback  # the rich one prints local variables, keys among them
        renderers += [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)]

    handler = _LogFile(path) if path else logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(
        _RedactingFormatter(
            structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=renderers),
            secrets=tuple(secrets),
        )
    )
    root = logging.getLogger()
    for earlier in root.handlers:
        if isinstance(earlier, _LogFile):
            earlier.close()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.NOTSET if level == "debug" else logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _LogFile(RotatingFileHandler):
    """Never in the way of the work: a full disk or a missing folder costs log lines only."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=1_000_000, backupCount=1, encoding="utf-8", delay=True)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Lose the line."""


class _RedactingFormatter(logging.Formatter):
    """Hides keys in the finished line, so that no field and no traceback is missed."""

    def __init__(self, inner: logging.Formatter, *, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._inner = inner
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return redact(self._inner.format(record), secrets=self._secrets)
