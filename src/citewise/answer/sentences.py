"""Cuts text into sentences, as spans.

Made for text as documents and models really write it: abbreviations, decimals, initials,
bullets, headings without a full stop, table rows, lines broken by a page's width, and
citation markers, which belong to the sentence before them.
"""

from __future__ import annotations

import re

_ABBREVIATED = """
    mr mrs ms dr prof st sr jr rev hon gen col capt lt sgt gov sen rep pres vs cf eg ie viz al approx ca resp
    no nos nr fig figs eq eqs sec secs ch chap vol vols ed eds pp p pg ref refs tab art para app dept est inc ltd
    co corp bros mt ft jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun
    bzw ggf vgl abs str tel
"""
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
# These also end sentences: a capital after them starts the next one.
_ENDING = "inc ltd co corp bros jr sr al est dec jan oct sun sat fri st dept"
_MAY_END = frozenset(_ENDING.split())

_MARKERS = r"(?:[ \t\u00a0]*[\[【［]\s*\d{1,3}(?:\s*[,;–—-]\s*\d{1,3})*\s*[\]】］])+"
_CLOSERS = r"[\"'”’»)\]]*"
_END = re.compile(
    rf"(?P<stop>[.!?…]+)(?P<close>{_CLOSERS})(?P<markers>{_MARKERS})?(?=\s|$)"
    rf"|(?P<wide>[。！？]+)(?P<wideclose>[」』”’）]*)(?P<widemarkers>{_MARKERS})?"
)
_ONLY_MARKERS = re.compile(rf"{_MARKERS}[ \t]*[.]?")
_BULLET = re.compile(r"\s*(?:[-*+•‣▪●◦–—]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+")
_HEADING_MARK = re.compile(r"\s{0,3}#{1,6}\s")
_JSON_LINE = re.compile(r'\s*(?:"[^"\n]{1,80}"\s*:|[{}\[\]]+,?\s*$)')
_LAST_WORD = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)*)$")

_HEADING_CHARACTERS = 80  # a longer line without a full stop is taken for prose


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return ``(start, end)`` of each sentence, in order, without the blanks around it.

    The spans do not overlap and together hold every non-blank character. A heading, a
    bullet, a table row and a line of JSON are each a sentence. Empty for blank text.
    """
    spans: list[tuple[int, int]] = []
    for start, end in _units(text):
        for span in _sentences_of(text, start, end):
            if spans and _ONLY_MARKERS.fullmatch(text, *span):
                spans[-1] = (spans[-1][0], span[1])
            else:
                spans.append(span)
    return spans


def item_start(text: str) -> int:
    """Return where the words of an item of a list begin, behind its bullet or number; 0 where there is none."""
    bullet = _BULLET.match(text)
    return bullet.end() if bullet else 0


def _units(text: str) -> list[tuple[int, int]]:
    """Group lines into units that no sentence crosses."""
    units: list[tuple[int, int]] = []
    lines = _lines(text)
    open_unit: tuple[int, int] | None = None
    for index, (start, end) in enumerate(lines):
        line = text[start:end]
        if not line.strip():
            if open_unit:
                units.append(open_unit)
            open_unit = None
            continue
        if open_unit and _begins_unit(line):
            units.append(open_unit)
            open_unit = None
        open_unit = (open_unit[0], end) if open_unit else (start, end)
        following = text[slice(*lines[index + 1])] if index + 1 < len(lines) else ""
        if _ends_unit(line, following):
            units.append(open_unit)
            open_unit = None
    if open_unit:
        units.append(open_unit)
    return units


def _lines(text: str) -> list[tuple[int, int]]:
    spans = []
    at = 0
    for line in text.splitlines(keepends=True):
        spans.append((at, at + len(line)))
        at += len(line)
    return spans


def _begins_unit(line: str) -> bool:
    return bool(_BULLET.match(line) or _HEADING_MARK.match(line) or _is_row(line) or _JSON_LINE.match(line))


def _ends_unit(line: str, following: str) -> bool:
    if _HEADING_MARK.match(line) or _is_row(line) or _JSON_LINE.match(line):
        return True
    bare = line.strip()
    next_bare = following.strip()
    if not next_bare or bare[-1] in ".!?…,;-–—(/&":
        return False
    # A short line without a full stop, followed by a longer one that starts afresh, is a
    # heading; a line of prose broken by the page's width is about as long as its neighbour.
    return (
        len(bare) <= _HEADING_CHARACTERS
        and (next_bare[0].isupper() or next_bare[0].isdigit())
        and (bare[-1] == ":" or len(bare) < 0.6 * len(next_bare))
        and not bare[0].islower()
    )


def _is_row(line: str) -> bool:
    return " | " in line or "\t" in line.strip()


def _sentences_of(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans = []
    at = start
    bullet = _BULLET.match(text, start, end)
    search_from = bullet.end() if bullet else start
    if not _is_row(text[start:end]):
        for match in _END.finditer(text, search_from, end):
            if match.group("stop") and not _is_stop(text, at, match, end):
                continue
            spans.append((at, match.end()))
            at = match.end()
    if at < end:
        spans.append((at, end))
    return [stripped for span in spans if (stripped := _strip(text, *span))]


def _is_stop(text: str, sentence_start: int, match: re.Match[str], unit_end: int) -> bool:
    after = text[match.end() : unit_end].lstrip().lstrip("\"'“”‘’«([*_")
    if not after:
        return True
    if after[0].islower():
        return False
    if match.group("stop") != "." or match.group("close") or match.group("markers"):
        return True
    word = _LAST_WORD.search(text, max(sentence_start, match.start() - 40), match.start())
    if word is None:
        # A number alone before its full stop is a list number, not a sentence.
        return not text[sentence_start : match.start()].strip().isdigit()
    return not _abbreviates(word.group(1), after)


def _abbreviates(word: str, after: str) -> bool:
    if "." in word:  # e.g., U.S., a.m.
        return (
            not after[0].isupper() or len(word.rpartition(".")[2]) > 1 or word.lower() in {"e.g", "i.e", "z.b", "d.h"}
        )
    if len(word) == 1:
        return word.isupper() and word != "I"
    folded = word.lower()
    if folded in _MAY_END:
        return not after[0].isupper() or (folded == "st" and word[0].isupper())
    return folded in _ABBREVIATIONS


def _strip(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None
