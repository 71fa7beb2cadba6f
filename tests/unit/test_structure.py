"""Rules of the layout that no linter knows: what is imported where, and how long a module is.

The direction of imports between our own packages is import-linter's (``pyproject.toml``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "citewise"
LONGEST_MODULE = 650  # lines; at 400, look for the second subject

# Who may import what, by path inside the package: a folder, or one module. An import
# inside a function counts too: it is where lazy imports hide.
HOMES = {
    "anthropic": ("answer/anthropic.py",),
    "chromadb": ("index/chroma.py",),
    "fastapi": ("api/",),
    "onnx": ("embed/onnx_graph.py",),
    "onnxruntime": ("embed/onnx_session.py",),
    "openai": ("answer/openai.py",),
    "sentence_transformers": ("embed/sentence_transformer.py", "retrieve/cross_encoder.py"),
    "streamlit": ("ui/", "serve.py"),
    "tantivy": ("index/tantivy.py",),
    "torch": ("embed/sentence_transformer.py",),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(source: str) -> Iterator[str]:
    """Top-level names of everything that a module imports, at whatever depth and in whatever way."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module.partition(".")[0]


def strays(path: str, source: str) -> list[str]:
    return [name for name in imports(source) if name in HOMES and not path.startswith(HOMES[name])]


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "import torch.nn as nn",
        "from torch import no_grad",
        "def late():\n    from torch.nn import functional",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
        "import importlib\nimportlib.import_module('torch')",
        "from importlib import import_module\nimport_module('torch.nn')",
        "__import__('torch')",
    ],
)
def test_an_import_out_of_place_is_seen_however_it_is_written(source: str) -> None:
    assert strays("retrieve/hybrid.py", source) == ["torch"]
    assert strays("embed/sentence_transformer.py", source) == []


def test_our_own_modules_of_a_vendors_name_are_not_the_vendor() -> None:
    assert strays("build.py", "from citewise.index.chroma import ChromaIndex\nfrom . import openai") == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_vendors_are_imported_only_where_their_name_is(path: Path) -> None:
    assert strays(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_module_is_too_long_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
