"""Plain text: finding its encoding."""

from __future__ import annotations

import codecs
import re
import unicodedata
from pathlib import Path

from citewise.errors import IngestError
from citewise.ingest.parse.compose import REPLACEMENT, clean, finish, stem
from citewise.ingest.parse.text_blocks import text_blocks
from citewise.types import ParsedDocument

_BOMS: tuple[tuple[bytes, str], ...] = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 128 * 1024  # guessing an encoding from more is slow and no surer
_NO_TEXT = frozenset({"Cc", "Cn", "Co", "Cs"})
_FEWEST_MISREAD = 3  # fewer may be meant
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{3,}")
# A sign between two letters, or a letter that only Icelandic has: another alphabet, misread.
_NOT_WESTERN = re.compile(r"(?<=[^\W\d_])[¡-©«-¶¸¹»-¿×÷](?=[^\W\d_])|[ðþýÐÞÝŸ]")
# What UTF-8 looks like once a program has read it as cp1252 and saved it again: "Ã¼", "â€™", "Â°".
_MOJIBAKE = re.compile(r"[ÃÂ][\u0080-\u00bfŒœŠšŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]|â€.|ï»¿")


def parse(path: Path, *, source: str) -> ParsedDocument:
    """Read a plain text file; see ``text_blocks`` for its structure."""
    text, warnings = read_text(path, source=source)
    return document_from_text(text, source=source, warnings=warnings)


def document_from_text(text: str, *, source: str, title: str = "", warnings: tuple[str, ...] = ()) -> ParsedDocument:
    """Make a document of text that is at hand already; its characters stay as they are."""
    text = clean(text)
    # Its first heading is as often the sender as the subject; the file's name was given to tell it from others.
    title = title or stem(source)
    return finish(text, text_blocks(text), media_type="text/plain", source=source, title=title, warnings=warnings)


def read_text(path: Path, *, source: str) -> tuple[str, tuple[str, ...]]:
    """Decode a text file; line ends become newlines and a byte order mark goes.

    Returns:
        The text, and warnings about what could not be decoded.

    Raises:
        IngestError: The file cannot be opened.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise IngestError(f"{source} cannot be opened: {error.strerror}. Check the file and add it again.") from error
    encoding = guess_encoding(raw)
    text = raw.decode(encoding, errors="replace").removeprefix("\ufeff")
    lost = text.count(REPLACEMENT)
    warnings = (
        (f"{lost} characters could not be decoded as {encoding} and are shown as {REPLACEMENT}.",) if lost else ()
    )
    text = clean(text.replace("\r\n", "\n").replace("\r", "\n"))
    return text, warnings + mojibake(text)


def mojibake(text: str) -> tuple[str, ...]:
    """Return a warning for text that was decoded wrongly before it was saved, else nothing."""
    found = _MOJIBAKE.findall(text)
    if len(found) < _FEWEST_MISREAD or len(found) < len(text) * 0.0005:
        return ()
    return (
        f"{len(found)} characters seem to have been misread before this file was saved, such as {found[0]!r}. "
        "Words with them will not be found; export the file again as UTF-8.",
    )


def guess_encoding(raw: bytes) -> str:
    """Name the encoding of ``raw``: its byte order mark, UTF-8 where it fits, else the likeliest."""
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return encoding
    sample = raw[:_SAMPLE_BYTES]
    if wide := wide_encoding(sample):
        return wide
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(raw) - 4 or error.start > _SAMPLE_BYTES:
            return "utf-8"  # cut off inside a character, or one bad byte far into good UTF-8
    else:
        return "utf-8"
    if _reads_as_western(sample):
        return "cp1252"
    from charset_normalizer import from_bytes  # noqa: PLC0415 - few files pay for it

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


def wide_encoding(sample: bytes) -> str | None:
    """Name the encoding of text in UTF-16 or UTF-32, marked or not; ``None`` for every other.

    Without a mark it shows in the zero bytes, which no other encoding of text has, and which
    all stand on one side of their characters; a binary file does not decode to letters.
    """
    for mark, encoding in _BOMS:
        if encoding != "utf-8-sig" and sample.startswith(mark):
            return encoding
    sample = sample[: len(sample) // 4 * 4]
    if b"\x00" not in sample:
        return None
    candidates: tuple[str, ...]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) >= len(sample) * 0.45 and min(even, odd) >= len(sample) * 0.2:
        candidates = ("utf-32-le", "utf-32-be")
    elif min(even, odd) <= max(even, odd) * 0.05:
        candidates = ("utf-16-be",) if even > odd else ("utf-16-le",)
    else:
        return None
    return next((encoding for encoding in candidates if _decodes_to_letters(sample, encoding)), None)


def _decodes_to_letters(sample: bytes, encoding: str) -> bool:
    try:
        # Incrementally: the sample may end inside a character.
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return False
    odd = sum(unicodedata.category(character) in _NO_TEXT and character not in "\t\n\f\r" for character in text)
    return bool(text) and odd <= len(text) * 0.01


def _reads_as_western(sample: bytes) -> bool:
    """Whether ``sample`` makes sense as cp1252, on which charset-normalizer errs for short texts."""
    high = len(_HIGH_BYTE.findall(sample))
    in_runs = sum(len(run) for run in _HIGH_RUN.findall(sample))
    if in_runs > high * 0.3:  # Cyrillic, Greek and East Asian encodings use such bytes side by side
        return False
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return len(_NOT_WESTERN.findall(text)) <= high * 0.05
