"""What a front end may call. The UI, the API and the command line see nothing below this.

One ``Engine`` owns one data directory for its life. All methods may be called from any
thread. Long work (ingesting, answering) is done by jobs that the engine owns and stores
as they go: a caller only starts and watches them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from citewise.types import (
    Added,
    Collection,
    Conversation,
    Document,
    DocumentText,
    Health,
    ModelInfo,
    OnDuplicate,
    Original,
    Query,
    SearchResult,
    Turn,
    Upload,
)


class Engine:
    """See ``citewise.build.open_engine`` for how one is made."""

    # --- life -------------------------------------------------------------------------

    def close(self) -> None:
        """Stop jobs at their next committed step, close everything, release the directory."""
        raise NotImplementedError

    def health(self) -> Health:
        raise NotImplementedError

    def announce(self, url: str) -> None:
        """Remember the address that this process serves, for the message a second process gets."""
        raise NotImplementedError

    # --- documents --------------------------------------------------------------------

    def add(
        self, uploads: Sequence[Upload], *, collection: str = "default", on_duplicate: OnDuplicate = "skip"
    ) -> list[Added]:
        """Take files in. On return each is safe on disk; reading and indexing go on as jobs.

        A file that cannot be taken (empty, too large) is ``failed`` and stops no other.
        Same name and same bytes: ``skip``. Same name, other bytes: a new version, whatever
        ``on_duplicate`` says. Same bytes under another name: as ``on_duplicate`` says.
        """
        raise NotImplementedError

    def wait(self, job_ids: Sequence[str], *, timeout_s: float | None = None) -> bool:
        """Block until the jobs are over; ``False`` when the time ran out first."""
        raise NotImplementedError

    def documents(self, *, collection: str | None = None) -> list[Document]:
        """All documents, newest first; of every collection when none is named."""
        raise NotImplementedError

    def document(self, document_id: str) -> Document:
        """Raises ``NotFoundError``."""
        raise NotImplementedError

    def show(self, document_id: str, *, version: int | None = None) -> DocumentText:
        """Text, pages, blocks and chunks; of the serving version when none is named."""
        raise NotImplementedError

    def original(self, document_id: str, *, version: int | None = None) -> Original:
        """The uploaded bytes. Raises ``NotFoundError`` once they were erased."""
        raise NotImplementedError

    def page_image(self, document_id: str, page: int, *, version: int | None = None, width: int = 1000) -> bytes:
        """Render one page of a PDF as PNG, ``width`` pixels wide, rotated as a reader sees it."""
        raise NotImplementedError

    def cancel(self, document_id: str) -> None:
        """Stop the ingest of a document; what was stored of it before keeps serving."""
        raise NotImplementedError

    def retry(self, document_id: str) -> str:
        """Ingest a failed or cancelled version again; returns the job id."""
        raise NotImplementedError

    def remove(self, document_ids: Sequence[str], *, purge: bool = False) -> int:
        """Take documents out of every answer at once; returns how many.

        Without ``purge`` they can be brought back with ``restore``; with it their bytes,
        text and vectors are erased.
        """
        raise NotImplementedError

    def restore(self, document_ids: Sequence[str]) -> int:
        """Undo ``remove``; returns how many came back."""
        raise NotImplementedError

    def collections(self) -> list[Collection]:
        raise NotImplementedError

    # --- questions --------------------------------------------------------------------

    def search(self, query: Query) -> SearchResult:
        """Find chunks.

        Raises:
            QuestionError: The question is empty or over 8,000 characters.
            NotFoundError: There is no such collection.
        """
        raise NotImplementedError

    def ask(
        self,
        question: str,
        *,
        conversation_id: str | None = None,
        collection: str = "default",
        model: str | None = None,
        k: int | None = None,
        where: Mapping[str, str] | None = None,
        history: Sequence[Any] | None = None,
    ) -> Turn:
        """Start an answer and return its turn at once, ``running``.

        Without ``conversation_id`` a new conversation is begun, titled after the question.
        ``history`` (``Message``s) stands in for earlier turns, for callers without a conversation.

        Raises:
            QuestionError, NotFoundError, SettingsError: Before anything is stored.
        """
        raise NotImplementedError

    def turn(self, turn_id: str) -> Turn:
        """A turn as it is now, its text so far included."""
        raise NotImplementedError

    def watch(self, turn_id: str, *, poll_s: float = 0.05) -> Iterator[Turn]:
        """Yield the turn each time it changed, the last one finished."""
        raise NotImplementedError

    def stop(self, turn_id: str) -> None:
        """End a running answer; its text so far is kept, ``cancelled``."""
        raise NotImplementedError

    def models(self) -> list[ModelInfo]:
        """Chat models that can be chosen, the default first."""
        raise NotImplementedError

    # --- conversations ----------------------------------------------------------------

    def start_conversation(self, *, collection: str = "default", title: str = "") -> Conversation:
        raise NotImplementedError

    def conversations(self) -> list[Conversation]:
        """Newest first."""
        raise NotImplementedError

    def conversation(self, conversation_id: str) -> tuple[Conversation, list[Turn]]:
        """Raises ``NotFoundError``."""
        raise NotImplementedError

    def rename_conversation(self, conversation_id: str, title: str) -> None:
        raise NotImplementedError

    def delete_conversation(self, conversation_id: str) -> None:
        """Hide a conversation; ``restore_conversation`` brings it back."""
        raise NotImplementedError

    def restore_conversation(self, conversation_id: str) -> None:
        raise NotImplementedError
