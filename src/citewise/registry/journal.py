"""Whether SQLite's rollback journal is whole, looked at before SQLite uses it.

After a crash the journal holds the pages as they were before the transaction that was cut
off. SQLite plays back what it can read of a damaged journal, empties it and says nothing:
the file then holds half a transaction. So a journal is read here first. The format is that
of https://sqlite.org/fileformat2.html#the_rollback_journal.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

MAGIC = bytes.fromhex("d9d505f920a163d7")
_HEADER = struct.Struct(">8sIIIII")  # magic, records, nonce, pages of the database, sector size, page size
_EVERY = 200  # bytes; the checksum of a page adds up each 200th


def journal_of(path: Path) -> Path:
    """Return where the rollback journal of a database is, if it has one."""
    return path.with_name(f"{path.name}-journal")


def damage_of_journal(journal: Path) -> str | None:
    """Return what is wrong with a rollback journal; ``None`` when it is whole, unused or not there.

    Raises:
        OSError: It cannot be read.
    """
    try:
        with journal.open("rb") as file:
            return _damage(file)
    except FileNotFoundError:
        return None


def _damage(file: BinaryIO) -> str | None:
    # A header begins with zeros until it is synced; what follows it was not yet relied upon.
    while (start := file.read(_HEADER.size))[:12].strip(b"\0"):
        if len(start) < _HEADER.size or not start.startswith(MAGIC):
            return "a header in its journal cannot be read"
        _, records, nonce, _, sector, page = _HEADER.unpack(start)
        if not (_is_power_of_two(sector, 32, 65_536) and _is_power_of_two(page, 512, 65_536)):
            return "a header in its journal is impossible"
        file.seek(sector - _HEADER.size, os.SEEK_CUR)
        for number in range(1, records + 1):
            record = file.read(page + 8)
            if len(record) < page + 8:
                return f"its journal ends after {number - 1:,} of {records:,} pages"
            if struct.unpack_from(">I", record, page + 4)[0] != _checksum(record[4 : page + 4], nonce):
                return f"page {number:,} of {records:,} in its journal does not have its checksum"
        file.seek(-file.tell() % sector, os.SEEK_CUR)
    return None


def _is_power_of_two(number: int, least: int, most: int) -> bool:
    return least <= number <= most and number & (number - 1) == 0


def _checksum(page: bytes, nonce: int) -> int:
    return (nonce + sum(page[len(page) - _EVERY : 0 : -_EVERY])) & 0xFFFF_FFFF
