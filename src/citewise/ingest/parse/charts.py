"""Charts and diagrams of Office files: their figures as tables, their words as lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from citewise.ingest.limits import MAX_CHART_POINTS
from citewise.ingest.parse.compose import collapse
from citewise.ingest.parse.numbers import shown_number

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_D = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_DEEPEST = 50


def chart_tables(chart: Any) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield a chart's figures: a caption, and rows of which the first names the series.

    Series over the same categories share a table.

    Args:
        chart: Root element of a chart part.
    """
    title = _title(chart.find(f"{_C}chart/{_C}title"))
    tables: dict[tuple[str, ...], list[tuple[str, dict[int, str]]]] = {}
    for series in chart.iter(f"{_C}ser"):
        name = " ".join(_points(series.find(f"{_C}tx")).values())
        categories = _points(_first(series, "cat", "xVal"))
        values = _points(_first(series, "val", "yVal"))
        count = min(max([-1, *categories, *values]) + 1, MAX_CHART_POINTS)
        key = tuple(categories.get(index, "") for index in range(count))
        if count:
            tables.setdefault(key, []).append((name, values))
    for categories_of_table, columns in tables.items():
        rows = [["", *(name for name, _ in columns)]]
        rows += [
            [category, *(values.get(index, "") for _, values in columns)]
            for index, category in enumerate(categories_of_table)
        ]
        yield title, rows
    if title and not tables:
        yield "", [[title]]


def diagram_items(data: Any) -> Iterator[tuple[int, str]]:
    """Yield the words of a SmartArt diagram and how deep each stands in it, in order.

    Args:
        data: Root element of the diagram's data part.
    """
    points = {
        point.get("modelId"): point
        for point in data.iter(f"{_D}pt")
        if point.get("type", "node") in ("node", "asst", "doc")
    }
    children: dict[str, list[tuple[int, str]]] = {}
    for link in data.iter(f"{_D}cxn"):
        order = link.get("srcOrd") or "0"
        if link.get("type", "parOf") == "parOf" and link.get("destId") in points:
            children.setdefault(link.get("srcId"), []).append(
                (int(order) if order.isdigit() else 0, link.get("destId"))
            )
    seen: set[str] = set()
    stack = [(0, identity) for identity, point in reversed(points.items()) if point.get("type") == "doc"]
    while stack:
        depth, identity = stack.pop()
        if identity in seen:
            continue
        seen.add(identity)
        words = _words(points[identity])
        if words:
            yield max(depth - 1, 0), words
        stack += [(min(depth + 1, _DEEPEST), child) for _, child in sorted(children.get(identity, ()), reverse=True)]
    for identity, point in points.items():
        if identity not in seen and (words := _words(point)):
            yield 0, words


def _words(element: Any) -> str:
    paragraphs = ("".join(text.text or "" for text in each.iter(f"{_A}t")) for each in element.iter(f"{_A}p"))
    return collapse(" ".join(paragraphs))


def _title(element: Any) -> str:
    if element is None:
        return ""
    return _words(element) or collapse(" ".join(value.text or "" for value in element.iter(f"{_C}v")))


def _first(series: Any, *names: str) -> Any:
    found = (series.find(f"{_C}{name}") for name in names)
    return next((element for element in found if element is not None), None)


def _points(element: Any) -> dict[int, str]:
    """Return the values that a chart keeps of its sheet, by their place."""
    if element is None:
        return {}
    found: dict[int, str] = {}
    levels = list(element.iter(f"{_C}lvl")) or [element]
    for level in reversed(levels):  # categories in several levels: the widest first
        code = level.findtext(f".//{_C}formatCode") or ""
        for point in level.iter(f"{_C}pt"):
            index, value = point.get("idx") or "0", collapse(point.findtext(f"{_C}v") or "")
            if not index.isdigit() or int(index) >= MAX_CHART_POINTS:
                continue
            shown = (
                shown_number(value, point.get("formatCode") or code)
                if element.find(f".//{_C}numCache") is not None
                else value
            )
            found[int(index)] = f"{found[int(index)]} {shown}" if int(index) in found else shown
    if not found:
        found = {index: collapse(value.text or "") for index, value in enumerate(element.iter(f"{_C}v"))}
    return found
