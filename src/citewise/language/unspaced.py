"""Writing without spaces between words: Chinese, Japanese, Thai and others. Korean too, whose words carry particles.

Such text is indexed by overlapping groups of characters instead of words: 機械学習 by 機械, 械学, 学習.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Ideographs, kana, bopomofo, Hangul: a character is a syllable or a word, so that two are enough.
_SYLLABIC = (
    "\u1100-\u11ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3040-\u30ff\u3100-\u318f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
# Thai, Lao, Tibetan, Burmese, Khmer: a character is a letter or a sign, and two say little.
_ALPHABETIC = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0edd\u0f40-\u0fbc\u1000-\u103f\u1050-\u109d\u1780-\u17d3"
_RUN = re.compile(f"(?P<syllabic>[{_SYLLABIC}]+)|[{_ALPHABETIC}]+")
_HANGUL = "\u1100-\u11ff\u3131-\u318f\ua960-\ua97f\uac00-\ud7ff"
_IDEOGRAPH = re.compile("[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_GAP = re.compile(f"(?<=[{_SYLLABIC}{_ALPHABETIC}])(?<![{_HANGUL}])\\s+(?=[{_SYLLABIC}{_ALPHABETIC}])")


def is_unspaced(text: str) -> bool:
    """Whether any of ``text`` is written without spaces."""
    return bool(_RUN.search(text))


def is_ideograph(character: str) -> bool:
    """Whether a character is one of those that Chinese and Japanese share, a word or a part of one."""
    return bool(_IDEOGRAPH.match(character))


def pieces(text: str) -> Iterator[tuple[str, int]]:
    """Cut ``text`` into runs with and without spaces between words, in order.

    Yields:
        The run, and how many of its characters make a group; 0 where it has spaces.
    """
    at = 0
    for match in _RUN.finditer(text):
        if match.start() > at:
            yield text[at : match.start()], 0
        yield match.group(), 2 if match["syllabic"] else 3
        at = match.end()
    if at < len(text):
        yield text[at:], 0


def groups(run: str, size: int) -> list[str]:
    """Return the overlapping groups of ``size`` characters of ``run``; the whole where it is shorter."""
    return [run[at : at + size] for at in range(len(run) - size + 1)] or [run]


def spaced(text: str) -> str:
    """Return ``text`` with a space in place of every run that has none between its words."""
    return _RUN.sub(" ", text)


def without_gaps(text: str) -> str:
    """Return ``text`` without the white space that lines and pages leave within such writing; Korean keeps its own."""
    return _GAP.sub("", text)
