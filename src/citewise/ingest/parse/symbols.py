"""The font Symbol, whose letters old files store as signs of their own code."""

from __future__ import annotations

# https://www.unicode.org/Public/MAPPINGS/VENDORS/ADOBE/symbol.txt
_SIGNS = " !∀#∃%&∍()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
_UPPER_SIGNS = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ ⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
_CODES = dict(enumerate(_SIGNS, 0x20)) | dict(enumerate(_UPPER_SIGNS, 0xA0))


def sign(code: int, *, font: str) -> str:
    """Return the character for a code of a font of signs; empty for one that is no text.

    Fonts other than Symbol hold bullets, arrows and pictures.

    Args:
        code: 0x20 to 0xFF, or the same in the private range from U+F000.
        font: Its name.
    """
    return _CODES.get(code & 0xFF, "") if font.lower().startswith("symbol") else ""
