from __future__ import annotations

import struct
from pathlib import Path

import pytest

from citewise.ingest.parse import ole
from tests.unit.ingest.making_ole import write_ole


def summary(kind: int, title: bytes, *, length: int, code_page: int = 1251, count: int = 2) -> bytes:
    head = struct.pack("<HHI16xI16xI", 0xFFFE, 0, 0, 1, 48)
    pairs = struct.pack("<IIII", 1, 24, 2, 32)
    return head + struct.pack("<II", 100, count) + pairs + struct.pack("<IHxxII", 2, code_page, kind, length) + title


@pytest.mark.parametrize(
    ("content", "title"),
    [
        (summary(30, "Отчёт\0".encode("cp1251"), length=6), "Отчёт"),
        (summary(31, "Bericht\0".encode("utf-16-le"), length=8), "Bericht"),
        (summary(30, b"Plan\0", length=5, count=0xFFFFFFFF), "Plan"),  # claims more properties than there can be
        (summary(30, b"Plan", length=0xFFFFFFFF, code_page=9), "Plan"),
        (summary(99, b"Plan", length=4), ""),
        (b"\xfe\xff cut off", ""),
        (summary(30, b"Plan", length=4)[:52], ""),
    ],
    ids=["code page", "wide", "too many", "too long", "no text", "cut off", "cut off within"],
)
def test_titles_are_read_from_the_summary(tmp_path: Path, content: bytes, title: str) -> None:
    path = tmp_path / "a.doc"
    path.write_bytes(write_ole({"\x05SummaryInformation": content}))
    with ole.open_container(path, source="a.doc") as container:
        assert ole.title_of(container) == title


def test_a_container_without_a_summary_has_no_title(tmp_path: Path) -> None:
    path = tmp_path / "a.doc"
    path.write_bytes(write_ole({"Other": b"x"}))
    with ole.open_container(path, source="a.doc") as container:
        assert ole.title_of(container) == ""
