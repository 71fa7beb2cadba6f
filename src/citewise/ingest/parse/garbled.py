"""Telling text that nobody can read from text in a language that one does not know.

Fonts may lack the map from their glyphs to characters, or have a wrong one. What comes out
is private or replacement characters, letters shifted along the alphabet, or letters of
scripts that never stand in one word.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_STRANGE = re.compile("[\ufffd\x7f-\x9f\ue000-\uf8ff\U000f0000-\U0010ffff]")  # control and private-use characters
_STRANGE_SHARE = 0.2
_MISREAD = re.compile("[ÃÂ][\u0080-\u00bf]|â€|Ð[\u0080-\u00bf°-¿]|ï¿½")  # UTF-8 that was read as Latin-1
_MISREAD_SHARE = 0.02
_LATIN_WORD = re.compile(r"(?<![^\W_])[A-Za-zÀ-ɏḀ-ỿ]{3,}(?![^\W_])")
_WORDS = 40  # too few say nothing
_VOWEL_SHARE = 0.27  # of letters; in languages with Latin letters it is 0.35 to 0.5
_MIXED_WORD = re.compile(r"[^\W\d_]{4,}")
_MIXED_SHARE = 0.2
_NEVER_MIX = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "ARMENIAN", "GEORGIAN", "THAI", "DEVANAGARI"})


def is_garbled(text: str) -> bool:
    """Whether most of ``text`` cannot be what its page shows; ``False`` for no text."""
    visible = "".join(text.split())
    if not visible:
        return False
    if len(_STRANGE.findall(visible)) > len(visible) * _STRANGE_SHARE:
        return True
    if len(_MISREAD.findall(text)) > len(visible) * _MISREAD_SHARE:
        return True
    return _lacks_vowels(text) or _mixes_scripts(text)


def _lacks_vowels(text: str) -> bool:
    words = _LATIN_WORD.findall(text)
    if len(words) < _WORDS:
        return False
    # Each word counts once, so that the abbreviations of a table do not weigh more than its words.
    letters = "".join(dict.fromkeys(word.lower() for word in words))
    if not letters.isascii():
        letters = "".join(letter for letter in unicodedata.normalize("NFD", letters) if letter.isascii())
    return sum(letters.count(vowel) for vowel in "aeiou") < len(letters) * _VOWEL_SHARE


def _mixes_scripts(text: str) -> bool:
    words = _MIXED_WORD.findall(text)
    foreign = [word for word in words if not word.isascii()]
    mixed = sum(len({script for letter in word if (script := _script(letter)) in _NEVER_MIX}) > 1 for word in foreign)
    return mixed >= _WORDS // 4 and mixed > len(words) * _MIXED_SHARE


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
