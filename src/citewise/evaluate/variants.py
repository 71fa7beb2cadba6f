"""A grid of ways to search, from what a person wrote.

``size=120,200`` names two ways; options about different names are combined with each other,
options about the same names stand beside each other. Several names in one option go together:
``mode=hybrid,fusion=ranks``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from citewise.errors import QuestionError

INDEXED: Mapping[str, tuple[str, str]] = {
    "splitter": ("split", "strategy"),
    "size": ("split", "size"),
    "overlap": ("split", "overlap"),
    "embedder": ("embed", "model"),
}
"""Names of what needs an index of its own → section and field of the settings."""

SEARCHED: Mapping[str, tuple[str, str]] = {
    "fusion": ("search", "fusion"),
    "reranker": ("search", "reranker"),
}
"""Names of what only the search differs in → section and field of the settings."""

ASKED = ("k", "mode")
"""Names of what is said with each question."""

NAMES = (*INDEXED, *SEARCHED, *ASKED)
MOST = 64
"""Variants in one grid."""

_NAMED = re.compile(r"\s*([a-z]+)\s*=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Variant:
    """One way: what differs from the settings, by name."""

    values: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.values) or "as set"

    def get(self, name: str) -> str | None:
        """The value of that name; ``None`` when it is as set."""
        return dict(self.values).get(name)

    def overrides(self, *, indexed: bool) -> dict[tuple[str, str], str]:
        """The settings that differ: those that an index of its own is needed for, or the others."""
        fields = INDEXED if indexed else SEARCHED
        return {fields[name]: value for name, value in self.values if name in fields}


def grid(options: Sequence[str]) -> list[Variant]:
    """Return the variants that options ask for, in their order; one without differences for no options.

    Raises:
        QuestionError: An option cannot be read, or there would be too many.
    """
    families: list[tuple[set[str], list[dict[str, str]]]] = []
    for option in options:
        named = _read(option)
        own = [dict(zip(named, values, strict=True)) for values in product(*named.values())]
        names = set(named)
        joined = [family for family in families if family[0] & names]
        families = [family for family in families if not family[0] & names]
        for family in joined:
            names |= family[0]
            own = [*family[1], *own]
        families.append((names, own))
    found = [
        Variant(_ordered([pair for one in chosen for pair in one.items()]))
        for chosen in product(*(f[1] for f in families))
    ]
    variants = list(dict.fromkeys(found))
    if len(variants) > MOST:
        raise QuestionError(f"These are {len(variants)} variants; at most {MOST} can be compared. Name fewer values.")
    return variants


def _ordered(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pairs, key=lambda pair: NAMES.index(pair[0])))


def _read(option: str) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    last: list[str] | None = None
    for part in option.split(","):
        match = _NAMED.fullmatch(part)
        if match and (match[1] in NAMES or last is None):
            if match[1] not in NAMES:
                raise QuestionError(f"{match[1]!r} is nothing that variants can differ in: {', '.join(NAMES)}.")
            last = named.setdefault(match[1], [])
            value = match[2].strip()
        else:
            value = part.strip()
        if last is None or not value:
            raise QuestionError(f"{option!r} is not NAME=VALUE,…, for example size=120,200.")
        last.append(value)
    return named
