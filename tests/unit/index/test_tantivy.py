from __future__ import annotations

from pathlib import Path

import pytest
import tantivy

from citewise.errors import StoreError
from citewise.index.tantivy import TantivyIndex
from citewise.language.identifiers import identifiers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See TS-999, please.", ["ts-999"]),
        ("Pi is 3.14.", ["3.14"]),
        ("POST /api/v2/users/reset-password", ["/api/v2/users/reset-password"]),
        ("(`read_only_mode`)", ["read_only_mode"]),
        ("C++ and C# and 16:30", ["c++", "c#", "16:30"]),
        ("mail a.b@example.org; #12", ["a.b@example.org", "#12"]),
        ("well-known don't Müller's e-mail plain 2023 – ... --- ???", []),
        ("x/" * 500, []),
        ("", []),
    ],
)
def test_identifiers_are_what_is_more_than_words(text: str, expected: list[str]) -> None:
    assert identifiers(text) == expected


def test_a_second_writer_is_refused_until_the_first_closed(tmp_path: Path) -> None:
    first = TantivyIndex(tmp_path / "index", create=True)
    with pytest.raises(StoreError, match=r"could not be opened.*lock"):
        TantivyIndex(tmp_path / "index", create=False)
    first.close()
    TantivyIndex(tmp_path / "index", create=False).close()


def test_opening_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no keyword index"):
        TantivyIndex(tmp_path / "index", create=False)
    assert not (tmp_path / "index").exists()


def test_a_damaged_index_is_our_error(tmp_path: Path) -> None:
    TantivyIndex(tmp_path, create=True).close()
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(StoreError, match=r"could not be opened.*citewise index rebuild"):
        TantivyIndex(tmp_path, create=False)


def test_an_index_with_other_fields_is_refused(tmp_path: Path) -> None:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("something else")
    tantivy.Index(builder.build(), path=str(tmp_path))
    with pytest.raises(StoreError, match="could not be opened"):
        TantivyIndex(tmp_path, create=False)
