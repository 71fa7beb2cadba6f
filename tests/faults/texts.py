"""Texts that can be told apart: each has a word of its own that no other text and no tool uses."""

from __future__ import annotations

import hashlib
import random

_SYLLABLES = [consonant + vowel for consonant in "bdfklmnr" for vowel in "aeiou"]


def own_word(name: str) -> str:
    """A word for this name alone, of letters only, so that no tokenizer cuts it."""
    digest = hashlib.sha256(name.encode()).digest()
    return "qx" + "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[:12])


def text_for(name: str, *, sentences: int) -> str:
    """A text of so many sentences, always the same for a name; every sentence is another."""
    chance = random.Random(name)  # noqa: S311 - the same for a name
    word = own_word(name)
    lines = [
        f"The {word} number {n} is about {' '.join(_words(chance, 12))}. It was seen by {' '.join(_words(chance, 3))}."
        for n in range(sentences)
    ]
    return "\n\n".join(lines) + "\n"


def _words(chance: random.Random, count: int) -> list[str]:
    return ["".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))) for _ in range(count)]
