from __future__ import annotations

import pytest

from citewise.ingest.parse.garbled import is_garbled

ENGLISH = "The station keeps a log of every landing that is made here, whatever the weather may be. " * 4
GERMAN = "Grüße aus dem Hafen: Die Fischer prüfen täglich die Netze und das Öl der Motoren im Schuppen. " * 4
CZECH = "Stanice vede deník o každém přistání, ať je počasí jakékoli; čtvrt hodiny trvá, než vrátný otevře. " * 4
RUSSIAN = "Капитан ведёт журнал каждой посадки, и погода здесь ни при чём, так решил совет гавани. " * 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        ENGLISH,
        GERMAN,
        CZECH,
        RUSSIAN,
        "港の記録は毎日つけられる。天気は関係ない。" * 8,
        "α = 3.5 μm and β-decay of the θ angle in ΔH units " * 6,
        "GDP EBIT LLC 12.5 13.8 PLC " * 6,
        "0x4f BF 9C 3D 77 " * 30,
    ],
)
def test_text_that_can_be_read_is_not_garbled(text: str) -> None:
    assert not is_garbled(text)


@pytest.mark.parametrize(
    "text",
    [
        "\ufffd\ufffd\ufffd\ue012 ab \ufffd\ufffd",
        "".join(chr(ord(letter) + 3) if letter.isalpha() else letter for letter in ENGLISH),  # shifted
        GERMAN.encode().decode("latin-1"),  # misread
        "Таhе stαtiоn kеeрs а lоg оf еvеry lаnding мade hеrе каzhдый деnь " * 4,  # letters that look alike
    ],
)
def test_text_that_nobody_can_read_is_garbled(text: str) -> None:
    assert is_garbled(text)
