"""Pages without a browser: Streamlit's own test runner over an engine in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from citewise import serve
from citewise.types import Upload
from citewise.ui import state
from tests.unit.ui.fake_engine import FakeEngine

_TIMEOUT_S = 60
_LIBRARY = "from citewise.ui import library\nlibrary.page()\n"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    fake = FakeEngine(folder=tmp_path)
    state.set_engine(fake)  # type: ignore[arg-type]
    yield fake
    state.set_engine(None)


@pytest.fixture
def with_document(engine: FakeEngine, tmp_path: Path) -> FakeEngine:
    path = tmp_path / "handbook.pdf"
    path.write_bytes(b"%PDF-1.7 handbook")
    with path.open("rb") as file:
        engine.add([Upload("handbook.pdf", stream=file)])
    return engine


@pytest.fixture
def open_chat() -> Callable[..., AppTest]:
    def opened(**parameters: str) -> AppTest:
        app = AppTest.from_file(str(serve.SCRIPT), default_timeout=_TIMEOUT_S)
        for name, value in parameters.items():
            app.query_params[name] = value
        return app.run()

    return opened


@pytest.fixture
def open_library() -> Callable[[], AppTest]:
    return lambda: AppTest.from_string(_LIBRARY, default_timeout=_TIMEOUT_S).run()


def words(app: AppTest) -> str:
    """All HTML and Markdown that the page shows, in order."""
    return "\n".join(str(each.value) for each in [*app.html, *app.markdown, *app.error, *app.warning, *app.info])
