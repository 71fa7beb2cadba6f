"""Plots of an evaluation as SVG text: no script, no network, colours from the page's own ``--`` variables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH = 640  # of the drawing's own units; it scales with its page
_LABELS = 210
_ROW = 26
_TEXT = 'font-size="13" dominant-baseline="central"'
RANKS = ((1, 1, "1st"), (2, 3, "2nd–3rd"), (4, 5, "4th–5th"), (6, 10, "6th–10th"), (11, 10**9, "later"))


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure with its interval."""

    label: str
    value: float
    low: float
    high: float


def bars(title: str, values: Sequence[Bar]) -> str:
    """Draw figures between 0 and 1, each with its interval."""
    room = _WIDTH - _LABELS - 60
    rows = []
    for number, bar in enumerate(values):
        middle = _ROW * number + _ROW / 2
        left, right = (_LABELS + room * min(1.0, max(0.0, edge)) for edge in (bar.low, bar.high))
        rows.append(
            f'<text x="{_LABELS - 8}" y="{middle}" text-anchor="end" {_TEXT}>{escape(_short(bar.label))}</text>'
            f'<rect class="bar" x="{_LABELS}" y="{middle - 8}" width="{room * min(1.0, max(0.0, bar.value)):.1f}" '
            f'height="16" rx="2"/><path class="whisker" d="M{left:.1f} {middle}H{right:.1f}"/>'
            f'<text x="{_WIDTH - 52}" y="{middle}" {_TEXT}>{bar.value:.3f}</text>'
        )
    said = "; ".join(f"{bar.label}: {bar.value:.3f} ({bar.low:.3f} to {bar.high:.3f})" for bar in values)
    return _drawing(title, said, _ROW * len(values), "".join(rows))


def differences(title: str, values: Sequence[Bar], *, less_is_better: Collection[str] = ()) -> str:
    """Draw differences around 0, each with its interval; coloured where that leaves out 0.

    Args:
        title: Above the plot.
        values: One for each figure.
        less_is_better: Labels of figures of what went wrong.
    """
    reach = max([0.01, *(abs(edge) for bar in values for edge in (bar.low, bar.high))])
    room = _WIDTH - _LABELS - 80
    centre = _LABELS + room / 2

    def at(value: float) -> float:
        return centre + value / reach * room / 2

    height = _ROW * len(values)
    rows = [f'<path class="zero" d="M{centre:.1f} 0V{height}"/>']
    for number, bar in enumerate(values):
        middle = _ROW * number + _ROW / 2
        good, bad = ("bad", "good") if bar.label in less_is_better else ("good", "bad")
        css = good if bar.low > 0 else bad if bar.high < 0 else "open"
        rows.append(
            f'<text x="{_LABELS - 8}" y="{middle}" text-anchor="end" {_TEXT}>{escape(_short(bar.label))}</text>'
            f'<path class="whisker {css}" d="M{at(bar.low):.1f} {middle}H{at(bar.high):.1f}"/>'
            f'<circle class="dot {css}" cx="{at(bar.value):.1f}" cy="{middle}" r="5"/>'
            f'<text x="{_WIDTH - 72}" y="{middle}" {_TEXT}>{bar.value:+.3f}</text>'
        )
    said = "; ".join(f"{bar.label}: {bar.value:+.3f} ({bar.low:+.3f} to {bar.high:+.3f})" for bar in values)
    return _drawing(title, said, height, "".join(rows))


def first_ranks(title: str, runs: Sequence[tuple[str, Sequence[int | None]]]) -> str:
    """Draw for each run where the first right hit stood, as shares of its questions."""
    room = _WIDTH - _LABELS - 10
    rows = []
    said = []
    for number, (label, ranks) in enumerate(runs):
        middle = _ROW * number + _ROW / 2
        rows.append(f'<text x="{_LABELS - 8}" y="{middle}" text-anchor="end" {_TEXT}>{escape(_short(label))}</text>')
        left = float(_LABELS)
        parts = []
        for step, (name, count) in enumerate(ranks_by_step(ranks)):
            width = room * count / max(1, len(ranks))
            rows.append(
                f'<rect class="step{step}" x="{left:.1f}" y="{middle - 8}" width="{width:.1f}" height="16">'
                f"<title>{escape(label)}, {name}: {count}</title></rect>"
            )
            left += width
            parts.append(f"{name} {count}")
        said.append(f"{label}: {', '.join(parts)}")
    key = _ROW * len(runs) + _ROW / 2
    names = [name for name, _ in ranks_by_step(())]
    for step, name in enumerate(names):
        left = 10 + step * (_WIDTH - 20) / len(names)
        rows.append(
            f'<rect class="step{step}" x="{left:.1f}" y="{key - 6}" width="12" height="12"/>'
            f'<text x="{left + 17:.1f}" y="{key}" {_TEXT}>{name}</text>'
        )
    return _drawing(title, "; ".join(said), _ROW * (len(runs) + 1), "".join(rows))


def ranks_by_step(ranks: Sequence[int | None]) -> list[tuple[str, int]]:
    """Count how often the first right hit stood where; names and counts in order, the last those not found."""
    counted = [(name, sum(rank is not None and low <= rank <= high for rank in ranks)) for low, high, name in RANKS]
    return [*counted, ("not found", sum(rank is None for rank in ranks))]


def _short(label: str) -> str:
    return label if len(label) <= 30 else f"{label[:29]}…"


def _drawing(title: str, said: str, height: float, content: str) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(f"{title}. {said}", quote=True)}">{content}</svg></figure>'
    )
