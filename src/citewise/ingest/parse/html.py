"""HTML: what a reader would read of it, as blocks."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from citewise.errors import IngestError
from citewise.ingest.parse.compose import Composer, collapse
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
    "math": "formulas",
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
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_BLANKS = re.compile(r" {2,}")
_AROUND_BREAKS = re.compile(r" ?\n(?: ?\n)* ?")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w\-:]+)", re.IGNORECASE)
_META_WITHIN = 4096  # bytes


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read an HTML page or fragment; entities become characters, tables one row per line."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error
    tree = LexborHTMLParser(_decode(raw))
    reader = _Reader()
    if tree.root is not None:
        reader.read(tree.root)
    title = tree.css_first("title")
    left_out = [f"{count} {name}" if count > 1 else f"{name} (1)" for name, count in sorted(reader.dropped.items())]
    return reader.composer.document(
        media_type="text/html",
        source=source,
        title=collapse(title.text()) if title is not None else "",
        images=reader.images,
        left_out=left_out,
    )


def _decode(raw: bytes) -> str:
    encoding = guess_encoding(raw)
    declared = _META_CHARSET.search(raw[:_META_WITHIN])
    if declared and not encoding.startswith("utf"):
        try:
            return raw.decode(declared[1].decode("ascii"), errors="replace")
        except (LookupError, UnicodeDecodeError):
            pass  # a name that nobody knows: the guess is better than nothing
    return raw.decode(encoding, errors="replace").removeprefix("\ufeff")


class _Reader:
    """Walks the tree without recursion, for it may be very deep, and writes blocks."""

    def __init__(self) -> None:
        self.composer = Composer()
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
        if not node.is_element_node or tag in _SILENTLY_DROPPED:
            return False
        if tag in _DROPPED or _is_hidden(node):
            self.dropped[_DROPPED.get(tag, "hidden parts")] += 1
            return False
        if tag == "img":
            self.images += 1
            self._pieces.append(f" {node.attributes.get('alt') or ''} ")
        elif tag == "br":
            self._pieces.append("\n")
        elif tag == "table" and (rows := self._rows(node)):
            self._flush()
            caption = node.css_first("caption")
            if caption is not None:
                self.composer.add("caption", self._cell(caption))
            self.composer.add("table", "\n".join(rows))
            return False
        elif tag not in _INLINE:
            self._flush()
            if node.first_child is not None:
                self._open(tag)
        return True

    def _rows(self, table: LexborNode) -> list[str]:
        """Return a table of data as one line per row; empty for one that only lays the page out."""
        if table.css_first("table table, h1, h2, h3, h4, h5, h6, pre") is not None:
            return []
        rows = [
            [cell for cell in row.iter() if cell.tag in ("td", "th") and not _is_hidden(cell)]
            for row in table.css("tr")
            if not _is_hidden(row)
        ]
        if not any(len(row) > 1 for row in rows):
            return []
        lines = (" | ".join(self._cell(cell) for cell in row) for row in rows)
        return [line for line in lines if line.strip(" |")]

    def _cell(self, cell: LexborNode) -> str:
        inner = _Reader()
        inner.read(cell)
        self.dropped += inner.dropped
        self.images += inner.images
        return collapse(inner.composer.text)

    def _open(self, tag: str) -> None:
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

    def _flush(self) -> None:
        """Write the text since the last block as a block of its own."""
        text = "".join(self._pieces)
        self._pieces.clear()
        kind = self._kinds[-1]
        if kind == "heading":
            text = collapse(text)
        elif kind != "code":
            text = _AROUND_BREAKS.sub("\n", _BLANKS.sub(" ", text))
        self.composer.add(kind, text, level=self._level)


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or bool(_HIDDEN_STYLE.search(attributes.get("style") or ""))
