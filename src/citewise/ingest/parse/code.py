"""Source code: the file's own text, cut where its definitions begin.

Definitions are found by how their first lines look and how far these are indented, by a few
rules per family of languages. What the rules miss stays within the block around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from citewise.ingest.parse.compose import collapse, finish
from citewise.ingest.parse.text import read_text
from citewise.types import Block, ParsedDocument

_MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|static|abstract|final|sealed|async|unsafe|open|override"
    r"|partial|data|inline|virtual|declare|const|pub(?:\([\w: ]+\))?|extern(?:\s+\"C\")?|template\s*<[^>]*>)\s+)*"
)
_KEYWORDS = (
    r"(?P<kind>class|interface|struct|enum|trait|impl|fn|func|function\*?|def|defp|defmodule|defmacro|module|namespace"
    r"|record|object|protocol|extension|union|sub|procedure|mod|macro_rules!|message|service)"
)
_GENERAL = (
    rf"(?P<indent>[ \t]*){_MODIFIERS}{_KEYWORDS}\b(?:<[^>]*>)?\s*(?:\([^)]*\)\s*)?(?P<name>[\w$][\w$.:<>, ]*?)"
    r"\s*(?:[({;=]|(?<!:):(?!:)|\bextends\b|\bimplements\b|\bwhere\b|$)"
)
# No statement: it would begin with a word of its own, or end in a semicolon.
_C_FUNCTION = (
    r"(?P<indent>[ \t]*)(?!(?:if|else|for|while|switch|return|case|do|throw|new|catch|using|import|delete|goto|try)\b)"
    r"(?:[A-Za-z_][\w:<>,\[\].@]*[\s*&]+)+(?P<name>~?[A-Za-z_][\w:~]*)\s*\([^;={}]*(?:\)[^;]*)?$"
)
_TYPE = r"(?P<indent>)(?:export\s+)?type\s+(?P<name>\w+)"
_JS_FUNCTION = (
    r"(?P<indent>[ \t]*)(?:export\s+)?(?:const|let|var)\s+(?P<name>[\w$]+)\s*=\s*(?:async\s*)?"
    r"(?:function\b|\([^)]*\)\s*=>|\w+\s*=>)"
)
_JS_METHOD = (
    r"(?P<indent>[ \t]+)(?!(?:if|for|while|switch|catch|return|function|else)\b)"
    r"(?:static\s+|async\s+|get\s+|set\s+|\*\s*)*(?P<name>#?[\w$]+)\s*\([^;]*\)\s*(?::[^;{]+)?\{\s*$"
)
_RULES: dict[str, tuple[str, ...]] = {
    "py": (r"(?P<indent>[ \t]*)(?:async\s+)?(?P<kind>def|class)\s+(?P<name>\w+)",),
    "c": (_GENERAL, _C_FUNCTION),
    "js": (_GENERAL, _TYPE, _JS_FUNCTION, _JS_METHOD),
    "shell": (
        r"(?P<indent>[ \t]*)(?:function\s+)?(?P<name>[\w:.-]+)\s*\(\s*\)",
        r"(?P<indent>)function\s+(?P<name>[\w-]+)",
    ),
    "sql": (
        r"(?P<indent>)(?i:create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+|unique\s+|materialized\s+)*"
        r"(?:table|view|function|procedure|index|trigger|type|schema)\s+(?:if\s+not\s+exists\s+)?)(?P<name>[\w.\"`\[\]]+)",
    ),
    "ini": (r"(?P<indent>)\[+(?P<name>[^\]]+)\]+\s*(?:[#;].*)?$",),
    "yaml": (r"(?P<indent>)(?P<name>[\w\"'./-][^:#]*):(?:\s|$)",),
    "make": (r"(?P<indent>)(?P<name>[\w./%$()-][^:=#]*?)\s*:(?!=)",),
    "r": (r"(?P<indent>)(?P<name>[\w.]+)\s*(?:<-|=)\s*function\b",),
    "lisp": (r"(?P<indent>)\(def\w*\s+\(?(?P<name>[^\s()]+)",),
    "general": (_GENERAL, _TYPE),
}
_FAMILIES = {
    "py": "py pyi pyx",
    "c": "c h cc cpp cxx hh hpp cs java m mm d scala groovy kt kts dart php",
    "js": "js mjs cjs jsx ts tsx vue svelte",
    "shell": "sh bash zsh fish",
    "sql": "sql",
    "ini": "toml ini cfg conf properties",
    "yaml": "yaml yml",
    "make": "mk",
    "r": "r",
    "lisp": "lisp el scm clj cljs",
}
_FAMILY_OF = {f".{extension}": family for family, names in _FAMILIES.items() for extension in names.split()}
_HOLDERS = frozenset(
    {"class", "interface", "struct", "enum", "trait", "impl", "module", "namespace", "object", "protocol", "extension"}
    | {"defmodule", "record", "mod"}
)
_BELONGS_BELOW = re.compile(r"[ \t]*(?:#(?!!|include|define|if|endif|else|pragma)|//|/\*|\*|@|--|;;|\[[A-Z]\w*[\](])")
_LONGEST_LINE = 200  # characters; longer ones are data, and slow to match


@dataclass(frozen=True, slots=True)
class _Definition:
    line: int
    indent: int
    name: str
    holds: bool  # others, one level further in


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read source code; ``headings`` of a block name the definition that it is, and the one around it."""
    text, warnings = read_text(path, source=source)
    return finish(
        text,
        code_blocks(text, source),
        media_type="text/x-source",
        source=source,
        title=PurePosixPath(source.replace("\\", "/")).name,
        warnings=warnings,
    )


def code_blocks(text: str, source: str) -> list[Block]:
    """Return code as blocks that cover all of ``text`` that is not blank."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    # From which line on, and the names of what is defined there.
    pieces: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    after = 0
    path: tuple[str, ...]
    outer: _Definition | None = None
    for found in _definitions(lines, _family(source)):
        if found.indent == 0:
            outer = found
        path = (found.name,) if outer is found or outer is None else (outer.name, found.name)
        pieces.append((_first_line(lines, found, after), path))
        after = found.line + 1
    blocks = []
    for (first, path), (stop, _) in zip(pieces, [*pieces[1:], (len(lines), ())], strict=True):
        piece = text[starts[first] : min(starts[stop], len(text))]
        if piece.strip():
            # The indentation of the first line is left in front of the block.
            start = starts[first] + len(piece) - len(piece.lstrip())
            blocks.append(Block("code", start, starts[first] + len(piece.rstrip()), headings=path))
    return blocks


def _family(source: str) -> str:
    name = PurePosixPath(source.replace("\\", "/"))
    if name.name.lower() in ("makefile", "justfile"):
        return "make"
    return _FAMILY_OF.get(name.suffix.lower(), "general")


def _definitions(lines: list[str], family: str) -> Iterator[_Definition]:
    """Yield definitions at the margin, and within those that hold others the ones a level further in."""
    rules = [re.compile(rule) for rule in _RULES[family]]
    outer: _Definition | None = None
    inner_indent: int | None = None
    for number, line in enumerate(lines):
        if not line.strip() or len(line) > _LONGEST_LINE:
            continue
        found = next((match for rule in rules if (match := rule.match(line))), None)
        if found is None:
            continue
        kind = found.groupdict().get("kind") or ""
        indent = len(found["indent"].expandtabs(4))
        definition = _Definition(number, indent, collapse(found["name"])[:80], kind in _HOLDERS)
        if indent == 0:
            outer, inner_indent = definition, None
            yield definition
        elif outer is not None and outer.holds and inner_indent in (None, indent):
            inner_indent = indent
            yield definition


def _first_line(lines: list[str], found: _Definition, after: int) -> int:
    """The line on which a definition begins, its comments and decorators included."""
    first = found.line
    while first > after and _BELONGS_BELOW.match(lines[first - 1]):
        first -= 1
    return first
