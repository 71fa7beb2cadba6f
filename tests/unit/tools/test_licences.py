from __future__ import annotations

from email.message import Message
from pathlib import Path

import pytest

from tools.licences import licences, locked_names, problem


def metadata(**fields: str | list[str]) -> Message:
    message = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    "expression",
    ["MIT", "Apache-2.0 OR BSD-2-Clause", "MPL-2.0 AND (Apache-2.0 OR MIT)", "Apache-2.0 WITH LLVM-exception", "0BSD"],
)
def test_permissive_expressions_pass(expression: str) -> None:
    assert problem("thing", metadata(License_Expression=expression)) is None


@pytest.mark.parametrize(
    "expression", ["AGPL-3.0-only", "GPL-3.0-or-later", "MIT AND LGPL-2.1-only", "MIT OR GPL-2.0-only", "SSPL-1.0"]
)
def test_an_expression_that_names_anything_else_is_reported(expression: str) -> None:
    assert "thing is under" in (problem("thing", metadata(License_Expression=expression)) or "")


@pytest.mark.parametrize(
    ("classifier", "passes"),
    [
        ("License :: OSI Approved :: MIT License", True),
        ("License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)", True),
        ("License :: OSI Approved :: GNU Affero General Public License v3", False),
        ("License :: Other/Proprietary License", False),
    ],
)
def test_classifiers_are_read_where_there_is_no_expression(classifier: str, passes: bool) -> None:
    assert (problem("thing", metadata(Classifier=["Topic :: Text", classifier])) is None) is passes


def test_an_expression_wins_over_classifiers() -> None:
    declared = metadata(License_Expression="AGPL-3.0-only", Classifier="License :: OSI Approved :: MIT License")
    assert licences(declared) == ["AGPL-3.0-only"]


def test_a_whole_text_is_known_by_its_first_line() -> None:
    declared = metadata(
        License="MIT License\n        Permission is hereby granted", Classifier="License :: OSI Approved"
    )
    assert licences(declared) == ["MIT License"]


@pytest.mark.parametrize("text", ["Apache License, Version 2.0", "Apache 2.0 License", "3-Clause BSD License"])
def test_usual_names_of_the_old_field_pass(text: str) -> None:
    assert problem("thing", metadata(License=text)) is None


def test_a_name_that_only_begins_like_a_permitted_one_is_reported() -> None:
    assert problem("thing", metadata(License="MIT License with Commons Clause")) is not None


def test_silence_is_reported() -> None:
    assert problem("thing", metadata(License="")) == "thing declares no licence."


def test_comments_of_a_lock_are_no_packages(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("# A lock.\n\nalpha==1.0\nbeta==2\n")
    assert locked_names(tmp_path / "lock") == ["alpha", "beta"]
