"""The nouns that every stage shares.

Positions are characters of ``ParsedDocument.text`` (Python string indices), end
exclusive. Pages are 1-based. Boxes are PDF points from the top left of the unrotated
page. Times are seconds since the epoch (UTC) unless a name says otherwise. Scores are
higher-is-better.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
"""One embedding, shape ``(dimension,)``, unit length."""

Vectors = npt.NDArray[np.float32]
"""Embeddings, shape ``(n, dimension)``, each row unit length."""

BlockKind = Literal["heading", "paragraph", "list_item", "table", "code", "caption", "furniture"]
"""``furniture``: headers and footers that repeat on pages; part of the text, but of no chunk."""
DocumentStatus = Literal["received", "parsing", "chunking", "embedding", "indexing", "ready", "failed", "cancelled"]
OnDuplicate = Literal["skip", "replace", "keep"]
SearchMode = Literal["hybrid", "dense", "keyword"]
Variants = Literal["none", "multi-query", "hyde"]
"""What else is searched for: other wordings of the question, or a passage that could answer it."""
Where = Mapping[str, str | tuple[str, ...]]
"""Which documents; all keys must hold. See ``registry.serving.match``."""
EmbedderState = Literal["loading", "ready", "failed"]
SplitStrategy = Literal["fixed", "sentence", "paragraph", "recursive", "heading", "semantic"]
Role = Literal["user", "assistant"]
Verdict = Literal["supported", "partial", "unsupported", "not_checked"]
AnswerStatus = Literal["running", "complete", "abstained", "truncated", "refused", "cut", "cancelled", "error"]

GenerationState = Literal["building", "ready", "active", "retired", "broken"]
"""``ready`` is built and verified and waits for the switch."""
IndexState = Literal["opening", "checking", "ok", "degraded"]
IndexJobKind = Literal["verify", "rebuild", "reembed", "update", "switch", "rollback", "compact"]
IndexJobState = Literal["queued", "running", "done", "failed", "cancelled"]

PDF = "application/pdf"
"""The one media type whose pages can be shown."""

ARCHIVE = "application/zip"
"""The media type of documents whose files are documents of their own."""

UNFINISHED: frozenset[str] = frozenset({"received", "parsing", "chunking", "embedding", "indexing"})
"""Document states in which work still goes on."""

LONGEST_TAG = 50  # characters
MOST_TAGS = 50  # of one document

_HYPHENATION = re.compile("\u00ad\\s*")
"""Where a word was broken at the end of a line: parsers leave a soft hyphen there."""


# --- ingest ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it arrives.

    ``source`` is the name that identifies the document within its collection: the file
    name, or the path relative to the folder that was added. Exactly one of ``stream``
    and ``text`` is given; ``text`` is for records that are plain text already.
    """

    source: str
    stream: BinaryIO | None = None
    text: str | None = None
    title: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, in PDF points from the top left of the unrotated page."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Block:
    """A structural unit of a document's text."""

    kind: BlockKind
    start: int
    end: int
    page: int | None = None  # 1-based; None for formats without pages
    headings: tuple[str, ...] = ()  # the path above this block, outermost first
    caption: str = ""  # of a table
    header: str = ""  # column headers of a table, as they stand in its first lines; "" when it has none


@dataclass(frozen=True, slots=True)
class PageSpan:
    """Where one page stands in the text, and its size."""

    number: int  # 1-based
    start: int
    end: int
    width: float | None = None  # points, unrotated
    height: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the original that a stretch of text came from, where it is no page."""

    start: int
    end: int
    part: str  # for people: a sheet, a shape of a slide, a file within a book or an archive, a part of a message
    cells: str = ""  # of a row of a sheet: "A5:C5"


@dataclass(frozen=True, slots=True)
class Word:
    """A recognised word and where it stands on its page; for pages whose file has no text of its own."""

    start: int
    end: int
    box: Box


@dataclass(frozen=True, slots=True)
class PageReport:
    """What could be read on one page."""

    page: int
    characters: int
    tables: int = 0
    images: int = 0
    needs_ocr: bool = False
    garbled: bool = False
    recognised: bool = False  # its text comes from OCR


@dataclass(frozen=True, slots=True)
class ParseReport:
    """What was read of a document and, above all, what was not."""

    characters: int
    pages: tuple[PageReport, ...] = ()
    tables: int = 0
    images: int = 0
    warnings: tuple[str, ...] = ()  # sentences for a person
    left_out: tuple[str, ...] = ()  # what is never read, and why: hidden parts, comments, repeated headers
    unread: tuple[str, ...] = ()  # what should have been read and was not: cut off by a limit, or damaged

    @property
    def incomplete(self) -> bool:
        """Whether something of the document that a reader sees is missing in its text."""
        return bool(self.unread) or any(page.needs_ocr or page.garbled for page in self.pages)


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document as text with anchors.

    Blocks are in order, do not overlap, and cover every non-blank character of ``text``;
    pages (slides too) likewise, where the format has them. Places and words are in order and
    do not overlap, and need not cover anything.
    """

    text: str
    blocks: tuple[Block, ...]
    pages: tuple[PageSpan, ...]
    report: ParseReport
    media_type: str
    title: str = ""
    places: tuple[Place, ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a document as a splitter cuts it, before it has an identity."""

    start: int
    end: int
    page_first: int | None
    page_last: int | None
    headings: tuple[str, ...]
    context: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of one version of a document; ``text`` is always its exact slice."""

    id: str
    document_id: str
    version: int
    ordinal: int
    start: int
    end: int
    page_first: int | None
    page_last: int | None
    headings: tuple[str, ...]
    text: str
    context: str  # title, heading path, table headers; goes before the text, never part of it

    @property
    def full_text(self) -> str:
        """What is embedded, indexed and sent to the model."""
        whole = f"{self.context}\n{self.text}" if self.context else self.text
        return _HYPHENATION.sub("", whole)


@dataclass(frozen=True, slots=True)
class EmbeddedChunk:
    """A chunk with its vector, ready for an index."""

    chunk: Chunk
    collection_id: str
    vector: Vector


@dataclass(frozen=True, slots=True)
class Document:
    """A document as the library shows it: its newest version and how far that got."""

    id: str
    collection: str
    source: str
    title: str
    version: int
    status: DocumentStatus
    error: str | None
    media_type: str
    content_hash: str  # sha256 of the bytes, hex
    bytes: int
    pages: int  # 0 for formats without pages
    chunks: int
    added_at: float
    done: int = 0  # units of the current stage
    total: int = 0
    stage_started_at: float | None = None
    serving_version: int | None = None  # the version that answers come from; None if none yet
    enabled: bool = True  # False: kept, but in no answer
    tags: tuple[str, ...] = ()  # in alphabetical order
    report: ParseReport | None = None


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One version of a document, for its history."""

    version: int
    status: DocumentStatus
    error: str | None
    content_hash: str  # sha256 of the bytes, hex
    bytes: int
    pages: int  # 0 for formats without pages
    added_at: float
    serves: bool  # whether answers come from it


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder of this machine whose files are documents of a collection."""

    id: str
    path: str  # absolute
    collection: str
    created_at: float
    looked_at: float | None  # when it was last looked at; None before the first look
    documents: int  # that come from it and are in the library
    error: str | None  # why it cannot be looked at, as a sentence
    refused: tuple[tuple[str, str], ...] = ()  # files that could not be taken in: name, and why


@dataclass(frozen=True, slots=True)
class Added:
    """The answer to one upload, given once it is safe on disk."""

    source: str
    document_id: str | None
    version: int | None
    job_id: str | None  # None when there is nothing to do
    status: Literal["received", "skipped", "failed"]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents; every question is asked of one."""

    id: str
    name: str
    documents: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Generation:
    """One self-contained build of the indexes."""

    id: str
    state: GenerationState
    embedder: str  # fingerprint
    splitter: str  # fingerprint
    dimension: int
    created_at: float
    model: str = ""  # PROVIDER:NAME that the embedder is opened by
    verified_at: float | None = None  # when every chunk was last found in it
    published_at: float | None = None  # when answers last began to come from it
    comparison: Mapping[str, Any] | None = None  # how it did beside the serving one


@dataclass(frozen=True, slots=True)
class IndexJob:
    """Work on the indexes, resumed after a crash."""

    id: str
    kind: IndexJobKind
    state: IndexJobState
    generation: str | None  # id of what is built or checked
    stage: str  # what goes on: "embedding", "building", "verifying", "catching up", …
    done: int  # units of the stage
    total: int  # 0 while it is not known
    stage_started_at: float | None
    created_at: float
    updated_at: float
    cancel_requested: bool
    options: Mapping[str, Any]
    result: Mapping[str, Any] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How the indexes are, and what could be done about them."""

    state: IndexState
    detail: str  # a sentence
    generation: Generation | None  # that answers come from
    chunks: int
    cuts: Mapping[str, int]  # chunks by the fingerprint of how they were cut, the most first
    documents: int
    stale_chunks: int  # by another model or another way of cutting than the settings name
    stale_share: float  # 0..1
    needs_full_rebuild: bool
    waiting_documents: int  # served, but not yet as the indexes ought to hold them
    bytes: int  # of all generations on disk
    model: str  # that the settings name
    splitter: str  # fingerprint of how the settings say documents are cut
    generations: tuple[Generation, ...]  # newest first
    jobs: tuple[IndexJob, ...]  # newest first


# --- retrieve -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation, as a model reads it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Query:
    """A question and where to look.

    ``where`` narrows by document fields, see ``Where``.
    """

    text: str
    collection: str = "default"
    k: int = 8
    where: Where = field(default_factory=dict)
    history: tuple[Message, ...] = ()
    mode: SearchMode = "hybrid"
    rerank: bool | str = True  # or who orders the hits, by name; False and "none": the order of the search itself
    rewrite: bool = True  # False: a follow-up is searched for as it was asked
    variants: Variants | None = None  # None: as the settings say


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """A chunk that was found, joined back to the registry."""

    chunk: Chunk
    score: float
    rank: int  # 1-based
    scores: Mapping[str, float]  # dense, keyword, fused, rerank, exact (share of what it names): those that apply
    source: str
    title: str
    content_hash: str
    locator: str = ""  # see Citation

    @property
    def erased(self) -> bool:
        """Whether its document was erased and only the place in an old answer is left."""
        return not self.source


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0  # of the input tokens, those that it still knew and bills for less

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
        )


@dataclass(frozen=True, slots=True)
class AskedBefore:
    """An earlier answer to nearly the same question."""

    turn_id: str
    conversation_id: str
    question: str  # as it was asked then
    asked_at: float
    similarity: float  # of both questions, 0..1
    answer: str  # with its markers
    citations: int
    changed: tuple[str, ...] = ()  # sentences: what became of its sources since


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found and how."""

    question: str
    standalone_question: str
    hits: tuple[ScoredChunk, ...]
    timings_ms: Mapping[str, float]
    generation: str
    reranker: str | None = None
    degraded: tuple[str, ...] = ()  # sentences: which part ran on a fallback, and why
    trace: Mapping[str, Any] = field(default_factory=dict)
    usage: Usage = Usage()  # of the chat model that worded the search
    note: str = ""  # why nothing could be found, as a sentence
    asked_before: AskedBefore | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """The search behind a stored turn, done again."""

    turn_id: str
    result: SearchResult
    same: bool  # the same hits in the same order
    changed: tuple[str, ...] = ()  # sentences: what is not as it was


# --- answer ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Citation:
    """A snapshot of quoted words: it reads the same after its document changed or went."""

    marker: int  # the number shown in the answer, 1-based
    document_id: str
    version: int
    content_hash: str
    chunk_id: str
    source: str
    title: str
    start: int
    end: int
    page: int | None
    quote: str  # verbatim: document.text[start:end]
    boxes: tuple[Box, ...] = ()
    headings: tuple[str, ...] = ()
    locator: str = ""  # where it stands in the original, for people: "page 3", "Budget!A5:C9", "lines 12–20"

    @property
    def erased(self) -> bool:
        """Whether the quote was erased with its document and only its marker is left."""
        return not self.source


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence of an answer and what stands behind it."""

    sentence: str
    start: int  # in Answer.text
    end: int
    citations: tuple[int, ...]  # markers
    verdict: Verdict
    reason: str


ConflictKind = Literal["figure", "date", "name", "denial"]
"""What two sources differ in; ``denial``: one denies what the other says, or says the opposite."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two sources that differ."""

    citation: Citation  # the sentence; its marker is 0 where the answer does not cite it
    value: str  # as it stands there; empty where the whole sentence is meant, or it was erased
    dated: str = ""  # the date of its document as far as that tells: "2021", "2023-09-09"; empty: it does not
    dated_by: str = ""  # where that stands, as words: "in its name", "in its first lines"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sources of an answer that give different values for the same thing; no verdict on either."""

    about: str  # what both speak of, in words of the first; empty once either was erased
    kind: ConflictKind
    one: Side  # cited by the answer
    other: Side
    newer: Literal["one", "other"] | None = None  # by the dates of their documents, where both are known

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.one, self.other


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its evidence; ``text`` grows while ``status`` is ``running``."""

    text: str
    status: AnswerStatus
    evidence: tuple[Evidence, ...] = ()
    citations: tuple[Citation, ...] = ()
    contexts: tuple[ScoredChunk, ...] = ()  # everything that was sent, cited or not
    model: str = ""
    usage: Usage = Usage()
    cost_usd: float | None = None  # None: the price is not known
    error: str | None = None
    reason: str | None = None  # why it abstained, or what was left out
    trace: Mapping[str, Any] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()


FeedbackReason = Literal["wrong", "unsupported", "missing", "outdated", "other"]
"""Why an answer is not good: it is wrong; its source does not say so; something is missing; its source is outdated."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person thought of an answer."""

    good: bool
    reason: FeedbackReason | None = None  # only where it is not good
    note: str = ""  # in their own words, at most 500 characters
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation and its answer."""

    id: str
    conversation_id: str
    ordinal: int  # 0-based, in the order of asking, over all branches of the conversation
    question: str
    standalone_question: str
    created_at: float
    answer: Answer
    step: str = ""  # what is going on while running: searching, reading, writing, checking
    asked_before: AskedBefore | None = None
    parent_id: str | None = None  # the turn before it in its branch; None: it begins the conversation
    versions: tuple[str, ...] = ()  # turns that stand at its place, itself included, oldest first
    feedback: Feedback | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question to begin with, which a document answers."""

    question: str
    document_id: str
    version: int
    source: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat, kept."""

    id: str
    title: str
    collection: str
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A chat model that can be chosen, and whether it is configured."""

    name: str  # PROVIDER:NAME
    label: str
    available: bool
    note: str = ""  # what to do when it is not


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """Whether a chat model can be reached and answers."""

    name: str  # PROVIDER:NAME
    ok: bool
    detail: str  # a sentence: how long it took, or what is wrong and what to do
    seconds: float | None = None


# --- outside the flow -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DocumentText:
    """Everything that is stored of one version, for inspection and citation display."""

    document: Document
    text: str
    pages: tuple[PageSpan, ...]
    blocks: tuple[Block, ...]
    chunks: tuple[Chunk, ...]
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Original:
    """The uploaded bytes of one version."""

    path: Path
    source: str
    media_type: str
