"""``citewise verify``: the sentence check alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from citewise.cli import options, output
from citewise.cli.session import connect
from citewise.errors import QuestionError


def verify(
    *,
    pairs: Annotated[
        Path,
        typer.Option(
            "--pairs",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help='Sentences with what they cite, one a line: {"_id", "sentence", "quotes": [...]}; prints one line '
            'of JSON for each: {"id", "verdict", "reason"}.',
        ),
    ],
    as_json: options.AsJson = False,  # it is JSON either way, one document a line
    server: options.Server = None,
) -> None:
    """Check sentences against the words quoted for them, as every answer is checked."""
    with connect(server) as session:
        for pair_id, sentence, quotes in _read_pairs(pairs):
            output.document({"id": pair_id, **session.verify(sentence, quotes)})


def _read_pairs(path: Path) -> Iterator[tuple[Any, str, list[str]]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                pair = json.loads(line)
                sentence, quotes = pair["sentence"], pair["quotes"]
                if not isinstance(sentence, str) or not all(isinstance(quote, str) for quote in quotes):
                    raise TypeError
                yield pair["_id"], sentence, list(quotes)
            except (ValueError, KeyError, TypeError) as error:
                raise QuestionError(
                    f'Line {number} of {path} is not a pair: {{"_id": …, "sentence": …, "quotes": [...]}}. Correct it.'
                ) from error
