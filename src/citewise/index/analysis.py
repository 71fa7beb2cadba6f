"""What a keyword index keeps of a text: stems by language, groups of characters where words have no spaces.

A term says where it comes from: ``de:haus`` is a German stem, ``:機械`` a group of characters. One field
for all languages, since BM25 compares a text with the mean length of the field: with a field for each, the
few German texts of an English library would count as enormous ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from citewise.language.detect import LANGUAGES
from citewise.language.identifiers import parts
from citewise.language.unspaced import groups, pieces

DEFAULT_LANGUAGE = "en"
"""Of texts whose language does not show."""

# Letters, marks and digits: "_" parts words here, and the whole of foo_bar is an identifier.
_WORD = r"[\p{Alphabetic}\p{M}\p{N}]+"
_LONGEST_TERM = 200  # characters; longer ones are hardly words
_STEMMERS = {
    "ar": "Arabic",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "hu": "Hungarian",
    "it": "Italian",
    "nl": "Dutch",
    "no": "Norwegian",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "ta": "Tamil",
    "tr": "Turkish",
}

Terms = tuple[list[str], list[str]]
"""Terms of the field of words, and of the field of single characters."""


class Analysis:
    """Takes texts apart. Its methods may be called from any thread.

    Args:
        tantivy: The module, which has the stemmers.
    """

    def __init__(self, tantivy: Any) -> None:
        self.languages = LANGUAGES
        self._analyzers = {code: _analyzer(tantivy, _STEMMERS[code]) for code in LANGUAGES}

    def of_text(self, text: str, language: str) -> Terms:
        """Return what is indexed of a text, in order: words written together are added in their parts at the end."""
        words: list[str] = []
        single: list[str] = []
        for run, size in pieces(text):
            if size:
                words += [f":{group}" for group in groups(run, size)]
                single += groups(run, size - 1)
            else:
                words += self._stems(run, language)
        for _, separate in parts(text):
            words += self._stems(" ".join(separate), language)
        return words, single

    def of_question(
        self, text: str, languages: Sequence[str], *, known: Callable[[str], bool]
    ) -> list[tuple[tuple[str, str], ...]]:
        """Return for each word what it is looked for by: field and term in each language.

        Args:
            text: The question.
            languages: Those whose stems are wanted, one at least.
            known: Whether a term is in the index: a word written together that is not is looked for in its parts.
        """
        words: list[tuple[tuple[str, str], ...]] = []
        for run, size in pieces(text):
            if not size:
                words += self._in_each(run, languages)
            elif len(run) < size:
                words.append((("single", run),))
            else:
                words += [(("words", f":{group}"),) for group in groups(run, size)]
        for whole, separate in parts(text):
            if not any(known(term) for word in self._in_each(whole, languages) for _, term in word):
                words += self._in_each(" ".join(separate), languages)
        return words

    def of_phrase(self, phrase: str, languages: Sequence[str]) -> list[list[tuple[str, list[str]]]]:
        """Return what must all hold: each a list of alternatives, a field and words that follow each other in it."""
        found: list[list[tuple[str, list[str]]]] = []
        for run, size in pieces(phrase):
            if not size:
                stems = (self._stems(run, language) for language in languages)
                alternatives = [("words", each) for each in stems if each]
            elif len(run) < size:
                alternatives = [("single", [run])]
            else:
                alternatives = [("words", [f":{group}" for group in groups(run, size)])]
            if alternatives:
                found.append(alternatives)
        return found

    def _in_each(self, text: str, languages: Sequence[str]) -> list[tuple[tuple[str, str], ...]]:
        # Stemmers neither add nor drop words, so that these lists are parallel.
        stems = [self._stems(text, language) for language in languages]
        return [tuple(("words", stem) for stem in word) for word in zip(*stems, strict=True)]

    def _stems(self, text: str, language: str) -> list[str]:
        return [f"{language}:{stem}" for stem in self._analyzers[language].analyze(text)]


def _analyzer(tantivy: Any, stemmer: str) -> Any:
    filters = tantivy.Filter
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_WORD))
        .filter(filters.remove_long(_LONGEST_TERM))
        .filter(filters.lowercase())
        .filter(filters.ascii_fold())
        .filter(filters.stemmer(stemmer))
        .build()
    )
