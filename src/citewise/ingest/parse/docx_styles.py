"""DOCX: what the styles and the numbering of a document make of its paragraphs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from citewise.ingest.parse.numerals import letters, roman

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_HEADING = re.compile(r"heading\s*(\d)", re.IGNORECASE)  # styles keep this name or id in translated programs
_CODE = re.compile(r"(?:source\s*)?code(?:\s*block)?|html\s*preformatted|preformatted\s*text|macro(?:\s*text)?|listing")
_LEVEL = re.compile(r"%([1-9])")
_PRIVATE = re.compile("[\ue000-\uf8ff]")  # signs of fonts such as Wingdings
_LEVELS = 9
_DEEPEST = 10  # styles that a style is based on


@dataclass(frozen=True, slots=True)
class Style:
    """What a style says of its paragraphs, with what it inherits."""

    heading: int = 0  # rank, 1 the highest; 0 for none
    is_caption: bool = False
    is_code: bool = False
    is_list: bool = False
    numbering: tuple[str, int] | None = None  # list and level


def read_styles(root: Any) -> dict[str, Style]:
    """Return the paragraph styles of a styles part by their ids."""
    elements = {
        style.get(f"{W}styleId") or "": style
        for style in root.iter(f"{W}style")
        if style.get(f"{W}type", "paragraph") == "paragraph"
    }
    return {style_id: _style(style_id, elements) for style_id in elements}


def outline_level(properties: Any) -> int | None:
    """Return the rank as a heading that paragraph properties give, 0 for none; ``None`` if they say nothing."""
    level = value_of(properties, "outlineLvl")
    if level is None or not level.isdigit():
        return None
    return int(level) + 1 if int(level) < _LEVELS else 0


def numbering_of(properties: Any) -> tuple[str, int] | None:
    """Return the list and the level of paragraph properties; ``None`` where they name no list."""
    element = properties.find(f"{W}numPr") if properties is not None else None
    if element is None:
        return None
    number, level = value_of(element, "numId"), value_of(element, "ilvl")
    return (number or "", int(level) if level and level.isdigit() else 0)


def value_of(element: Any, name: str) -> str | None:
    """Return the value of a property; ``None`` where it is not given."""
    found = element.find(f"{W}{name}") if element is not None else None
    return found.get(f"{W}val") if found is not None else None


def is_on(element: Any, name: str) -> bool:
    """Whether a switch is set, which is so without a value too."""
    found = element.find(f"{W}{name}") if element is not None else None
    return found is not None and found.get(f"{W}val", "1").lower() not in ("0", "false", "off", "none")


def _style(style_id: str, elements: dict[str, Any]) -> Style:
    heading: int | None = None
    numbering: tuple[str, int] | None = None
    names = []
    current, seen = style_id, 0
    while current in elements and seen < _DEEPEST:
        element = elements[current]
        name = (value_of(element, "name") or "").strip()
        names.append(name.lower())
        properties = element.find(f"{W}pPr")
        if heading is None:
            named = _HEADING.fullmatch(name) or _HEADING.fullmatch(current)
            if "title" in (name.lower(), current.lower()):
                heading = 1
            elif named:
                heading = int(named[1]) + 1  # below the title
            else:
                heading = outline_level(properties)
        numbering = numbering or numbering_of(properties)
        current, seen = value_of(element, "basedOn") or "", seen + 1
    return Style(
        heading=heading or 0,
        is_caption="caption" in names,
        is_code=any(_CODE.fullmatch(name) for name in names),
        is_list=names[0].startswith("list") and not names[0].startswith("list paragraph"),
        numbering=numbering,
    )


@dataclass(slots=True)
class _Level:
    form: str = "decimal"
    text: str = ""
    start: int = 1


@dataclass(slots=True)
class _List:
    """A kind of list and how far it has counted."""

    levels: dict[int, _Level] = field(default_factory=dict)
    counted: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Counts the items of a document's lists; made from its numbering part, if it has one.

    Call :meth:`label` once for each item, in order.
    """

    def __init__(self, root: Any | None) -> None:
        self._lists: dict[str, _List] = {}  # of every number; those of one kind share their counting
        self._restarts: dict[str, dict[int, int]] = {}
        if root is None:
            return
        kinds = {kind.get(f"{W}abstractNumId"): _List(_levels(kind)) for kind in root.iterchildren(f"{W}abstractNum")}
        for number in root.iterchildren(f"{W}num"):
            number_id = number.get(f"{W}numId") or ""
            self._lists[number_id] = kinds.get(value_of(number, "abstractNumId"), _List())
            for override in number.iterchildren(f"{W}lvlOverride"):
                start = value_of(override, "startOverride")
                level = override.get(f"{W}ilvl") or ""
                if start and start.isdigit() and level.isdigit():
                    self._restarts.setdefault(number_id, {})[int(level)] = int(start)

    def label(self, number_id: str, level: int) -> str:
        """Return what stands before the next item of a list: "1.", "a)", "•"; empty where nothing does."""
        kind = self._lists.get(number_id)
        if kind is None:
            return ""
        for restarted, start in self._restarts.pop(number_id, {}).items():
            kind.counted.pop(restarted, None)
            kind.levels.setdefault(restarted, _Level()).start = start
        shape = kind.levels.get(level, _Level(text=f"%{level + 1}."))
        kind.counted[level] = kind.counted.get(level, shape.start - 1) + 1
        for deeper in [each for each in kind.counted if each > level]:
            del kind.counted[deeper]
        if shape.form == "bullet":
            return _PRIVATE.sub("•", shape.text.strip()) or "•"
        if shape.form == "none":
            return ""
        return _LEVEL.sub(lambda match: self._counted(kind, int(match[1]) - 1), shape.text).strip()

    @staticmethod
    def _counted(kind: _List, level: int) -> str:
        shape = kind.levels.get(level, _Level())
        return _FORMS.get(shape.form, str)(kind.counted.get(level, shape.start))


def _levels(kind: Any) -> dict[int, _Level]:
    levels = {}
    for level in kind.iterchildren(f"{W}lvl"):
        index, start = level.get(f"{W}ilvl") or "", value_of(level, "start")
        if index.isdigit():
            levels[int(index)] = _Level(
                form=value_of(level, "numFmt") or "decimal",
                text=value_of(level, "lvlText") or "",
                start=int(start) if start and start.isdigit() else 1,
            )
    return levels


_FORMS: dict[str, Callable[[int], str]] = {
    "lowerLetter": letters,
    "upperLetter": lambda number: letters(number).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda number: roman(number).upper(),
    "decimalZero": lambda number: f"{number:02}",
}
