"""What a question names exactly: codes, numbers of invoices and versions, paths, names in source code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from citewise.language.unspaced import spaced

# Signs inside (users/reset, foo_bar, 3.14), before (/users, #12) or after (c++), or a hyphen or
# colon beside a digit (ts-999). "well-known" is none: counting such words twice cost 2 points on scifact.
_IDENTIFIER = re.compile(
    r"[^\W_].*[^\w\-:'’].*[^\W_]|[^\W_]_[^\W_]|[/@#$].*[^\W_]|[^\W_][+#]|(?=.*\d)[^\W_].*[-:].*[^\W_]"
)
_AROUND = ".,;:!?\"'`()[]{}<>«»“”‘’„…*|、。〈〉《》「」『』【】〜"
_VERSION = re.compile(r"v(?=\d+\.)")
_LONGEST = 200  # characters; longer ones are hardly words

# getUserName, INV2024: words that are written together.
_LATIN_WORD = re.compile(r"[A-Za-z0-9]{4,}", re.ASCII)
_JOINED = re.compile(r"[a-z]{2}[A-Z][a-z]|[A-Za-z]{2}[0-9]{2}|[0-9]{2}[A-Za-z]{2}", re.ASCII)
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+", re.ASCII)
_LEAST_PART = 2  # characters


def normal(text: str) -> str:
    """One form for what looks the same: ligatures, full-width letters, joined accents; no lone surrogates."""
    return unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode("utf-8"))


def identifiers(text: str) -> list[str]:
    """Return what words would take apart, in lower case: ``ts-999``, ``3.14``, ``/api/v2/users``; ``text`` is normal.

    The version ``v2.3`` is ``2.3``, as many write it.
    """
    found = (_VERSION.sub("", piece.strip(_AROUND).lower(), count=1) for piece in spaced(text).split())
    return [piece for piece in found if len(piece) <= _LONGEST and _IDENTIFIER.search(piece)]


def parts(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield words that are several written together, as they stand, and these: ``getUserName``, ``INV2024``."""
    for word in _LATIN_WORD.findall(text):
        if len(word) <= _LONGEST and _JOINED.search(word):
            found = _PART.findall(word)
            if len(found) > 1 and min(map(len, found)) >= _LEAST_PART:
                yield word, found
