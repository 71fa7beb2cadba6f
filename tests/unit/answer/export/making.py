"""Conversations for the tests of exports, with every construct that an answer may have."""

from __future__ import annotations

from citewise.answer.cite import _evidence as sentences_of
from citewise.types import Answer, Box, Chunk, Citation, Conversation, ScoredChunk, Turn, Usage, Verdict

QUOTE = "The tower is 31 metres high; a lamp | burns\nat dusk."
HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
VERDICTS: tuple[Verdict, ...] = ("supported", "partial", "unsupported", "not_checked")

RICH = """## The tower

It is **31 metres** high [1] and *white*. [2] The lamp burns `paraffin`.[1]

1. First of all.
2. Second, [2] with
   - a point within

| Part | Height |
| --- | --- |
| Tower | 31 m [1] |

> It was said.

```python
print("x")
```
"""
HOSTILE = (
    "See [this](http://evil.example/a) and ![that](//evil.example/b.png) <img src=x onerror=alert(1)> "
    "<http://evil.example> www.evil.example http://evil.example/c mailto:a@evil.example a@evil.example [x][y] "
    ":octocat: $\\href{http://evil.example}{x}$ <script>alert(1)</script> &lt;b&gt; [^1] \u202eneve [1]\n\n"
    "[y]: http://evil.example/d\n\n[^1]: http://evil.example/e\n\n<b>bold</b>\n\n    <i>code</i>\n\n"
    "javascript:alert(1) data:text/html,x ` ``` ~~~"
)


def citation(marker: int = 1, *, quote: str = QUOTE, source: str = "lighthouse.pdf", **changes: object) -> Citation:
    fields: dict[str, object] = {
        "marker": marker,
        "document_id": f"d{marker}",
        "version": 2,
        "content_hash": HASH,
        "chunk_id": f"c{marker}",
        "source": source,
        "title": "The lighthouse",
        "start": 100 * marker,
        "end": 100 * marker + len(quote),
        "page": 3,
        "quote": quote,
        "boxes": (Box(3, 1.5, 2.0, 3.0, 4.0),),
        "headings": ("The lighthouse", "The tower"),
        "locator": "page 3",
    }
    return Citation(**{**fields, **changes})  # type: ignore[arg-type]


def answer(text: str = RICH, *citations: Citation, **changes: object) -> Answer:
    evidence = tuple(
        type(one)(one.sentence, one.start, one.end, one.citations, VERDICTS[index % 4], f"reason {index}")
        for index, one in enumerate(sentences_of(text))
    )
    fields: dict[str, object] = {
        "text": text,
        "status": "complete",
        "evidence": evidence,
        "citations": citations or (citation(1), citation(2, source="notes/<b>tides</b>.md", page=None)),
        "contexts": (context(),),
        "model": "openai:gpt-5-mini",
        "usage": Usage(1200, 30),
        "cost_usd": 0.0123,
        "trace": {"search": {"timings_ms": {"total": 3.5}}, "degraded": ["The keyword index is being built."]},
    }
    return Answer(**{**fields, **changes})  # type: ignore[arg-type]


def context() -> ScoredChunk:
    chunk = Chunk("c1", "d1", 2, 0, 90, 190, 3, 3, ("The tower",), f"Before. {QUOTE} After.", "The lighthouse")
    return ScoredChunk(chunk, 0.9, 1, {"dense": 0.9}, "lighthouse.pdf", "The lighthouse", HASH, "page 3")


def turn(number: int = 0, given: Answer | None = None, **changes: object) -> Turn:
    fields: dict[str, object] = {
        "id": f"{number:032x}",
        "conversation_id": "c" * 32,
        "ordinal": number,
        "question": "How high is the tower?",
        "standalone_question": "How high is the tower of the lighthouse?",
        "created_at": 1_790_000_000.25,
        "answer": given or answer(),
        "parent_id": f"{number - 1:032x}" if number else None,
        "versions": (f"{number:032x}",),
    }
    return Turn(**{**fields, **changes})  # type: ignore[arg-type]


CONVERSATION = Conversation("c" * 32, "The lighthouse | its *tower*", "default", 1_790_000_000.0, 1_790_000_001.0)
