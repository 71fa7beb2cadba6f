"""The footnotes of an exported file, read back from any format, to be looked up again.

Files are not trusted: nothing in them is fetched or followed, and a Word file is read up to a limit.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree
from selectolax.lexbor import LexborHTMLParser

from citewise.answer.export.carried import LARGEST_FILE, Carried, check_size, read_carried
from citewise.answer.export.prose import clean
from citewise.errors import QuestionError
from citewise.types import Citation

_REF = re.compile(r"\b([0-9a-f]{12}):(\d{1,9})-(\d{1,9})\b")
_MARKDOWN_NOTE = re.compile(r"^\[\^(\d{1,6})\]: Source \1:(.*)$", re.MULTILINE)
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SOURCE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Footnote:
    """A footnote of an exported file."""

    label: str  # "footnote 3", or for JSON "answer 2, [3]"
    source: str
    content_hash: str  # the first digits are enough; empty: its quote was erased
    start: int
    end: int
    is_quote: Callable[[str], bool]  # whether words of a document are those of the footnote
    document_id: str = ""


def read_footnotes(content: bytes) -> list[Footnote]:
    """Read the footnotes of an exported conversation in whatever format it is.

    Raises:
        QuestionError: The file is too large, damaged, or none of ours.
    """
    check_size(len(content))
    begin = content[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if begin.startswith(b"{"):
        return footnotes_of(read_carried(content))
    notes = _of_docx(content) if begin.startswith(b"PK") else _of_text(content, is_html=begin.startswith(b"<"))
    return [_footnote(number, text) for number, text in notes]


def footnotes_of(carried: Carried) -> list[Footnote]:
    """Return all that the answers of a conversation quote, sources that differ from the cited ones included."""
    found = []
    for number, turn in enumerate(carried.turns, start=1):
        for citation in turn.answer.citations:
            found.append(_of_citation(f"answer {number}, [{citation.marker}]", citation))
        for side in (side for one in turn.answer.conflicts for side in one.sides if not side.citation.marker):
            found.append(_of_citation(f"answer {number}, a source that differs", side.citation))
    return found


def _of_citation(label: str, citation: Citation) -> Footnote:
    return Footnote(
        label=label,
        source=citation.source,
        content_hash="" if citation.erased else citation.content_hash,
        start=citation.start,
        end=citation.end,
        is_quote=citation.quote.__eq__,
        document_id=citation.document_id,
    )


def _footnote(number: str, text: str) -> Footnote:
    refs = list(_REF.finditer(text))
    source = clean(text).strip().partition(", version ")[0]
    source = re.sub(r"[\\`*]", "", source)[:_SOURCE_CHARACTERS]
    if not refs:
        return Footnote(f"footnote {number}", source, "", 0, 0, lambda _: False)
    content_hash, start, end = refs[-1].groups()  # a quote may look like a reference, too
    letters = _letters(text[: refs[-1].start()])
    return Footnote(
        f"footnote {number}",
        source,
        content_hash,
        int(start),
        int(end),
        # Formats differ in white space and escapes: letters and digits are compared, all of them, in their order.
        lambda words: _letters(words) in letters,
    )


def _letters(text: str) -> str:
    return "".join(character for character in clean(text).casefold() if character.isalnum())


def _of_text(content: bytes, *, is_html: bool) -> list[tuple[str, str]]:
    text = content.decode("utf-8", errors="replace")
    if not is_html:
        notes = [(found[1], found[2]) for found in _MARKDOWN_NOTE.finditer(text)]
    else:
        items = LexborHTMLParser(text).css("section.notes > ol > li[id]")
        notes = [((item.attributes.get("id") or "").removeprefix("note-"), item.text(separator=" ")) for item in items]
    if not notes and "Exported from Citewise" not in text:
        raise QuestionError(
            "The file has no footnotes of Citewise. Choose a conversation that was exported as Markdown, HTML, Word "
            "or JSON."
        )
    return notes


def _of_docx(content: bytes) -> list[tuple[str, str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open("word/footnotes.xml") as part:
            xml = part.read(LARGEST_FILE + 1)
        check_size(len(xml))
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(xml, parser)
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, EOFError, ValueError, etree.XMLSyntaxError):
        raise QuestionError(
            "This Word file has no footnotes that can be read. Choose one that Citewise exported."
        ) from None
    return [
        (note.get(f"{_WORD}id", ""), "".join(part.text or "" for part in note.iter(f"{_WORD}t")))
        for note in root.iter(f"{_WORD}footnote")
        if note.get(f"{_WORD}type") is None
    ]
