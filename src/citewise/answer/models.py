"""The chat models that can be chosen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from citewise.errors import NotFoundError, ProviderError, SettingsError
from citewise.protocols import ChatModel, Finished, Writer
from citewise.types import ModelCheck, ModelInfo

_GREETING = "Somebody tests the connection to you. Reply with the one word: yes."
_HELLO = "Can you read this?"


@dataclass(frozen=True, slots=True)
class Provider:
    """One way of getting a chat model.

    ``missing`` says what to do when the provider is not configured, and is empty when it is.
    """

    prefix: str  # openai, anthropic, extractive
    label: str
    offered: tuple[str, ...]  # names for the picker, best first; any other name works too
    make: Callable[[str], ChatModel]  # from the name without its prefix
    missing: str = ""


class ChatModels:
    """Finds models by their ``PROVIDER:NAME``.

    Args:
        providers: In the order of the picker.
        default: The name that is used when none is given; ``None`` takes the first configured one.
    """

    def __init__(self, providers: Sequence[Provider], *, default: str | None = None) -> None:
        self._providers = {provider.prefix: provider for provider in providers}
        first = next(provider for provider in providers if not provider.missing)
        self._default = default or _full_name(first, first.offered[0])

    @property
    def default(self) -> str:
        return self._default

    def offered(self) -> list[ModelInfo]:
        """The picker's list, the default first."""
        infos = [
            ModelInfo(
                name=_full_name(provider, name),
                label=f"{provider.label} · {name}" if name else provider.label,
                available=not provider.missing,
                note=provider.missing,
            )
            for provider in self._providers.values()
            for name in provider.offered
        ]
        if self._default not in {info.name for info in infos}:
            infos.append(ModelInfo(name=self._default, label=self._default, available=True))
        return sorted(infos, key=lambda info: (info.name != self._default, not info.available))

    def get(self, name: str | None) -> ChatModel:
        """Return a model ready to be asked.

        Raises:
            NotFoundError: No provider has this prefix.
            SettingsError: The provider is not configured.
        """
        prefix, _, rest = (name or self._default).partition(":")
        provider = self._providers.get(prefix)
        if provider is None or bool(rest) != any(provider.offered):
            known = ", ".join(info.name for info in self.offered())
            raise NotFoundError("model", name or self._default, hint=f"Models are named PROVIDER:NAME: {known}.")
        if provider.missing:
            raise SettingsError(f"{provider.label} cannot be used: {provider.missing}")
        return provider.make(rest)

    def check(self, name: str | None) -> ModelCheck:
        """Ask a model for one word, to see whether it can be reached and answers.

        Raises:
            NotFoundError: No provider has this prefix.
        """
        try:
            model = self.get(name)
        except SettingsError as error:
            return ModelCheck(name or self._default, ok=False, detail=str(error))
        if not isinstance(model, Writer):
            return ModelCheck(model.name, ok=True, detail="It runs here and needs no connection.")
        started = time.perf_counter()
        try:
            usage = next(event.usage for event in model.write(_GREETING, _HELLO) if isinstance(event, Finished))
        except ProviderError as error:
            return ModelCheck(model.name, ok=False, detail=str(error), seconds=time.perf_counter() - started)
        seconds = time.perf_counter() - started
        counted = f"{usage.input_tokens:,} tokens read, {usage.output_tokens:,} written"
        if not usage.input_tokens:
            counted = "it does not count tokens"
        return ModelCheck(
            model.name, ok=True, detail=f"It answered within {seconds:.1f} s; {counted}.", seconds=seconds
        )


def _full_name(provider: Provider, name: str) -> str:
    return f"{provider.prefix}:{name}" if name else provider.prefix
