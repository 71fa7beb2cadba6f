"""Characters that a reader does not see and a model would read.

They can hide orders from a person: whole sentences in tag characters, bytes in variation
selectors, words turned around by signs of direction. The text of documents keeps them, since
every position counts them; they are left out of what goes to a model, of what a model writes
and of what is shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_JOINERS = "\u200c\u200d"
# Signs of formatting that are seen (those before Arabic numbers), tabs and line ends are none of these.
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff"
)
_HIDDEN = re.compile(f"[{_UNSEEN}{_JOINERS}]")
# A joiner shapes the letter before it in scripts like Persian and Hindi, and joins emoji. A second one,
# or one behind a Latin letter, does nothing that is seen.
_REMOVED = re.compile(
    f"[{_UNSEEN}]|(?<![\u0590-\uffff\U00010000-\U0001faff])[{_JOINERS}]|(?<=[{_JOINERS}])[{_JOINERS}]"
)
# What has no honest use in running text. Soft hyphens, selectors of emoji, joiners, marks of direction in
# front of a number and spaces of no width between Thai words have one, and are not counted.
_TAGS = re.compile("[\U000e0000-\U000e0fff]")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_IN_WORDS = re.compile("(?<=[A-Za-z])[\u200b-\u200d\u2060-\u2064\u180e\ufeff\u115f\u1160\u3164\uffa0]+(?=[A-Za-z])")


@dataclass(frozen=True, slots=True)
class Hidden:
    """How many characters of a text only a machine would read."""

    tags: int  # that spell a text of their own
    turns: int  # that change the direction of writing
    in_words: int  # of no width, between two letters

    @property
    def total(self) -> int:
        return self.tags + self.turns + self.in_words


def visible(text: str) -> str:
    """Return ``text`` without what a reader cannot see; what scripts need to be shaped stays."""
    if _HIDDEN.search(text) is None:
        return text
    return _REMOVED.sub(lambda found: "\n" if found[0] in "\u2028\u2029" else "", text)


def without_turns(text: str) -> str:
    """Return ``text`` without tags and signs of direction alone: for text that is shown, or comes in pieces."""
    return _TURNS.sub("", _TAGS.sub("", text))


def hidden_characters(text: str) -> Hidden:
    """Count what has no honest use in a text."""
    if _HIDDEN.search(text) is None:
        return Hidden(0, 0, 0)
    in_words = sum(len(found[0]) for found in _IN_WORDS.finditer(text))
    return Hidden(len(_TAGS.findall(text)), len(_TURNS.findall(text)), in_words)
