from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from citewise.ui.text import escaped
from tests.unit.ui.conftest import words
from tests.unit.ui.fake_engine import FakeEngine


@pytest.fixture(params=["open_chat", "open_library"])
def opened(request: pytest.FixtureRequest) -> Callable[[], AppTest]:
    """Opens the chat, and then the library."""
    page: Callable[[], AppTest] = request.getfixturevalue(request.param)
    return page


def test_nothing_is_said_while_all_is_well(with_document: FakeEngine, opened: Callable[[], AppTest]) -> None:
    app = opened()
    assert not app.exception
    assert not app.warning
    assert "Answers go on as before" not in words(app)


def test_a_start_is_no_cause_for_alarm(with_document: FakeEngine, opened: Callable[[], AppTest]) -> None:
    with_document.change_index(state="opening", detail="The index is being opened.")
    assert not opened().warning


def test_a_damaged_index_is_told_with_how_far_its_repair_is(
    with_document: FakeEngine, opened: Callable[[], AppTest]
) -> None:
    with_document.change_index(
        state="degraded", detail="The index is damaged and is being built anew: Words are missing."
    )
    job = with_document.index_job("rebuild")
    with_document.index_job_now(job.id)
    (warning,) = opened().warning
    assert warning.value == escaped(
        "The index is damaged and is being built anew (step 3 of 4: verifying, 1 of 48 chunks, 2 %). "
        "Until it is whole, answers come by exact search over the stored text."
    )


def test_work_on_a_whole_index_is_told_without_alarm(with_document: FakeEngine, opened: Callable[[], AppTest]) -> None:
    job = with_document.index_job("reembed")
    with_document.index_job_now(job.id)
    app = opened()
    assert not app.warning
    assert (
        "Embedding everything anew (step 1 of 4: embedding, 1 of 40 documents, 2 %). Answers go on as before."
        in words(app)
    )


def test_the_banner_goes_when_the_work_is_over(with_document: FakeEngine, opened: Callable[[], AppTest]) -> None:
    job = with_document.index_job("rebuild")
    app = opened()
    assert "Answers go on as before" in words(app)
    with_document.cancel_index_job(job.id)
    with_document.index_job_now(job.id)
    assert "Answers go on as before" not in words(app.run())
