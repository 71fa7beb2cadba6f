"""The formats that can be read: one entry each, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass

from citewise.errors import IngestError


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that can be read."""

    name: str  # short, for filters and lists
    label: str  # for people; kinds that belong together share one
    media_type: str
    extensions: tuple[str, ...]  # lower case, the usual one first
    parser: str  # module below this package, and its function
    textual: bool = False  # its bytes are text, so that only the name tells it from other kinds of text


_OOXML = "application/vnd.openxmlformats-officedocument"
_ODF = "application/vnd.oasis.opendocument"

# fmt: off
_CODE = (
    ".py", ".pyi", ".pyx", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue", ".svelte", ".java", ".kt", ".kts",
    ".scala", ".groovy", ".gradle", ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".cs", ".fs", ".vb", ".go",
    ".rs", ".swift", ".m", ".mm", ".d", ".zig", ".nim", ".rb", ".php", ".pl", ".pm", ".lua", ".r", ".jl", ".hs",
    ".ml", ".mli", ".ex", ".exs", ".erl", ".clj", ".cljs", ".lisp", ".el", ".scm", ".dart", ".pas", ".f", ".f90",
    ".sh", ".bash", ".zsh", ".fish", ".ps1", ".psm1", ".bat", ".cmd", ".awk", ".sql", ".proto", ".graphql", ".tf",
    ".css", ".scss", ".sass", ".less", ".asm", ".s", ".cmake", ".mk", ".toml", ".yaml", ".yml", ".ini", ".cfg",
    ".conf", ".properties", ".dockerfile", ".diff", ".patch",
)
# fmt: on

FORMATS: tuple[Format, ...] = (
    Format("pdf", "PDF", "application/pdf", (".pdf",), "pdf:parse"),
    Format(
        "docx",
        "Word",
        f"{_OOXML}.wordprocessingml.document",
        (".docx", ".docm", ".dotx", ".dotm"),
        "docx:parse",
    ),
    Format("doc", "Word", "application/msword", (".doc", ".dot"), "doc:parse"),
    Format(
        "pptx",
        "PowerPoint",
        f"{_OOXML}.presentationml.presentation",
        (".pptx", ".pptm", ".ppsx", ".ppsm", ".potx", ".potm"),
        "pptx:parse",
    ),
    Format("ppt", "PowerPoint", "application/vnd.ms-powerpoint", (".ppt", ".pps", ".pot"), "ppt:parse"),
    Format(
        "xlsx",
        "Excel",
        f"{_OOXML}.spreadsheetml.sheet",
        (".xlsx", ".xlsm", ".xltx", ".xltm", ".xlsb"),
        "sheets:parse",
    ),
    Format("xls", "Excel", "application/vnd.ms-excel", (".xls", ".xlt"), "sheets:parse"),
    Format("odt", "OpenDocument", f"{_ODF}.text", (".odt", ".ott"), "odf:parse_text"),
    Format("ods", "OpenDocument", f"{_ODF}.spreadsheet", (".ods", ".ots"), "sheets:parse"),
    Format("odp", "OpenDocument", f"{_ODF}.presentation", (".odp", ".otp"), "odf:parse_slides"),
    Format("rtf", "RTF", "application/rtf", (".rtf",), "rtf:parse"),
    Format("html", "HTML", "text/html", (".html", ".htm", ".xhtml"), "html:parse", textual=True),
    Format("epub", "EPUB", "application/epub+zip", (".epub",), "epub:parse"),
    Format(
        "markdown", "Markdown", "text/markdown", (".md", ".markdown", ".mdown", ".mkd"), "markdown:parse", textual=True
    ),
    Format(
        "text",
        "plain text",
        "text/plain",
        (".txt", ".text", ".log", ".rst", ".org", ".adoc", ".asciidoc", ".tex", ".bib", ".srt", ".vtt", ".po"),
        "text:parse",
        textual=True,
    ),
    Format("code", "source code", "text/x-source", _CODE, "code:parse", textual=True),
    Format("csv", "CSV", "text/csv", (".csv",), "delimited:parse", textual=True),
    Format("tsv", "CSV", "text/tab-separated-values", (".tsv", ".tab"), "delimited:parse", textual=True),
    Format("json", "JSON", "application/json", (".json", ".geojson", ".jsonld"), "structured:parse_json", textual=True),
    Format("jsonl", "JSON", "application/jsonl", (".jsonl", ".ndjson"), "structured:parse_jsonl", textual=True),
    Format("ipynb", "notebooks", "application/x-ipynb+json", (".ipynb",), "structured:parse_notebook", textual=True),
    Format(
        "xml",
        "XML",
        "application/xml",
        (".xml", ".nxml", ".xsd", ".xsl", ".rss", ".atom", ".svg", ".kml", ".gpx", ".plist", ".dita", ".tei"),
        "xml:parse",
        textual=True,
    ),
    Format("eml", "mail", "message/rfc822", (".eml", ".mht", ".mhtml"), "message:parse_mail", textual=True),
    Format("msg", "mail", "application/vnd.ms-outlook", (".msg",), "outlook:parse"),
    Format("mbox", "mail", "application/mbox", (".mbox", ".mbx"), "message:parse_mailbox", textual=True),
    Format("png", "images", "image/png", (".png",), "image:parse"),
    Format("jpeg", "images", "image/jpeg", (".jpg", ".jpeg", ".jpe"), "image:parse"),
    Format("tiff", "images", "image/tiff", (".tif", ".tiff"), "image:parse"),
    Format("gif", "images", "image/gif", (".gif",), "image:parse"),
    Format("bmp", "images", "image/bmp", (".bmp",), "image:parse"),
    Format("webp", "images", "image/webp", (".webp",), "image:parse"),
    Format("zip", "ZIP", "application/zip", (".zip",), "archive:parse"),
)
"""Every format, in the order in which messages list them."""

SUPPORTED = ", ".join(dict.fromkeys(entry.label for entry in FORMATS))
"""What can be read, for messages."""

BY_NAME = {entry.name: entry for entry in FORMATS}
BY_EXTENSION = {extension: entry for entry in FORMATS for extension in entry.extensions}
_BY_MEDIA_TYPE = {entry.media_type: entry for entry in FORMATS}


def format_of(media_type: str) -> Format:
    """Return the format that ``media_type`` names.

    Raises:
        IngestError: No parser reads it.
    """
    entry = _BY_MEDIA_TYPE.get(media_type)
    if entry is None:
        raise IngestError(f"Files of type {media_type} cannot be read yet; supported: {SUPPORTED}.")
    return entry


def media_type_of(name: str) -> str | None:
    """Return the media type for a short name (``pdf``), an extension (``.pdf``) or a media type."""
    name = name.lower()
    entry = BY_NAME.get(name) or BY_EXTENSION.get(name) or _BY_MEDIA_TYPE.get(name)
    return entry.media_type if entry else None
