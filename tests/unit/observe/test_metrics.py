from __future__ import annotations

from citewise.observe.metrics import Metrics, metrics


def test_what_happened_can_be_read_from_the_page() -> None:
    figures = Metrics()
    figures.document_ended("ready", pages=3, chunks=7)
    figures.document_ended("failed")
    figures.texts_embedded(7)
    figures.ingest_stage("parsing", 0.2)
    figures.search_ended({"total": 12.0, "dense": 4.0})
    figures.answer_ended("complete", timings_ms={"total": 900.0}, input_tokens=10, output_tokens=4)
    figures.answer_rated(good=False, reason="wrong")
    page = figures.render().decode()
    for line in (
        'citewise_documents_total{outcome="ready"} 1.0',
        'citewise_documents_total{outcome="failed"} 1.0',
        "citewise_pages_total 3.0",
        "citewise_chunks_total 7.0",
        "citewise_embedded_texts_total 7.0",
        'citewise_ingest_seconds_count{stage="parsing"} 1.0',
        'citewise_search_seconds_sum{stage="dense"} 0.004',
        'citewise_answers_total{status="complete"} 1.0',
        'citewise_model_tokens_total{direction="output"} 4.0',
        'citewise_ratings_total{good="false",reason="wrong"} 1.0',
    ):
        assert line in page


def test_a_job_counts_as_running_only_while_it_runs_even_if_it_fails() -> None:
    figures = Metrics()
    running = 'citewise_jobs_running{kind="ingest"}'
    try:
        with figures.job("ingest"):
            assert f"{running} 1.0" in figures.render().decode()
            raise RuntimeError("cut")
    except RuntimeError:
        pass
    assert f"{running} 0.0" in figures.render().decode()


def test_two_sets_of_figures_do_not_share_counts() -> None:
    first, second = Metrics(), Metrics()
    first.texts_embedded(5)
    assert "citewise_embedded_texts_total 0.0" in second.render().decode()


def test_a_process_has_one_set_of_figures() -> None:
    assert metrics() is metrics()
