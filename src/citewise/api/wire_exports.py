"""What imports and looked-up footnotes are as JSON, see ``wire``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from citewise.api.wire import Json, conversation_json

if TYPE_CHECKING:
    from citewise.answer.export.exports import Imported, Resolution


def resolution_json(found: Resolution) -> Json:
    """What became of the footnotes of a file."""
    return {
        "total": len(found.notes),
        "at_place": found.at_place,
        "sentence": found.sentence,
        "footnotes": [
            {"label": note.label, "source": note.source, "state": note.state, "sentence": note.sentence}
            for note in found.notes
        ],
    }


def imported_json(imported: Imported) -> Json:
    """A conversation that came in, and what became of its footnotes."""
    return {
        **conversation_json(imported.conversation),
        "turns": imported.turns,
        **resolution_json(imported.footnotes),
    }
