from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from citewise.errors import IngestError
from citewise.ingest import sandbox
from citewise.ingest.parse import SUPPORTED, archive, inner, parse
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored


def zipped(files: dict[str, bytes | str]) -> bytes:
    """An archive of these files, always the same for the same ones."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def read(folder: Path, content: bytes) -> ParsedDocument:
    path = folder / "blob"
    path.write_bytes(content)
    document = parse(path, source="in/a.zip")
    assert_anchored(document)
    return document


def unpacked(folder: Path, content: bytes) -> dict[str, str]:
    """What became of each file: its content, or why it was not read."""
    path, into = folder / "blob", folder / "into"
    path.write_bytes(content)
    into.mkdir()
    members = archive.unpack(path, into, source="a.zip")
    assert len(list(into.iterdir())) == sum(bool(member.file) for member in members)
    return {
        member.name: (into / member.file).read_text() if member.file else member.unread or member.left_out
        for member in members
    }


def test_an_archive_reads_as_the_list_of_its_files(tmp_path: Path) -> None:
    document = read(
        tmp_path, zipped({"b/notes.txt": "Some words.", "tool": b"\x7fELF\x00", ".hidden": "x", "e.txt": ""})
    )
    assert document.text.splitlines() == [
        "File | Kind | Size | What became of it",
        "b/notes.txt | plain text | 11 bytes | Read as a document of its own",
        "tool |  | 5 bytes | Not read: is a program, which Citewise cannot read; supported: " + SUPPORTED + ".",
        ".hidden |  | 1 bytes | Not read: a hidden file of a system or a program.",
        "e.txt |  | 0 bytes | Not read: it is empty.",
    ]
    assert document.blocks[0].header == "File | Kind | Size | What became of it"
    assert document.title == "a.zip"
    assert [line.partition(":")[0] for line in document.report.left_out] == [".hidden", "e.txt"]
    assert [line.partition(":")[0] for line in document.report.unread] == ["tool"]


def test_archives_within_are_unpacked_as_folders_to_a_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ARCHIVE_DEPTH", 2)
    deep = zipped({"c.txt": "deep"})
    found = unpacked(tmp_path, zipped({"x/in.zip": zipped({"b.txt": "inner", "more.zip": deep}), "a.txt": "outer"}))
    assert found == {
        "x/in.zip/b.txt": "inner",
        "x/in.zip/more.zip": "archives in archives are unpacked to a depth of 2.",
        "a.txt": "outer",
    }


@pytest.mark.parametrize("name", ["../up.txt", "/abs.txt", "a/../../b.txt", "..\\up.txt", "C:\\x.txt"])
def test_names_that_lead_out_are_not_followed(tmp_path: Path, name: str) -> None:
    found = unpacked(tmp_path, zipped({name: "words", "ok.txt": "fine"}))
    assert found.pop("ok.txt") == "fine"
    assert list(found.values()) == ["its name leads out of the archive."]


def test_links_are_not_followed(tmp_path: Path) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
    assert unpacked(tmp_path, target.getvalue()) == {"link": "it is a link to another place."}


def test_limits_hold_for_each_file_and_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MIN_RATIO_MB", 0)
    monkeypatch.setattr(archive, "MAX_ARCHIVE_FILES", 3)
    found = unpacked(tmp_path, zipped({"bomb.txt": "0" * 1_000_000, **{f"{n}.txt": f"text {n}" for n in range(5)}}))
    assert found["bomb.txt"] == "it unpacks to more than 200 times its size, which is the limit."
    assert found["1.txt"] == "text 1"
    assert found["…"] == "3 more files; of one archive 3 are read."


@pytest.mark.parametrize(
    ("limit", "reason"), [("MAX_MEMBER_MB", "larger than 1 MB"), ("MAX_ARCHIVE_MB", "unpacks to more than 1 MB")]
)
def test_sizes_are_counted_and_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, reason: str
) -> None:
    monkeypatch.setattr(archive, limit, 1)
    assert reason in unpacked(tmp_path, zipped({"a.txt": "words " * 300_000}))["a.txt"]


def test_protected_damaged_and_double_members_are_named(tmp_path: Path) -> None:
    content = bytearray(zipped({"locked.txt": "secret words", "bad.txt": "other words"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1  # the flag of encryption, of the first file
    at = content.index(b"bad.txt") + len("bad.txt")
    content[at + 2] ^= 0xFF
    found = unpacked(tmp_path, bytes(content))
    assert found == {"locked.txt": "it is protected by a password.", "bad.txt": "it is damaged."}


def test_names_of_old_code_pages_are_decoded(tmp_path: Path) -> None:
    content = zipped({"XXXXXXXXXXXX.txt": "a", "YYYYYYYYYYYY.txt": "b"})
    content = content.replace(b"XXXXXXXXXXXX", "文章の灯台".encode("shift-jis") + b"_1")
    content = content.replace(b"YYYYYYYYYYYY", "日本の文章".encode("shift-jis") + b"_2")
    assert list(unpacked(tmp_path, content)) == ["文章の灯台_1.txt", "日本の文章_2.txt"]


@pytest.mark.parametrize(("content", "message"), [(zipped({}), "without files"), (b"PK\x03\x04 cut off", "damaged")])
def test_what_is_no_archive_is_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(IngestError, match=message):
        read(tmp_path, content)


def test_an_archive_within_another_file_brings_its_texts(tmp_path: Path) -> None:
    document = inner.read_content(zipped({"b/notes.txt": "Some words."}), "a.zip")
    assert "b/notes.txt | plain text | 11 bytes | Read below" in document.text
    assert document.text.endswith("notes.txt\n\nSome words.")
    assert {place.part for place in document.places} == {"b/notes.txt"}


def test_the_sandbox_unpacks_into_a_folder(tmp_path: Path) -> None:
    path, into = tmp_path / "blob", tmp_path / "into"
    path.write_bytes(zipped({"b/notes.txt": "Some words.", "tool": b"\x7fELF\x00"}))
    into.mkdir()
    files = sandbox.unpack(path, into, source="a.zip", seconds=30, memory_mb=1024)
    assert {name: file.read_text() for name, file in files.items()} == {"b/notes.txt": "Some words."}
