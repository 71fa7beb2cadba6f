"""The embedding models that are open, by name."""

from __future__ import annotations

import threading
from collections.abc import Callable

from citewise.embed.local import LocalEmbedder
from citewise.protocols import Embedder


class Embedders:
    """Opens each model once. May be used from any thread.

    Several are open while the documents are embedded with another model, beside the one
    that answers come from.

    Args:
        open_embedder: From PROVIDER:NAME to an embedder that is not started yet.
    """

    def __init__(self, open_embedder: Callable[[str], Embedder]) -> None:
        self._open = open_embedder
        self._lock = threading.Lock()
        self._embedders: dict[tuple[str, str], Embedder] = {}

    def get(self, model: str, fingerprint: str = "") -> Embedder:
        """Return the embedder of that name; what it needs to load is read when it is started.

        Args:
            model: PROVIDER:NAME.
            fingerprint: Of vectors that exist: where the model can be run in several ways, this asks
                for the one that makes them. There may be none: compare.

        Raises:
            SettingsError: There is no such provider.
            ProviderError: The model is not on this machine.
        """
        with self._lock:
            if (model, "") not in self._embedders:
                self._embedders[model, ""] = self._open(model)
            found = self._embedders[model, ""]
            if not fingerprint or not isinstance(found, LocalEmbedder) or found.fingerprint == fingerprint:
                return found
            if (model, fingerprint) not in self._embedders:
                edition = found.edition(fingerprint)
                if edition is None:
                    return found
                self._embedders[model, fingerprint] = edition
            return self._embedders[model, fingerprint]

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            for embedder in self._embedders.values():
                embedder.close()
