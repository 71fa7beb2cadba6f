from __future__ import annotations

from pathlib import Path

import pytest

from citewise.ingest.parse import code
from citewise.types import ParsedDocument
from tests.unit.ingest.checks import assert_anchored

PYTHON = '''"""A module."""

import os

# Why it is here.
@dataclass
class Boat:
    """Floats."""

    name: str

    def sail(self) -> None:
        if self.name:
            def inner(): ...

    async def sink(self):
        pass


def main() -> None:
    Boat().sail()
'''
RUST = """use std::fmt;

/// A boat.
pub struct Boat { name: String }

impl fmt::Display for Boat {
    fn fmt(&self) -> fmt::Result {
        Ok(())
    }
    pub(crate) fn sail(&self) {}
}

pub async fn main() {}
"""
JAVA = """package a.b;

public final class Boat extends Ship {
    private int size = 3;

    /** Sails. */
    public void sail(int knots) {
        if (knots > 3) { go(); }
    }
}
"""
C = """#include <a.h>
static int add(int a,
               int b)
{
    return a + b;
}

int main(void) {
    add(1, 2);
}
"""
GO = "package main\n\nfunc (b *Boat) Sail(k int) error {\n\treturn nil\n}\n\ntype Boat struct {\n}\n"
JS = """import a from 'a';

export default class Boat {
  sail() {
    go();
  }
}

export const sink = async (x) => {
};
"""
SQL = "SELECT 1;\n\nCREATE TABLE IF NOT EXISTS boats (\n  id INT\n);\n\ncreate view v as select 1;\n"


def read(folder: Path, name: str, content: str) -> ParsedDocument:
    path = folder / "blob"
    path.write_bytes(content.encode())
    document = code.parse(path, source=f"src/{name}")
    assert_anchored(document)
    assert document.text == content
    assert {block.kind for block in document.blocks} <= {"code"}
    assert document.title == name
    return document


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("boat.py", PYTHON, [(), ("Boat",), ("Boat", "sail"), ("Boat", "sink"), ("main",)]),
        (
            "boat.rs",
            RUST,
            [
                (),
                ("Boat",),
                ("fmt::Display for Boat",),
                ("fmt::Display for Boat", "fmt"),
                ("fmt::Display for Boat", "sail"),
                ("main",),
            ],
        ),
        ("Boat.java", JAVA, [(), ("Boat",), ("Boat", "sail")]),
        ("a.c", C, [(), ("add",), ("main",)]),
        ("a.go", GO, [(), ("Sail",), ("Boat",)]),
        ("a.js", JS, [(), ("Boat",), ("Boat", "sail"), ("sink",)]),
        ("a.sql", SQL, [(), ("boats",), ("v",)]),
        ("a.toml", "x = 1\n[a]\ny = 2\n[[b]]\nz = 3\n", [(), ("a",), ("b",)]),
        ("a.yaml", "# top\na:\n  b: 1\nc: 2\n", [("a",), ("c",)]),
        ("run.sh", "set -e\n\nsay() {\n  echo\n}\nsay\n", [(), ("say",)]),
        ("Makefile", "X := 1\n\nall: x\n\tcc x.c\n", [(), ("all",)]),
        ("a.css", "p { margin: 0 }\n", [()]),
    ],
)
def test_definitions_are_blocks_with_their_names(
    tmp_path: Path, name: str, content: str, expected: list[tuple[str, ...]]
) -> None:
    document = read(tmp_path, name, content)
    assert [block.headings for block in document.blocks] == expected


def test_comments_and_decorators_belong_to_what_follows(tmp_path: Path) -> None:
    document = read(tmp_path, "boat.py", PYTHON)
    first = document.blocks[1]
    assert document.text[first.start : first.end].startswith("# Why it is here.\n@dataclass\nclass Boat:")


def test_long_lines_are_data_and_cost_no_time(tmp_path: Path) -> None:
    read(tmp_path, "bundle.js", "const x = " + "(a, b" * 100_000 + "\nfunction f() {}\n")


@pytest.mark.parametrize("line", ["a** " * 45, "x(" * 90, "f(a):" * 38, "pub " * 45, "a.b<c>, " * 24])
def test_no_line_takes_long(tmp_path: Path, line: str) -> None:
    for name in ("a.c", "a.js", "a.rs", "a.sql", "a.yaml", "a.sh"):
        read(tmp_path, name, f"  {line}\n{line}\n" * 200)
