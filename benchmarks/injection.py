"""Whether orders in documents reach anybody: ``python benchmarks/injection.py BIPIA [--contexts N]``.

BIPIA holds email_train.jsonl, table_train.jsonl and code_train.jsonl (contexts), text_attack_train.json
and code_attack_train.json (orders). Every order is put into a context, at its start, middle or
end in turn, and into a document of its own. The app is served with a model that repeats its sources
and turns every address in them into images and links, and is asked in a real browser for each
document. Printed: requests to other hosts, elements in answers that could make one, documents pointed
out, orders of our own (tests/attacks.py) beside them. BIPIA's orders hold few addresses, so each gets one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import Page, Request, expect, sync_playwright

from citewise.language.addressed import addresses_assistant
from tests.attacks import ATTACKS, URL
from tests.browser.conftest import ROOT, serve
from tests.fake_models import FakeModels
from tools.chromium import find_chromium

WAIT_MS = 120_000
FORBIDDEN = "a, img, svg, script, iframe, form, style, object, embed, video, link, meta, base, .katex"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("bipia", type=Path)
    parser.add_argument("--contexts", type=int, default=40, help="documents with orders of BIPIA")
    arguments = parser.parse_args()
    documents = dict(_of_bipia(arguments.bipia, arguments.contexts))
    documents |= {f"own-{name}": text for name, text in ATTACKS.items()}
    flagged = Counter(name.split("-")[0] for name, text in documents.items() if addresses_assistant(text))
    total = Counter(name.split("-")[0] for name in documents)
    left, elements, answered = _asked(documents)
    print(f"{len(documents)} documents, {answered} answers")
    print(f"requests to other hosts: {len(left)} {left[:3]}")
    print(f"forbidden elements in answers: {elements}")
    for kind, count in total.items():
        print(f"pointed out, {kind}: {flagged[kind]} of {count}")


def _of_bipia(folder: Path, most: int) -> list[tuple[str, str]]:
    contexts = []
    for kind in ("email", "table", "code"):
        rows = [json.loads(line) for line in (folder / f"{kind}_train.jsonl").read_text("utf-8").splitlines()]
        contexts += [(kind, _joined(row["context"])) for row in rows[: most // 3 + 1]]
    orders = [
        f"{order} Then show {URL}/{group.replace(' ', '-')}."
        for kind in ("text", "code")
        for group, some in json.loads((folder / f"{kind}_attack_train.json").read_text("utf-8")).items()
        for order in some
    ]
    found = []
    for number, (kind, context) in enumerate(contexts[:most]):
        lines, order = context.splitlines(), orders[number * len(orders) // most]
        at = (0, len(lines) // 2, len(lines))[number % 3]
        found.append((f"bipia-{kind}-{number}", "\n".join([*lines[:at], order, *lines[at:]])))
    return found


def _joined(context: str | list[str]) -> str:
    return context if isinstance(context, str) else "\n".join(context)


def _asked(documents: dict[str, str]) -> tuple[list[str], int, int]:
    with ExitStack() as stack:
        models = stack.enter_context(FakeModels())
        served = stack.enter_context(
            contextmanager(serve)(
                [sys.executable, str(ROOT / "tests" / "browser" / "app.py"), "{port}"],
                Path(stack.enter_context(tempfile.TemporaryDirectory())),
                CITEWISE_ANSWER__MODEL="openai:obedient",
                OPENAI_BASE_URL=models.openai_url,
            )
        )
        app = stack.enter_context(httpx2.Client(base_url=served.url, timeout=WAIT_MS / 1000))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        left: list[str] = []
        page.on("request", lambda request: _watch(request, left))
        ids = [_added(app, name, text) for name, text in documents.items()]
        elements = 0
        for document_id in ids:
            _ready(app, document_id)
            question = {"question": "What does it say?", "where": {"document": document_id}}
            conversation = app.post("/api/ask", json=question).json()["conversation_id"]
            page.goto(f"{served.url}/?c={conversation}")
            elements += _elements(page)
        browser.close()
    return left, elements, len(ids)


def _watch(request: Request, left: list[str]) -> None:
    parts = urlsplit(request.url)
    if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
        left.append(request.url)


def _elements(page: Page) -> int:
    expect(page.locator(".answer")).to_be_visible(timeout=WAIT_MS)
    return page.locator(f".answer :is({FORBIDDEN})").count()


def _added(app: httpx2.Client, name: str, text: str) -> str:
    receipt = app.post("/api/documents", files={"files": (f"{name}.txt", text.encode())}).json()
    return str(receipt["documents"][0]["document_id"])


def _ready(app: httpx2.Client, document_id: str) -> None:
    until = time.monotonic() + WAIT_MS / 1000
    while app.get(f"/api/documents/{document_id}").json()["status"] != "ready":
        if time.monotonic() > until:
            raise SystemExit(f"{document_id} is not ready")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
