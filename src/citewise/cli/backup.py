"""``citewise backup`` and ``restore``."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from citewise.api import wire
from citewise.cli import options, output
from citewise.cli.session import prepare
from citewise.errors import NotAllowedError, RegistryError

if TYPE_CHECKING:
    from citewise.registry.restore import Comparison, Restored
    from citewise.registry.salvage import Known

NAMES_SHOWN = 20  # of documents that a backup lacks, for a person

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


def backup(*, file: File, as_json: options.AsJson = False, server: options.Server = None) -> None:
    """Write everything but the indexes into one file, which `restore` reads."""
    report = _from_server(server, file) if server else _from_here(file)
    if as_json:
        output.document(report)
        return
    counts = report["counts"]
    held = ", ".join(output.amount(counts[noun], noun.removesuffix("s")) for noun in ("documents", "conversations"))
    output.line(f"{file}: {held}, {output.size(report['bytes'])}.")
    if report["missing"]:
        lost = output.amount(len(report["missing"]), "original")
        output.note(f"{lost} could not be read and are not in it. Run `citewise doctor` to see which.")


def _from_here(file: Path) -> dict[str, Any]:
    settings = prepare()
    from citewise.registry.backup import write_backup  # noqa: PLC0415 - the database takes a while to load
    from citewise.registry.blobs import Blobs  # noqa: PLC0415
    from citewise.registry.database import Registry  # noqa: PLC0415
    from citewise.registry.owner import OwnerLock  # noqa: PLC0415

    if not settings.home.is_dir():
        raise RegistryError(f"There is no data directory {settings.home}. Name yours with CITEWISE_HOME.")
    lock = OwnerLock(settings.home)
    try:
        registry = Registry(settings.home, unclean=lock.unclean)
        try:
            return wire.backup_json(write_backup(registry, Blobs(settings.home), file))
        finally:
            registry.close()
    finally:
        lock.release()


def _from_server(server: str, file: Path) -> dict[str, Any]:
    prepare()
    from citewise.cli.remote import RemoteSession  # noqa: PLC0415
    from citewise.registry.archive import read_manifest  # noqa: PLC0415

    with RemoteSession(server) as session:
        session.backup(file)
    return wire.backup_json(read_manifest(file).report(file))


def restore(
    *,
    file: File,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before documents are replaced.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Put a backup in the place of what the data directory holds, which is moved aside."""
    settings = prepare()
    from citewise.registry.restore import restore_backup  # noqa: PLC0415 - the database takes a while to load

    restored = restore_backup(file, settings.home, agree=lambda comparison: yes or _agree(comparison, as_json))
    if restored is None:
        output.note("Nothing was changed.")
        raise typer.Exit(1)
    if as_json:
        output.document(_restored_json(restored))
    else:
        _tell(restored)


def _agree(comparison: Comparison, as_json: bool) -> bool:
    """Ask where somebody can answer; a directory without documents needs no question."""
    if not comparison.replaced_documents and comparison.readable == "all":
        return True
    there = output.amount(comparison.replaced_documents, "document")
    if comparison.readable != "all":
        there = f"a registry of which {comparison.readable} can be read, with {there}"
    if as_json or not sys.stdin.isatty():
        raise NotAllowedError(f"The data directory holds {there}. Add --yes to replace what is there.")
    for line in _lost(comparison):
        output.note(line)
    return typer.confirm(f"The data directory holds {there}. Replace it (it is kept beside)?", err=True)


def _tell(restored: Restored) -> None:
    found = restored.comparison
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.created_at))
    output.line(f"Restored {output.amount(found.counts['documents'], 'document')} as of {made}.")
    for line in _lost(found):
        output.line(output.plain(line))
    if restored.replaced:
        output.line(f"What was there is in {restored.replaced}; delete it when you no longer need it.")
    output.line("The index is built anew at the next start.")


def _lost(found: Comparison) -> list[str]:
    """Say what was there and is not, or not so, in the backup."""
    lines = []
    if found.readable != "all":
        lines.append(f"Of the old registry {found.readable} could be read: more may be missing than is named here.")
    lines += _names(found.missing, "not in the backup")
    lines += _names(found.older, "in the backup in an older version only")
    if found.missing_conversations:
        lines.append(f"{output.amount(found.missing_conversations, 'conversation')} not in the backup.")
    if found.unknown_originals:
        lines.append(
            f"{output.amount(found.unknown_originals, 'original')} that the backup does not know; to have them back, "
            "add them again from `blobs` in the folder that is kept."
        )
    if found.without_original:
        lines.append(f"{output.amount(found.without_original, 'original')} could not be read when the backup was made.")
    return lines


def _names(documents: tuple[Known, ...], where: str) -> list[str]:
    if not documents:
        return []
    lines = [f"{output.amount(len(documents), 'document')} {where}:"]
    lines += [f"  {one.source} ({one.collection})" for one in documents[:NAMES_SHOWN]]
    left = len(documents) - NAMES_SHOWN
    return [*lines, f"  and {left:,} more"] if left > 0 else lines


def _restored_json(restored: Restored) -> dict[str, Any]:
    found = restored.comparison
    return {
        "created_at": found.created_at,
        "counts": dict(found.counts),
        "replaced": str(restored.replaced) if restored.replaced else None,
        "old_registry_readable": found.readable,
        "missing_documents": [asdict(one) for one in found.missing],
        "older_documents": [asdict(one) for one in found.older],
        "missing_conversations": found.missing_conversations,
        "unknown_originals": found.unknown_originals,
        "without_original": found.without_original,
    }
