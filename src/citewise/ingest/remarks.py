"""What a document's report says of text that is meant for machines and not for its readers."""

from __future__ import annotations

from dataclasses import replace

from citewise.language.addressed import addresses_assistant
from citewise.language.hidden import hidden_characters
from citewise.types import ParsedDocument

_STEP = 4_000  # characters that are looked at together where there are no pages
_OVERLAP = 300
_MOST_PAGES = 5  # that are named


def with_remarks(parsed: ParsedDocument) -> ParsedDocument:
    """Add warnings of hidden characters, and of text that is addressed to an AI assistant.

    The text stays as it is. No word of it is repeated, so that erasing the text leaves nothing.
    """
    remarks = [remark for remark in (_hidden(parsed.text), _addressed(parsed)) if remark]
    if not remarks:
        return parsed
    return replace(parsed, report=replace(parsed.report, warnings=(*parsed.report.warnings, *remarks)))


def _hidden(text: str) -> str:
    found = hidden_characters(text)
    if not found.total:
        return ""
    kinds = [
        f"{count:,} {what}"
        for count, what in (
            (found.tags, "that can spell a text of their own"),
            (found.turns, "that change the direction of writing"),
            (found.in_words, "of no width within words"),
        )
        if count
    ]
    characters = "1 invisible character" if found.total == 1 else f"{found.total:,} invisible characters"
    return f"The text has {characters} ({', '.join(kinds)}). No model is sent them."


def _addressed(parsed: ParsedDocument) -> str:
    text = parsed.text
    if parsed.pages:
        pages = [page.number for page in parsed.pages if addresses_assistant(text[page.start : page.end])]
        if not pages:
            return ""
        named = ", ".join(f"{page:,}" for page in pages[:_MOST_PAGES])
        more = f" and {len(pages) - _MOST_PAGES:,} more" if len(pages) > _MOST_PAGES else ""
        where = f" on page{'s' if len(pages) > 1 else ''} {named}{more}"
    else:
        if not any(addresses_assistant(text[at : at + _STEP + _OVERLAP]) for at in range(0, len(text), _STEP)):
            return ""
        where = ""
    return (
        f"Some of the text{where} speaks to an AI assistant and not to a reader, for instance to have it ignore its "
        "instructions. It is kept as text like any other, and models are told to follow nothing that documents say."
    )
