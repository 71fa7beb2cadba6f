"""The ledger: what was about to be done, and what was acknowledged, each on disk before work goes on.

It stands outside the data directory, one JSON object a line, and survives whoever writes it.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

State = Literal["present", "removed", "purged"]
AFTER: dict[str, State] = {"remove": "removed", "purge": "purged", "restore": "present"}
"""What becomes of a document by each deed."""


@dataclass
class Known:
    """One document as the ledger knows it."""

    source: str
    state: State = "present"
    versions: dict[int, str] = field(default_factory=dict)  # → SHA-256 of the bytes


@dataclass
class Account:
    """What the ledger comes to."""

    documents: dict[str, Known] = field(default_factory=dict)  # by document id
    open: dict[str, dict[str, Any]] = field(default_factory=dict)  # intents whose outcome is not known, by number
    complaints: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    acknowledged: int = 0
    restores: int = 0  # begun
    perhaps_purged: set[str] = field(default_factory=set)  # in doubt when everything removed was erased

    def by_state(self, *states: State) -> list[str]:
        """Ids of documents that are in one of these states for certain."""
        unsure = {intent.get("document_id") for intent in self.open.values()}
        return [key for key, known in self.documents.items() if known.state in states and key not in unsure]

    @property
    def compacting(self) -> bool:
        """Whether removed documents may just be erased."""
        return any(intent["intent"] == "index compact" for intent in self.open.values())

    def note(self, record: dict[str, Any]) -> None:
        """Take one record in."""
        if "complaint" in record:
            self.complaints.append(record["complaint"])
        elif "intent" in record:
            self.open[record["number"]] = record
            self.restores += record["intent"] == "restore"
        elif "error" in record:
            self.refusals.append(record["error"])
        else:
            self.acknowledged += 1
            self._apply(self.open.pop(record["number"]), record["result"])

    def _apply(self, intent: dict[str, Any], result: dict[str, Any]) -> None:
        match intent["intent"]:
            case "add" if result.get("document_id"):
                known = self.documents.setdefault(result["document_id"], Known(intent["source"]))
                known.versions[result["version"]] = intent["content_hash"]
            case "remove" | "purge" | "restore":
                known = self.documents[intent["document_id"]]
                known.state = result.get("state", AFTER[intent["intent"]])
            case "index compact":  # erases what was removed
                for document_id in result.get("purged", self.by_state("removed")):
                    self.documents[document_id].state = "purged"
                self.perhaps_purged |= {str(other.get("document_id")) for other in self.open.values()}


def read(path: Path) -> Account:
    """Add the ledger up; an empty account where there is none."""
    account = Account()
    # A last line without an end was cut off by a kill, before anything was done on its strength.
    for line in path.read_bytes().split(b"\n")[:-1] if path.exists() else []:
        account.note(json.loads(line))
    return account


class Ledger:
    """Goes on with a ledger. One per life; its threads share it.

    Attributes:
        account: What it comes to, up to the last line written.
    """

    def __init__(self, path: Path) -> None:
        self.account = read(path)
        self._writing = threading.Lock()
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def intend(self, deed: str, **what: Any) -> str:
        """Note what is about to be asked for; returns the number to acknowledge it by."""
        number = uuid.uuid4().hex
        self._write({"number": number, "intent": deed, **what})
        return number

    def acknowledge(self, number: str, **result: Any) -> None:
        """Note that Citewise said yes."""
        self._write({"number": number, "result": result})

    def refuse(self, number: str, error: str) -> None:
        """Note that Citewise raised; whether the deed was done is then open."""
        self._write({"number": number, "error": error})

    def complain(self, sentence: str) -> None:
        """Note something that must not be, seen while living."""
        self._write({"complaint": sentence})

    def close(self) -> None:
        os.close(self._descriptor)

    def _write(self, record: dict[str, Any]) -> None:
        with self._writing:
            os.write(self._descriptor, json.dumps(record).encode() + b"\n")
            os.fsync(self._descriptor)
            self.account.note(record)
