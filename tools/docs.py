"""Write the pages under ``docs/`` that the code itself determines.

``python -m tools.docs`` writes them; with ``--check`` it fails where one is out of date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefinedType

from citewise.ingest import limits
from citewise.settings import Settings

ROOT = Path(__file__).parent.parent

_SECTION = re.compile(r"# --- (.+?) -+$")
_CONSTANT = re.compile(r"([A-Z_]+) = \S+(?:  # (.+))?$")

SETTINGS_HEAD = """\
# Settings

Written by `make docs` from `src/citewise/settings.py`. Do not edit.

Every setting is an environment variable: `CITEWISE_SEARCH__K=12 make run`. Lists are JSON:
`CITEWISE_ANSWER__OPENAI_MODELS='["gpt-5-mini", "gpt-5"]'`. A variable that starts with
`CITEWISE_` and is not in these tables is refused, so that a misspelt one cannot go unseen.
"""

LIMITS_HEAD = """\
# Limits

Written by `make docs` from `src/citewise/ingest/limits.py`. Do not edit.

Files are read in a child process of their own, with limits on its memory and time
(`CITEWISE_INGEST__PARSE_MEMORY_MB`, `CITEWISE_INGEST__PARSE_SECONDS`, see [settings](settings.md)) and
the ones below. What is cut off by one stands in the document's report as not read; a file that
is over one as a whole fails with a sentence that says so. Whatever a file asks for, nothing in
it is run and nothing outside it is fetched: no macros, no scripts, no linked pictures or pages,
no entities of XML beyond its own five.
"""

KEYS_HEAD = """\
## Keys and addresses of model providers

They keep the names that the providers' own libraries use, and may stand in
`.streamlit/secrets.toml` instead; the environment wins.
"""


def settings_page() -> str:
    """Return the page of all settings, as Markdown."""
    own: list[str] = []
    keys: list[str] = []
    sections: list[str] = []
    prefix = Settings.model_config["env_prefix"]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            rows = [
                _row(f"{prefix}{name}__{entry}".upper(), entry_field)
                for entry, entry_field in section.model_fields.items()
            ]
            sections.append(f"## {name}\n\n{section.__doc__}\n\n{_table(rows)}")
            sections.extend(_listed(f"{prefix}{name}".upper(), section))
        elif isinstance(field.validation_alias, str):
            keys.append(_row(field.validation_alias, field))
        else:
            own.append(_row(f"{prefix}{name}".upper(), field))
    return "\n".join([SETTINGS_HEAD, _table(own), *sections, f"{KEYS_HEAD}\n{_table(keys)}"])


def _listed(variable: str, section: type[BaseModel]) -> Iterator[str]:
    """The fields of what a list holds, for every setting that is a list of such."""
    for entry, field in section.model_fields.items():
        for kind in get_args(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                rows = [_row(name, part) for name, part in kind.model_fields.items() if not part.exclude]
                head = f"### Entries of `{variable}__{entry.upper()}`"
                yield f"{head}\n\n{kind.__doc__}\n\n{_table(rows).replace('Variable', 'Field', 1)}"


def limits_page() -> str:
    """Return the page of all limits on what is read of a file, as Markdown."""
    parts = [LIMITS_HEAD]
    for line in Path(limits.__file__).read_text(encoding="utf-8").splitlines():
        if section := _SECTION.match(line):
            title = section[1]
            parts.append(f"## {title[:1].upper()}{title[1:]}\n\n| Limit | Value | Of what |\n|---|---|---|\n")
        elif constant := _CONSTANT.match(line):
            value = f"{getattr(limits, constant[1]):,}"
            parts[-1] += f"| `{constant[1]}` | {value} | {constant[2]} |\n"
    return "\n".join(parts)


def pages() -> Mapping[Path, str]:
    """Return every generated page by its path."""
    return {ROOT / "docs" / "settings.md": settings_page(), ROOT / "docs" / "limits.md": limits_page()}


def _table(rows: Sequence[str]) -> str:
    head = "| Variable | Default | Values | What it is |\n|---|---|---|---|\n"
    return head + "".join(rows)


def _row(variable: str, field: FieldInfo) -> str:
    cells = [f"`{variable}`", _default(field.default), _values(field), field.description or ""]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _default(value: Any) -> str:
    match value:
        case None:
            return "unset"
        case PydanticUndefinedType():
            return "needed"
        case ():
            return "none"
        case tuple():
            return ", ".join(f"`{part}`" for part in value)
        case _:
            return f"`{value}`"


def _values(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(field.annotation))
    return ", ".join([_kind(field.annotation), *_bounds(field)])


def _kind(annotation: Any) -> str:
    kinds = {int: "whole number", float: "number", bool: "`true` or `false`", Path: "path", SecretStr: "secret"}
    arguments = [part for part in get_args(annotation) if part not in {type(None), Ellipsis}]
    if get_origin(annotation) is tuple:
        return "list"
    return kinds.get(arguments[0] if arguments else annotation, "text")


def _bounds(field: FieldInfo) -> Iterator[str]:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    for part in field.metadata:
        for attribute, sign in signs.items():
            if (bound := getattr(part, attribute, None)) is not None:
                yield f"{sign} {bound}"


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with ``--check`` only compare them; 1 if one is out of date."""
    stale = [path for path, text in pages().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of date: run `make docs`.", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(pages()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
