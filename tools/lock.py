"""Write the lock files from what is installed.

``python -m tools.lock`` walks the requirements that ``pyproject.toml`` names through the
installed distributions and pins what it meets: ``requirements.lock`` for the program,
``requirements-dev.lock`` for what its checks need beyond that.

There are no hashes and no local versions (``+cpu``): the builds of torch for a processor
and for a graphics card share one version number, and either will do.
"""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
RUNTIME_LOCK = ROOT / "requirements.lock"
DEVELOPMENT_LOCK = ROOT / "requirements-dev.lock"
HEADER = "# {purpose}\n# Written by `make lock`, installed by `make setup`. Do not edit.\n"

Lookup = Callable[[str], importlib.metadata.Distribution]


class LockError(Exception):
    """The installed distributions do not fulfil the requirements."""


def closure(
    requirements: Iterable[str], *, lookup: Lookup = importlib.metadata.distribution
) -> dict[str, importlib.metadata.Distribution]:
    """Follow requirements through installed distributions.

    Args:
        requirements: As in ``pyproject.toml``; those for other platforms are left out.
        lookup: Finds an installed distribution by name.

    Returns:
        Distributions by normalised name, sorted.

    Raises:
        LockError: One is missing, or installed in a version that is not asked for.
    """
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [(Requirement(text), frozenset[str]()) for text in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement, extras_of_parent = waiting.pop()
        if requirement.marker and not any(
            requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras_of_parent)
        ):
            continue
        name = canonicalize_name(requirement.name)
        try:
            distribution = lookup(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise LockError(f"{requirement} is not installed. Install it, then run `make lock` again.") from error
        if not requirement.specifier.contains(distribution.version, prereleases=True):
            raise LockError(f"{name} {distribution.version} is installed, but {requirement} is asked for.")
        found[name] = distribution
        extras = frozenset(requirement.extras)
        if (name, extras) not in seen:
            seen.add((name, extras))
            waiting += [(Requirement(text), extras) for text in distribution.requires or ()]
    return dict(sorted(found.items()))


def render(distributions: Mapping[str, importlib.metadata.Distribution], *, purpose: str) -> str:
    """Return the text of a lock file; ``purpose`` is its first line."""
    pins = [f"{name}=={Version(found.version).public}\n" for name, found in distributions.items()]
    return HEADER.format(purpose=purpose) + "".join(pins)


def locks() -> dict[Path, str]:
    """Return what each lock file should hold.

    Raises:
        LockError: What is installed does not fulfil ``pyproject.toml``.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # pip and setuptools install the project itself, so they are part of what runs.
    runtime = closure([*project["build-system"]["requires"], "pip", *project["project"]["dependencies"]])
    development = closure(project["dependency-groups"]["dev"])
    beyond = {name: found for name, found in development.items() if name not in runtime}
    return {
        RUNTIME_LOCK: render(runtime, purpose="Everything that Citewise needs to run."),
        DEVELOPMENT_LOCK: render(beyond, purpose="What its checks need beyond requirements.lock."),
    }


def main() -> int:
    """Write both files."""
    try:
        contents = locks()
    except LockError as error:
        print(error, file=sys.stderr)
        return 1
    for path, text in contents.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
