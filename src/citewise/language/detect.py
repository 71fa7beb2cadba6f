"""Which language a text is in, by its script and its most frequent words.

No more than the search by words needs: which stemmer to use. A wrong guess between two near
languages (Danish, Norwegian) does little harm, since question and text go through the same one.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

_PROFILES = {
    "en": "the of and to in is was that for it with as on are be by this from at which or an have were not has had "
    "but their they his her its been can will would there what who when how does did why where",
    "de": "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er "
    "hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur "
    "bis mehr durch wurde wer wann welche",
    "fr": "le la les de des du et en un une est que qui dans pour par sur au aux pas plus ne se ce cette avec son sa "
    "ses sont il elle ils ou été être a d l qu quand quel quelle où comment",
    "es": "el la los las de del que y en un una es por con para se no al lo como más su sus fue son ha este esta o "
    "pero entre cuando también qué cuál cómo dónde quién",
    "it": "il lo la i gli le di del della dei delle che e è un una in per con non si da al alla nel nella sono come "
    "più anche ha ma dal questo questa essere stato chi quando dove perché",
    "pt": "o a os as de do da dos das que e é em um uma para com não no na nos nas por se mais como ao foi são pelo "
    "pela ou sua seu também quando onde quem",
    "nl": "de het een van en in is dat op te voor met zijn die niet aan er om ook als bij door naar uit maar werd "
    "wordt hij heeft of worden deze wat wie waar hoe over tot",
    "sv": "och i att det som en på är av för med den till inte har de om ett var från men vid så kan eller efter ska "
    "också när vad hur vem",
    "da": "og i at det som en på er af for med den til ikke har de om et var fra men ved så kan eller efter skal også "
    "når hvad hvordan hvem blev",
    "no": "og i at det som en på er av for med den til ikke har de om et var fra men ved så kan eller etter skal også "
    "når hva hvordan hvem ble",
    "fi": "ja on ei että se oli hän mutta ovat tai kun myös joka sekä niin kuin mukaan ollut mitä missä kuka ole "
    "sen hänen vuonna",
    "hu": "a az és hogy nem is egy volt meg ez de csak van már mint vagy ki mi el amely azt ezt kell után között",
    "ro": "și de la în a pe cu nu care este din pentru o un ce mai fost au sunt prin sau dar cel cea unde când",
    "tr": "ve bir bu için ile de da olarak çok daha olan en gibi kadar sonra ne ya veya değil ise nasıl kim",
}
_SCRIPTS = {
    "ru": r"[\u0400-\u052f]",
    "ar": r"[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff]",
    "el": r"[\u0370-\u03ff\u1f00-\u1fff]",
    "ta": r"[\u0b80-\u0bff]",
}
LANGUAGES: tuple[str, ...] = (*_PROFILES, *_SCRIPTS)
"""Codes that ``detect`` can return (ISO 639-1)."""

_SAMPLE = 1_000  # characters
_LEAST_SHARE = 0.08  # of the words that are frequent ones; names, tables and code have fewer
_LEAST = 2
_WORD = re.compile(r"[^\W\d_]+")


def detect(text: str) -> str | None:
    """Return the code of the language of ``text``, one of ``LANGUAGES``; ``None`` when it does not show."""
    words = _WORD.findall(text[:_SAMPLE].lower())
    if not words:
        return None
    letters = "".join(words)
    for code, pattern in _scripts():
        if 2 * len(pattern.findall(letters)) > len(letters):
            return code
    by_word = _by_word()
    votes = Counter(code for word in words if word in by_word for code in by_word[word])
    if not votes:
        return None
    code, count = votes.most_common(1)[0]  # of equal ones the one that was met first
    return code if count >= max(_LEAST, _LEAST_SHARE * len(words)) else None


@lru_cache(maxsize=1)
def _by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code, profile in _PROFILES.items():
        for word in profile.split():
            found.setdefault(word, []).append(code)
    return {word: tuple(codes) for word, codes in found.items()}


@lru_cache(maxsize=1)
def _scripts() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((code, re.compile(pattern)) for code, pattern in _SCRIPTS.items())
