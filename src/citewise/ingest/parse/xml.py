"""XML: its text by elements, whatever vocabulary it is in.

Elements that mix text with others read as paragraphs; those that hold nothing but a value
read as ``name: value``, one line each, and records of such values as one block. Tables of
the usual vocabularies (HTML, JATS, CALS) read as tables. Entities are not followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.entities import html5
from io import BytesIO
from pathlib import Path

from lxml import etree

from citewise.errors import IngestError
from citewise.ingest.parse.compose import Composer, collapse
from citewise.ingest.parse.text import guess_encoding
from citewise.types import ParsedDocument

_TITLES = frozenset(
    {"title", "heading", "head", "article-title", "invention-title", "h1", "h2", "h3", "h4", "h5", "h6"}
)
_PROSE = frozenset(
    {"p", "para", "simpara", "li", "item", "dd", "dt", "abstract", "claim-text", "label", "td", "th", "entry", "line"}
    | {"text", "paragraph", "content", "caption", "note", "quote", "pdat", "body", "description"}
)
_TABLES = frozenset({"table", "tgroup"})
_ROWS = frozenset({"tr", "row"})
_CELLS = frozenset({"td", "th", "entry"})
_DROPPED = frozenset({"script", "style"})


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read an XML file; places name the lines on which its parts begin.

    Raises:
        IngestError: It is damaged beyond its first element.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error
    root, problem = _tree(raw, source)
    reader = _Reader([f"The file is damaged and was read as far as it goes: {problem}."] if problem else [])
    reader.read(root, level=1)
    reader.flush()
    if problem and not reader.composer.text:
        raise _unreadable(source, problem)
    return reader.composer.document(
        media_type="application/xml",
        source=source,
        warnings=tuple(dict.fromkeys(reader.warnings)),
        left_out=("Attributes of elements that have text.",) if reader.attributes else (),
    )


def _tree(raw: bytes, source: str) -> tuple[etree._Element, str]:
    """Return the root, and what is wrong with the file where it was read in spite of that."""
    problem = ""
    # Second, what names an encoding that it does not have; third, what is damaged.
    for content, encoding, recover in ((raw, None, False), (raw, "utf-8", False), (raw, None, True)):
        text = content
        if encoding:
            declared = guess_encoding(raw)
            if declared in ("utf-8", "utf-8-sig"):
                text = raw.removeprefix(b"\xef\xbb\xbf")
            else:
                text = raw.decode(declared, errors="replace").removeprefix("\ufeff").encode()
        parser = etree.XMLParser(
            encoding=encoding,
            resolve_entities=False,
            no_network=True,
            huge_tree=False,
            load_dtd=False,
            recover=recover,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            root = etree.parse(BytesIO(text), parser).getroot()
        except (etree.XMLSyntaxError, LookupError, ValueError) as error:
            problem = problem or str(error)
            continue
        if root is not None:
            return root, problem if recover else ""
    raise _unreadable(source, problem)


def _unreadable(source: str, problem: str) -> IngestError:
    return IngestError(
        f"{source} is no XML that can be read ({problem}). Open it in its own program, save it again, and add that."
    )


class _Reader:
    def __init__(self, warnings: list[str]) -> None:
        self.composer = Composer()
        self.warnings = warnings
        self.attributes = False
        self._values: list[str] = []  # lines of the record that is being read
        self._line = 0

    def read(self, element: etree._Element, *, level: int) -> None:
        """Read an element and what is below it; ``level`` is the rank of a title in it."""
        name = _name(element)
        if name in _DROPPED:
            return
        if name in _TABLES and (rows := list(_rows(element))):
            self._add_table(element, rows)
        elif name in _TITLES and _text(element):
            self.flush()
            self._write("heading", element, level=level)
        elif len(element) == 0 or _holds_only_text(element):
            self._read_leaf(element, name)
        elif _is_mixed(element) and not _has_blocks(element):
            self.flush()
            self._write("paragraph", element)
        else:
            self._read_container(element, level)

    def flush(self) -> None:
        """Write the record that was being read."""
        if self._values:
            with self.composer.place(f"line {self._line}"):
                self.composer.add("paragraph", "\n".join(self._values))
            self._values.clear()

    def _read_container(self, element: etree._Element, level: int) -> None:
        record = all(len(child) == 0 for child in element)
        if record:
            self.flush()
        self._loose(element.text)
        for child in element:
            if isinstance(child.tag, str):
                self.read(child, level=level + 1)
            elif child.tag is etree.Entity:
                self._entity(child)
                self._loose(_character(child))
            self._loose(child.tail)
        if record:
            self.flush()

    def _read_leaf(self, element: etree._Element, name: str) -> None:
        text = _text(element)
        if name in _PROSE and text:
            self.flush()
            self._write("paragraph", element)
            return
        self.attributes |= bool(text and element.attrib)
        given = [f"{_local(key)}={collapse(value)}" for key, value in element.attrib.items() if value.strip()]
        if not self._values:
            self._line = element.sourceline or 0
        if text:
            self._values.append(f"{name}: {text}")
        elif given:
            self._values.append(f"{name}: {', '.join(given)}")
        self._look_for_entities(element)

    def _look_for_entities(self, element: etree._Element) -> None:
        for entity in element.iter(etree.Entity):
            self._entity(entity)

    def _entity(self, entity: etree._Entity) -> None:
        if _character(entity) == entity.text:
            self.warnings.append(f"The entity {entity.text} stands for something outside the text and is not followed.")

    def _loose(self, text: str | None) -> None:
        if text and text.strip():
            self.flush()
            self.composer.add("paragraph", collapse(text))

    def _write(self, kind: str, element: etree._Element, *, level: int = 1) -> None:
        with self.composer.place(f"line {element.sourceline}"):
            if kind == "heading":
                self.composer.add("heading", _text(element), level=level)
            else:
                self.composer.add("paragraph", _text(element))
        self._look_for_entities(element)

    def _add_table(self, element: etree._Element, rows: list[etree._Element]) -> None:
        self.flush()
        header = sum(_name(row.getparent()) == "thead" for row in rows)
        if not header and all(_name(cell) == "th" for cell in _cells(rows[0])):
            header = 1
        caption = next((_text(each) for each in element.iterchildren() if _name(each) in ("caption", "title")), "")
        with self.composer.place(f"line {element.sourceline}"):
            self.composer.add_table(
                [[_text(cell) for cell in _cells(row)] for row in rows], header_rows=header, caption=caption
            )


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _name(element: etree._Element | None) -> str:
    return _local(element.tag).lower() if element is not None and isinstance(element.tag, str) else ""


def _text(element: etree._Element) -> str:
    return collapse("".join(_pieces(element)))


def _pieces(element: etree._Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            yield from _pieces(child)
            if _name(child) in _PROSE:
                yield " "
        elif child.tag is etree.Entity:
            yield _character(child)
        yield child.tail or ""


def _character(entity: etree._Entity) -> str:
    """What an entity stands for where HTML knows it too, else its name."""
    text: str = entity.text
    return html5.get(text.removeprefix("&"), text)


def _holds_only_text(element: etree._Element) -> bool:
    return not any(isinstance(child.tag, str) for child in element)


def _is_mixed(element: etree._Element) -> bool:
    """Whether text stands beside the elements within."""
    return any(text and text.strip() for text in (element.text, *(child.tail for child in element)))


def _has_blocks(element: etree._Element) -> bool:
    """Whether anything within is more than a few words of the sentence around it."""
    return any(_name(child) in _TABLES or _name(child) in _PROSE for child in element.iterdescendants())


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    for element in table.iterdescendants():
        if _name(element) in _ROWS:
            yield element


def _cells(row: etree._Element) -> list[etree._Element]:
    return [cell for cell in row if _name(cell) in _CELLS]
