"""HTML: what a reader would read of it, as blocks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from citewise.errors import IngestError
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.html_boilerplate import Boilerplate
from citewise.ingest.parse.html_tables import header_rows, is_data, lay_out, tables_around_tables
from citewise.ingest.parse.numerals import letters, roman
from citewise.ingest.parse.text import guess_encoding
from citewise.types import BlockKind, ParsedDocument

_DROPPED = {
    "script": "scripts",
    "style": "style sheets",
    "noscript": "fallbacks for browsers without scripts",
    "template": "templates",
    "nav": "navigation",
    "iframe": "embedded pages",
    "object": "embedded objects",
    "embed": "embedded objects",
    "svg": "drawings",
    "canvas": "drawings",
    "select": "form fields",
    "textarea": "form fields",
    "button": "form fields",
    "dialog": "dialogs",
}
_SILENTLY_DROPPED = frozenset({"head", "title", "meta", "link", "base"})
_BLOCKS: dict[str, BlockKind] = {"pre": "code", "li": "list_item", "dd": "list_item", "dt": "list_item"}
_BLOCKS |= dict.fromkeys(("figcaption", "caption"), "caption")
_INLINE = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img"}
    | {"input", "ins", "kbd", "label", "mark", "nobr", "output", "q", "rp", "rt", "ruby", "s", "samp", "small", "span"}
    | {"strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)
_LISTS = frozenset({"ul", "ol", "menu", "dl"})
_SAID = frozenset({"br", "img", "math"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_BLANKS = re.compile(r" {2,}")
_AROUND_BREAKS = re.compile(r" ?\n(?: ?\n)* ?")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w\-:]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}encoding\s*=\s*[\"']\s*([\w\-:.]+)")
_META_WITHIN = 4096  # bytes
_XHTML = re.compile(
    r"\s*<\?xml|<!DOCTYPE[^>]+XHTML|<html[^>]+xmlns\s*=\s*[\"']http://www\.w3\.org/1999/xhtml", re.IGNORECASE
)
_CLOSED_AT_ONCE = re.compile(r"<([a-zA-Z][\w:-]*)((?:\s[^<>]*?)?)/>")
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param", "source", "track"}
    | {"wbr"}
)
_DEEPEST_INDENT = 8


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read an HTML page or fragment; entities become characters, tables one row per line.

    Raises:
        IngestError: The file cannot be opened.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error
    return document_from_html(decode(raw), source=source)


def document_from_html(content: str, *, source: str, title: str = "") -> ParsedDocument:
    """Make a document of a page that is at hand already; without a ``title`` it has its own."""
    if _XHTML.search(content[:_META_WITHIN]):
        # HTML knows no elements that end at once, and would take all that follows for their content.
        content = _CLOSED_AT_ONCE.sub(_opened_and_closed, content)
    tree = LexborHTMLParser(content)
    layout = tables_around_tables(tree)
    reader = _Reader(layout, Boilerplate(tree))
    if tree.root is not None:
        reader.read(tree.root)
        if not reader.composer.text:  # a page of nothing but navigation is read for that
            reader = _Reader(layout)
            reader.read(tree.root)
    own = tree.css_first("title")
    left_out = [f"{count} {name}" if count > 1 else f"{name} (1)" for name, count in sorted(reader.dropped.items())]
    return reader.composer.document(
        media_type="text/html",
        source=source,
        title=title or (collapse(own.text()) if own is not None else ""),
        images=reader.images,
        left_out=left_out,
    )


def _opened_and_closed(match: re.Match[str]) -> str:
    return match[0] if match[1].lower() in _VOID else f"<{match[1]}{match[2]}></{match[1]}>"


def decode(raw: bytes) -> str:
    """Return the text of a page in the encoding that it declares, or else seems to have."""
    encoding = guess_encoding(raw)
    declared = _META_CHARSET.search(raw[:_META_WITHIN]) or _XML_ENCODING.match(raw[:_META_WITHIN])
    if declared and not encoding.startswith("utf"):
        try:
            return raw.decode(declared[1].decode("ascii"), errors="replace")
        except (LookupError, UnicodeDecodeError):
            pass  # a name that nobody knows: the guess is better than nothing
    return raw.decode(encoding, errors="replace").removeprefix("\ufeff")


@dataclass(slots=True)
class _List:
    """A list that is being read."""

    form: str | None  # of its numbers: "1", "a", "A", "i" or "I"; None where it has none
    next: int = 1

    def label(self, item: LexborNode) -> str:
        """Count an item and return its number."""
        if self.form is None:
            return ""
        value = (item.attributes.get("value") or "").strip()
        number = int(value) if value.isascii() and value.isdigit() else self.next
        self.next = number + 1
        shown = {"a": letters, "i": roman}.get(self.form.lower(), str)(number)
        return f"{shown.upper() if self.form in ('A', 'I') else shown}. "


class _Reader:
    """Walks the tree without recursion, for it may be very deep, and writes blocks."""

    def __init__(self, layout: Set[int] = frozenset(), boilerplate: Boilerplate | None = None) -> None:
        self.composer = Composer()
        self._layout = layout  # tables that hold others
        self._boilerplate = boilerplate
        self._lists: list[_List] = []
        self._label = ""  # of the item whose first words are to come
        self.dropped: Counter[str] = Counter()
        self.images = 0
        self._pieces: list[str] = []
        self._kinds: list[BlockKind] = ["paragraph"]
        self._level = 1

    def read(self, root: LexborNode) -> None:
        """Read everything below ``root`` in document order."""
        path = [root]
        node: LexborNode | None = root.first_child
        while node is not None or len(path) > 1:
            if node is None:
                left = path.pop()
                self._leave(left.tag or "")
                node = left.next
            elif self._enter(node) and node.first_child is not None:
                path.append(node)
                node = node.first_child
            else:
                node = node.next
        self._flush()

    def _enter(self, node: LexborNode) -> bool:
        """Take a node in; ``False`` when what is below it is not to be read, or there is nothing."""
        tag = node.tag or ""
        if tag == "-text":
            text = node.text_content or ""
            # White space says nothing but in preformatted text; line breaks there are elements.
            self._pieces.append(text if self._kinds[-1] == "code" else _SPACES.sub(" ", text))
            return False
        if not node.is_element_node or tag in _SILENTLY_DROPPED or self._is_dropped(node, tag):
            return False
        if tag == "table" and self._read_table(node):
            return False
        if tag in _SAID:
            self._pieces.append(self._said(node, tag))
            return False
        if tag not in _INLINE:
            self._flush()
            if node.first_child is not None:
                self._open(node, tag)
        return True

    def _is_dropped(self, node: LexborNode, tag: str) -> bool:
        kind = _DROPPED.get(tag) or ("hidden parts" if _is_hidden(node) else "")
        if not kind and self._boilerplate is not None:
            kind = self._boilerplate.kind(node)
        if kind:
            self.dropped[kind] += 1
        return bool(kind)

    def _said(self, node: LexborNode, tag: str) -> str:
        """Return the text for an element that has none of its own."""
        if tag == "br":
            return "\n"
        if tag == "math":
            return f" {_formula(node)} "
        self.images += 1
        return f" {node.attributes.get('alt') or ''} "

    def _read_table(self, table: LexborNode) -> bool:
        """Write a table of data; ``False`` for one that only lays the page out."""
        if table.mem_id in self._layout or not is_data(table):
            return False
        rows = [row for row in table.css("tr") if not _is_hidden(row)]
        grid = lay_out(rows, self._cell, _is_hidden)
        if not any(len(line) > 1 for line in grid):
            return False
        self._flush()
        caption, is_below = self._caption(table)
        self.composer.add_table(grid, header_rows=header_rows(rows, grid), caption=caption, caption_below=is_below)
        return True

    def _caption(self, table: LexborNode) -> tuple[str, bool]:
        """Return a table's caption and whether it is read after the table."""
        own = table.css_first("caption")
        if own is not None:
            return self._cell(own), False
        figure = table.parent
        while figure is not None and figure.tag in ("div", "p"):
            figure = figure.parent
        if figure is None or figure.tag != "figure" or len(figure.css("table")) != 1:
            return "", False
        caption = figure.css_first("figcaption")
        if caption is None:
            return "", False
        first = figure.first_child
        while first is not None and not first.is_element_node:
            first = first.next
        return self._cell(caption), first is None or first.mem_id != caption.mem_id

    def _cell(self, cell: LexborNode) -> str:
        inner = _Reader()
        inner.read(cell)
        self.dropped += inner.dropped
        self.images += inner.images
        return collapse(inner.composer.text)

    def _open(self, node: LexborNode, tag: str) -> None:
        if tag in _LISTS:
            self._lists.append(_list(node) if tag == "ol" else _List(None))
        elif tag == "li" and self._lists:
            self._label = self._lists[-1].label(node)
        if tag in _HEADINGS:
            self._level = _HEADINGS[tag]
            self._kinds.append("heading")
        elif tag in _BLOCKS:
            self._kinds.append(_BLOCKS[tag])
        else:  # a paragraph within a list item belongs to the list
            self._kinds.append(self._kinds[-1])

    def _leave(self, tag: str) -> None:
        if tag not in _INLINE and tag != "br":
            self._flush()
            self._kinds.pop()
            if tag in _LISTS:
                self._lists.pop()
            elif tag == "li":
                self._label = ""

    def _flush(self) -> None:
        """Write the text since the last block as a block of its own."""
        text = "".join(self._pieces)
        self._pieces.clear()
        kind = self._kinds[-1]
        if kind == "heading":
            text = collapse(text)
        elif kind != "code":
            text = _AROUND_BREAKS.sub("\n", _BLANKS.sub(" ", text))
        indent = 0
        if kind == "list_item" and text.strip():
            text, self._label = self._label + text.strip(), ""
            indent = min(max(len(self._lists) - 1, 0), _DEEPEST_INDENT)
        self.composer.add(kind, text, level=self._level, indent=indent)


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or bool(_HIDDEN_STYLE.search(attributes.get("style") or ""))


def _list(node: LexborNode) -> _List:
    start = (node.attributes.get("start") or "").strip()
    return _List(node.attributes.get("type") or "1", int(start) if start.isascii() and start.isdigit() else 1)


def _formula(math: LexborNode) -> str:
    """Return the characters of a formula, without the notes that say it again in another notation."""
    for note in math.css("annotation, annotation-xml"):
        note.decompose()
    return collapse(math.text())
