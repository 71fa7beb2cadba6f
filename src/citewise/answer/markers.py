"""Finds citation markers in what a model writes, while it writes.

Models are told to write ``[1]`` or ``[1][2]`` and also write ``[1, 2]``, ``[1-3]``,
``【1】`` or ``[Source 1]``. All of these become ``[n]``. Numbers that were not sent are
dropped and counted. Code, array indexes (``a[1]``) and years (``[2020]``) stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_OPEN = "[【［"
_NUMBER = r"\d{1,3}"
_SEPARATOR = r"\s*[,;、，]\s*|\s*[-–—]\s*|\s+"
_LEAD = r"(?:(?:[Ss]ources?|[Rr]efs?\.?|[Cc]itations?)\s*:?\s*|[\^#])?"
_GROUP = re.compile(
    rf"[{re.escape(_OPEN)}]\s*(?P<numbers>{_LEAD}{_NUMBER}(?:(?:{_SEPARATOR}){_LEAD}{_NUMBER})*)(?:†[^\]】］\n]{{0,30}})?\s*[\]】］]"
)
_TOKEN = re.compile(rf"(?P<number>{_NUMBER})|(?P<range>[-–—])")
_MAY_BECOME_GROUP = re.compile(rf"[{re.escape(_OPEN)}][\w\s,;、，:.^#–—†-]*")
_UNFINISHED = re.compile(_MAY_BECOME_GROUP.pattern + r"$")
_GROUP_CHARACTERS = 60  # a longer bracket is no marker
_RANGE = 20  # more sources than were ever sent; a longer range is no marker
_IDENTIFIER = re.compile(r"(?:^|(?<=[^\w]))(?:[A-Za-z]|[A-Za-z]\w*_\w*|[a-z]+[A-Z]\w*)$")
_NORMAL = re.compile(rf"\[({_NUMBER})\]")
_LOOK_BACK = 40  # characters of finished text kept to recognise an identifier
_BLANKS = " \t\u00a0"


def normal_markers(text: str) -> list[tuple[int, int, int]]:
    """Return ``(start, end, number)`` of the markers in finished answer text, in order.

    Follows the same rules on code and array indexes as :class:`MarkerFilter`.
    """
    found: list[tuple[int, int, int]] = []
    code = _Code()
    at = 0
    while at < len(text):
        if text[at] == "`":
            at += code.run(text, at)
            continue
        match = _NORMAL.match(text, at) if text[at] == "[" and not code.inside else None
        if match and not _IDENTIFIER.search(text, max(0, at - _LOOK_BACK), at):
            found.append((at, match.end(), int(match.group(1))))
            at = match.end()
            continue
        code.character(text[at])
        at += 1
    return found


def without_markers(text: str) -> str:
    """Return ``text`` with its ``[n]`` markers and the blanks before them taken out."""
    pieces: list[str] = []
    at = 0
    for start, end, _ in normal_markers(text):
        pieces.append(text[at:start].rstrip(_BLANKS))
        at = end
    pieces.append(text[at:])
    return "".join(pieces)


class MarkerFilter:
    """Rewrites a stream of text so that every marker in it is ``[n]`` with a known ``n``.

    Feed pieces cut anywhere; the joined output does not depend on where they were cut. An
    unfinished bracket, and blanks that may precede one, are held back until they are decided.

    Attributes:
        dropped: How many unknown numbers were taken out so far.
    """

    def __init__(self, known: Collection[int]) -> None:
        self._known = frozenset(known)
        self._held = ""
        self._written = ""  # the last characters that were given out
        self._code = _Code()
        self.dropped = 0

    def feed(self, text: str) -> str:
        """Return what of the text so far is decided and was not returned before."""
        self._held += text
        return self._advance(final=False)

    def flush(self) -> str:
        """Return what is held back, taken as it stands; more text may follow."""
        return self._advance(final=True)

    def _advance(self, *, final: bool) -> str:
        out: list[str] = []
        held, at = self._held, 0
        while at < len(held):
            step = self._step(held, at, final=final)
            if step is None:
                break
            at, written = step
            out.append(written)
            self._written = (self._written + written)[-_LOOK_BACK:]
        self._held = held[at:]
        return "".join(out)

    def _step(self, held: str, at: int, *, final: bool) -> tuple[int, str] | None:
        """Decide the next piece: where it ends and what it becomes; ``None`` to wait for more."""
        if held[at] == "`":
            length = _run_length(held, at)
            if at + length == len(held) and not final:
                return None
            self._code.run(held, at)
            return at + length, held[at : at + length]
        if self._code.inside:
            self._code.character(held[at])
            return at + 1, held[at]
        return self._step_in_prose(held, at, final=final)

    def _step_in_prose(self, held: str, at: int, *, final: bool) -> tuple[int, str] | None:
        bracket = at
        while bracket < len(held) and held[bracket] in _BLANKS:
            bracket += 1
        if bracket == len(held):
            return (bracket, held[at:]) if final else None
        if held[bracket] not in _OPEN:
            end = max(bracket, at + 1)
            return end, held[at:end]
        group = _GROUP.match(held, bracket)
        if group and group.end() - bracket <= _GROUP_CHARACTERS:
            return group.end(), self._rewritten(group, held[at:bracket])
        rest = held[bracket:]
        undecided = len(rest) < _GROUP_CHARACTERS and _MAY_BECOME_GROUP.fullmatch(rest)
        return None if undecided and not final else (bracket + 1, held[at : bracket + 1])

    def _rewritten(self, group: re.Match[str], blanks: str) -> str:
        if not blanks and _IDENTIFIER.search(self._written):
            return group.group()
        numbers = _numbers(group.group("numbers"))
        known = [number for number in numbers if number in self._known]
        self.dropped += len(numbers) - len(known)
        if known:
            return blanks + "".join(f"[{number}]" for number in known)
        # What stood before and after a dropped marker must not become one, or longer backticks, by meeting.
        if not blanks and self._written.endswith("`"):
            return " "
        return "…" if _UNFINISHED.search(self._written) else ""


class _Code:
    """Follows whether text is inside backticks: fences of three or more, spans within a line."""

    def __init__(self) -> None:
        self._open = 0  # backticks that opened it

    @property
    def inside(self) -> bool:
        return self._open > 0

    def run(self, text: str, at: int) -> int:
        length = _run_length(text, at)
        if not self._open:
            self._open = length
        elif length == self._open:
            self._open = 0
        return length

    def character(self, character: str) -> None:
        # A lone backtick must not swallow every marker after it.
        if character == "\n" and self._open < 3:
            self._open = 0


def _run_length(text: str, at: int) -> int:
    end = at
    while end < len(text) and text[end] == "`":
        end += 1
    return end - at


def _numbers(written: str) -> list[int]:
    """Read ``1, 3-5`` as 1, 3, 4, 5, without repeats."""
    found: list[int] = []
    through = False
    for token in _TOKEN.finditer(written):
        if token.group("range"):
            through = True
            continue
        value = int(token.group("number"))
        if through and found and found[-1] < value <= found[-1] + _RANGE:
            found.extend(range(found[-1] + 1, value))
        found.append(value)
        through = False
    return list(dict.fromkeys(found))
