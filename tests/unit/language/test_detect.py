from __future__ import annotations

import pytest

from citewise.language.detect import LANGUAGES, detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The pump is stopped when the pressure falls.", "en"),
        ("Die Pumpe wird angehalten, wenn der Druck fällt.", "de"),
        ("La pompe est arrêtée quand la pression baisse.", "fr"),
        ("La bomba se detiene cuando la presión baja y no sube.", "es"),
        ("La pompa viene fermata quando la pressione scende, ma non è rotta.", "it"),
        ("A bomba é parada quando a pressão não sobe mais.", "pt"),
        ("De pomp wordt gestopt als de druk niet meer hoog is.", "nl"),
        ("Pumppu on pysäytetty ja paine ei nouse, mutta se toimii.", "fi"),
        ("Насос останавливается, когда давление падает.", "ru"),
        ("تتوقف المضخة عندما ينخفض الضغط.", "ar"),
        ("Η αντλία σταματά όταν πέφτει η πίεση.", "el"),
        ("机器学习很有用。", None),
        ("TS-999 | 12 | 4.50", None),
        ("Warranty", None),
        ("", None),
    ],
)
def test_the_language_shows_by_script_and_frequent_words(text: str, language: str | None) -> None:
    assert detect(text) == language
    assert language is None or language in LANGUAGES
