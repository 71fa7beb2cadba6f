"""What a stranger installs: declared, pinned, and the same in every place that names it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import citewise

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_exact_versions_and_no_addresses(lock: str) -> None:
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        assert re.fullmatch(r"#.*|[a-z0-9-]+==[a-z0-9.]+", line), line
        assert "://" not in line


def test_every_direct_requirement_is_pinned_in_a_version_that_it_allows() -> None:
    runtime = pins("requirements.lock")
    development = runtime | pins("requirements-dev.lock")
    asked = [
        (text, runtime) for text in [*project()["build-system"]["requires"], *project()["project"]["dependencies"]]
    ]
    asked += [(text, development) for text in project()["dependency-groups"]["dev"]]
    for text, lock in asked:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        assert name in lock, f"{text}: run `make lock`"
        assert requirement.specifier.contains(lock[name]), f"{text}: run `make lock`"


def test_no_package_is_pinned_twice() -> None:
    assert pins("requirements.lock").keys() & pins("requirements-dev.lock").keys() == set()


def test_everything_that_is_imported_is_declared() -> None:
    declared = {canonicalize_name(Requirement(text).name) for text in project()["project"]["dependencies"]}
    distributions = packages_distributions()
    undeclared = set()
    for path in [*(ROOT / "src").rglob("*.py"), ROOT / "app.py"]:
        for name in imported(path) - sys.stdlib_module_names - {"citewise"}:
            owners = {canonicalize_name(owner) for owner in distributions.get(name, [f"nobody ({name})"])}
            if not owners & declared:
                undeclared |= {f"{path.relative_to(ROOT)} imports {name} of {owner}" for owner in owners}
    assert sorted(undeclared) == []


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def test_torch_is_pinned_everywhere_to_one_version() -> None:
    assert "torch==2.13.0" in project()["project"]["dependencies"]
    assert pins("requirements.lock")["torch"] == "2.13.0"


def test_the_command_is_installed_and_the_version_is_the_packages_own() -> None:
    (command,) = entry_points(group="console_scripts", name="citewise")
    assert command.value == "citewise.cli:main"
    assert version("citewise") == citewise.__version__


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import citewise, citewise.settings, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert {"torch", "streamlit", "chromadb", "fastapi"} & set(loaded) == set()


def test_every_file_that_the_package_reads_is_shipped() -> None:
    patterns = project()["tool"]["setuptools"]["package-data"]["citewise"]
    package = ROOT / "src" / "citewise"
    shipped = {path for pattern in patterns for path in package.glob(pattern)}
    others = {path for path in package.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc", ".md"}}
    assert sorted(others - shipped) == []


def test_make_lists_every_command_that_the_readme_names() -> None:
    listed = subprocess.run(["make", "-C", str(ROOT), "help"], check=True, capture_output=True, text=True).stdout
    readme = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for command in set(re.findall(r"(?m)(?:`|^)make ([a-z]+)", readme)):
        assert f"make {command}" in listed


def test_the_changelog_knows_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text or f"## [{citewise.__version__}]" in text
