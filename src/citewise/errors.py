"""One tree of errors. Every message says what happened, to what, and what to do.

::

    CitewiseError
    ├── SettingsError         a setting or key is missing or out of bounds
    ├── IngestError           a file cannot be taken or read
    ├── RegistryError         the registry cannot be opened, read or written
    │   ├── DirectoryInUseError   another process owns the data directory
    │   ├── DamagedRegistryError  the registry is not as it was left; nothing is written to it
    │   ├── NoSpaceError          the disk is full, or would be
    │   └── NotFoundError         there is no such collection, document, turn or model
    ├── StoreError            an index failed
    │   └── DimensionMismatchError
    ├── ProviderError         a model provider failed
    ├── QuestionError         the question cannot be asked as it is
    └── NotAllowedError       the caller may not do this
"""

from __future__ import annotations


class CitewiseError(Exception):
    """Anything that Citewise raises on purpose; ``str()`` is fit for a person."""


class SettingsError(CitewiseError):
    """A setting is missing, unknown or out of bounds."""


class IngestError(CitewiseError):
    """A file cannot be taken or read."""


class QuestionError(CitewiseError):
    """A question is empty, too long or names something impossible."""


class RegistryError(CitewiseError):
    """The registry cannot be opened, read or written."""


class DirectoryInUseError(RegistryError):
    """Another process owns the data directory."""

    def __init__(self, *, directory: str, pid: int | None, url: str | None) -> None:
        owner = f"process {pid}" if pid else "another process"
        served = f", which serves {url}" if url else ""
        way_out = (
            f"Use `--server {url}`, or stop it first."
            if url
            else "Stop it first, or choose another directory with CITEWISE_HOME."
        )
        super().__init__(f"The data directory {directory} is in use by {owner}{served}. {way_out}")
        self.pid = pid
        self.url = url


class DamagedRegistryError(RegistryError):
    """The registry is not as it was left; nothing is written to it."""

    def __init__(self, *, path: str, what: str) -> None:
        super().__init__(
            f"The registry {path} is damaged: {what.rstrip('.')}. Nothing was written. Put a backup in its place "
            "with `citewise restore FILE`; `citewise doctor` says what else can be done."
        )


class NoSpaceError(RegistryError):
    """The disk is full, or would be."""

    def __init__(self, *, directory: str, free: int | None = None, needed: int | None = None) -> None:
        found = f"The disk that holds {directory} is full"
        if free is not None and needed is not None:
            found = f"Only {free / 1e6:,.0f} MB are free on the disk that holds {directory}, and {needed / 1e6:,.0f} MB"
            found += " have to be"
        super().__init__(f"{found}; nothing was stored. Free some space and try again.")


class NotFoundError(RegistryError):
    """There is no such thing."""

    def __init__(self, kind: str, name: str, *, hint: str = "") -> None:
        super().__init__(f"There is no {kind} named {name!r}.{' ' + hint if hint else ''}")
        self.kind = kind
        self.name = name


class StoreError(CitewiseError):
    """An index failed."""


class DimensionMismatchError(StoreError):
    """Vectors do not fit the index they were sent to."""

    def __init__(self, *, expected: int, got: int) -> None:
        super().__init__(
            f"This index holds {expected}-dimensional vectors but the embedder produced {got}. "
            "Switch back to the model that built it, or run `citewise index reembed`."
        )


class ProviderError(CitewiseError):
    """A model provider failed.

    Attributes:
        provider: Who failed, for example ``openai``.
        retryable: Whether the same call may succeed later.
        retry_after: Seconds the provider asked to wait, if it said.
    """

    def __init__(
        self, message: str, *, provider: str, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.retryable = retryable
        self.retry_after = retry_after


class NotAllowedError(CitewiseError):
    """The caller may not do this."""
