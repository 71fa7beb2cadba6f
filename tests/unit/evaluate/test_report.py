from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from citewise.evaluate.intervals import compare_runs
from citewise.evaluate.report import render


def report(name: str, ranks: list[int | None]) -> dict[str, Any]:
    rows = [
        {
            "id": str(number),
            "question": f"<b>Question {number}</b>",
            "answerable": True,
            "scores": {"mrr@10": 1 / rank if rank else 0.0},
            "rank": rank,
            "why": None if rank else "Not found & lost.",
        }
        for number, rank in enumerate(ranks)
    ]
    return {
        "name": name,
        "dataset": "harbour & <tide>",
        "questions": len(rows),
        "complete": True,
        "k": 10,
        "metrics": {"answerable": len(rows), "mrr@10": sum(row["scores"]["mrr@10"] for row in rows) / len(rows)},
        "by_kind": {"fact": {"recall@5": 0.5}},
        "timings_ms": {"mean": 4.0, "p95": 9.0},
        "failures": [row for row in rows if row["why"]],
        "per_question": rows,
    }


class Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_needs_nothing_else_and_no_word_of_a_document_is_markup() -> None:
    runs = [report("size=120", [1, None, 2]), report("size=200", [1, 1, 3])]
    html = render(runs, [compare_runs(*runs)])
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    assert checker.links == []
    assert not {"script", "link", "img", "b"} & set(checker.tags)
    assert not re.search(r"url\(|@import|https?://", html)
    assert checker.tags.count("svg") == 3
    assert "harbour &amp; &lt;tide&gt;" in html
    assert "&lt;b&gt;Question 1&lt;/b&gt;" in html
    assert "size=200 beside size=120" in html
    assert "Not found &amp; lost." in html


def test_one_run_alone_is_a_report_too() -> None:
    html = render([report("as set", [None])])
    assert "beside" not in html
    assert html.count("<svg") == 2
