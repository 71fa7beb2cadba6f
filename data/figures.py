"""The drawings of the sample library, as vector graphics.

Each function takes nothing and returns a drawing 460 points wide or less. Numbers that
the documents also state in tables are repeated here on purpose: a figure shows them, it
does not define them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from reportlab.graphics.shapes import Circle, Drawing, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor

INK = HexColor("#1d2a33")
SEA = HexColor("#dcebf1")
LAND = HexColor("#c9d3a5")
SHORE = HexColor("#7c8a55")
BLUE = HexColor("#1f5f85")
ORANGE = HexColor("#d9722b")
GREY = HexColor("#8a969c")
PALE = HexColor("#f3f0e6")
RED = HexColor("#b3322c")

Point = tuple[float, float]


def _label(
    drawing: Drawing, x: float, y: float, text: str, *, size: float = 8, anchor: str = "middle", colour: Color = INK
) -> None:
    drawing.add(
        String(x, y, text, fontName="Helvetica", fontSize=size, textAnchor=anchor, fillColor=colour, strokeColor=None)
    )


def _box(drawing: Drawing, corner: Point, size: Point, lines: Sequence[str], fill: Color = PALE) -> None:
    (x, y), (width, height) = corner, size
    drawing.add(Rect(x, y, width, height, rx=4, ry=4, fillColor=fill, strokeColor=INK, strokeWidth=0.8))
    top = y + height / 2 + 5 * (len(lines) - 1) - 3
    for number, line in enumerate(lines):
        _label(drawing, x + width / 2, top - 10 * number, line)


def _arrow(drawing: Drawing, start: Point, end: Point, colour: Color = INK) -> None:
    drawing.add(Line(*start, *end, strokeColor=colour, strokeWidth=1.1))
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    left, right = angle + 2.7, angle - 2.7
    points = [*end]
    for side in (left, right):
        points += [end[0] + 6 * math.cos(side), end[1] + 6 * math.sin(side)]
    drawing.add(Polygon(points, fillColor=colour, strokeColor=colour))


def _isle(drawing: Drawing, centre: Point, size: Point, phase: float) -> None:
    (x, y), (width, height) = centre, size
    points: list[float] = []
    for step in range(36):
        angle = step * math.tau / 36
        wobble = 1 + 0.13 * math.sin(3 * angle + phase) + 0.07 * math.sin(7 * angle + 2 * phase)
        points += [x + width / 2 * wobble * math.cos(angle), y + height / 2 * wobble * math.sin(angle)]
    drawing.add(Polygon(points, fillColor=LAND, strokeColor=SHORE, strokeWidth=1.2))


def map_of_the_isles() -> Drawing:
    drawing = Drawing(460, 300)
    drawing.add(Rect(0, 0, 460, 300, fillColor=SEA, strokeColor=INK))
    _isle(drawing, (190, 165), (130, 105), 0.4)
    _isle(drawing, (318, 92), (84, 62), 1.9)
    _isle(drawing, (300, 226), (84, 44), 3.1)
    _isle(drawing, (193, 78), (44, 28), 4.0)
    _isle(drawing, (66, 232), (34, 30), 5.2)
    _isle(drawing, (78, 120), (20, 16), 0.9)
    drawing.add(Line(192, 93, 191, 104, strokeColor=INK, strokeWidth=1.4, strokeDashArray=[1, 3]))
    for x, y, text in (
        (190, 168, "GREAT TARROCK"),
        (318, 92, "ENNISHOLM"),
        (300, 226, "LITTLE TARROCK"),
        (193, 75, "THE CALF"),
        (66, 207, "MAIDEN STACK"),
        (78, 100, "SKUA ROCK"),
    ):
        _label(drawing, x, y, text, size=7.5)
    for x, y in ((140, 196), (78, 121), (322, 66)):
        drawing.add(Circle(x, y, 3.4, fillColor=ORANGE, strokeColor=INK, strokeWidth=0.6))
    _label(drawing, 160, 196, "Beacon Point light", size=6.5, anchor="start")
    _label(drawing, 330, 50, "South light", size=6.5, anchor="start")
    for x, y, text, anchor in (
        (270, 176, "North Haven", "start"),
        (129, 150, "Kelp Gut", "end"),
        (362, 106, "Manse Pier", "start"),
        (350, 224, "Spit Beach", "start"),
        (206, 102, "the Hause", "start"),
    ):
        _label(drawing, x, y, text, size=6.5, anchor=anchor, colour=BLUE)
    for x, y in ((264, 178), (134, 152), (357, 108), (344, 226)):
        drawing.add(Circle(x, y, 1.8, fillColor=BLUE, strokeColor=BLUE))
    _label(drawing, 110, 133, "the Kettle", size=7, colour=RED)
    _label(drawing, 372, 72, "the Cutler", size=7, anchor="start", colour=RED)
    drawing.add(PolyLine([366, 74, 360, 70, 354, 72, 348, 68], strokeColor=RED, strokeWidth=1.6))
    _arrow(drawing, (425, 172), (456, 172))
    _label(drawing, 424, 178, "Port Ennis, 12 miles", size=6.5)
    _arrow(drawing, (432, 240), (432, 280))
    _label(drawing, 432, 284, "N", size=9)
    drawing.add(Line(20, 20, 110, 20, strokeColor=INK, strokeWidth=2))
    _label(drawing, 65, 26, "one nautical mile", size=6.5)
    return drawing


def _axes(
    drawing: Drawing,
    box: tuple[float, float, float, float],
    y_range: tuple[float, float],
    ticks: Sequence[float],
    unit: str,
) -> Callable[[float], float]:
    """Draw the frame of a chart and return the function from a value to its height."""
    x, y, width, height = box
    low, high = y_range

    def place(value: float) -> float:
        return y + (value - low) / (high - low) * height

    for tick in ticks:
        drawing.add(Line(x, place(tick), x + width, place(tick), strokeColor=HexColor("#d5dade"), strokeWidth=0.5))
        _label(drawing, x - 5, place(tick) - 3, f"{tick:g}", anchor="end", size=7.5)
    drawing.add(Line(x, y, x, y + height, strokeColor=INK))
    drawing.add(Line(x, y, x + width, y, strokeColor=INK))
    _label(drawing, x, y + height + 8, unit, anchor="start", size=7.5)
    return place


def _legend(drawing: Drawing, x: float, y: float, entries: Sequence[tuple[str, Color]]) -> None:
    for number, (text, colour) in enumerate(entries):
        drawing.add(
            Rect(x + 120 * number, y, 9, 9, fillColor=colour, strokeColor=None),
        )
        _label(drawing, x + 120 * number + 14, y + 1, text, anchor="start")


def _lines(
    drawing: Drawing, xs: Sequence[float], series: Sequence[tuple[Sequence[float], Color]], place: Callable
) -> None:
    for values, colour in series:
        points = [number for x, value in zip(xs, values, strict=True) for number in (x, place(value))]
        drawing.add(PolyLine(points, strokeColor=colour, strokeWidth=1.8))
        for x, value in zip(xs, values, strict=True):
            drawing.add(Circle(x, place(value), 2.4, fillColor=colour, strokeColor=colour))


def kettle() -> Drawing:
    drawing = Drawing(440, 190)
    place = _axes(drawing, (40, 30, 380, 130), (-6, 6), (-6, -4, -2, 0, 2, 4, 6), "knots, north-east-going is positive")
    springs = (-3.0, -1.2, 1.0, 3.4, 4.9, 5.2, 4.1, 2.0, -0.3, -2.6, -4.4, -4.8, -3.6)
    neaps = (-1.4, -0.5, 0.4, 1.5, 2.2, 2.4, 1.9, 0.9, -0.1, -1.2, -2.0, -2.1, -1.6)
    xs = [55 + 29 * step for step in range(13)]
    for limit in (2, -2):
        drawing.add(Line(40, place(limit), 420, place(limit), strokeColor=RED, strokeWidth=0.9, strokeDashArray=[4, 3]))
    _lines(drawing, xs, ((springs, BLUE), (neaps, ORANGE)), place)
    for hour, x in zip(range(-6, 7), xs, strict=True):
        _label(drawing, x, 19, "HW" if hour == 0 else f"{hour:+d}", size=7.5)
    _legend(drawing, 150, 3, (("springs", BLUE), ("neaps", ORANGE)))
    return drawing


def transit() -> Drawing:
    drawing = Drawing(440, 170)
    drawing.add(Rect(0, 0, 440, 170, fillColor=SEA, strokeColor=INK))
    drawing.add(Polygon([0, 0, 0, 170, 120, 170, 105, 130, 118, 96, 96, 60, 108, 0], fillColor=LAND, strokeColor=SHORE))
    drawing.add(Rect(112, 84, 66, 7, fillColor=GREY, strokeColor=INK, strokeWidth=0.6))
    drawing.add(Rect(40, 92, 30, 20, fillColor=PALE, strokeColor=INK))
    drawing.add(Rect(64, 94, 6, 9, fillColor=RED, strokeColor=INK, strokeWidth=0.5))
    drawing.add(Circle(176, 91, 4, fillColor=HexColor("#ffffff"), strokeColor=INK))
    drawing.add(Line(70, 98, 430, 70, strokeColor=INK, strokeWidth=1, strokeDashArray=[6, 4]))
    _arrow(drawing, (330, 77.8), (270, 82.4))
    drawing.add(Polygon([230, 24, 262, 32, 300, 26, 288, 15, 246, 13], fillColor=RED, strokeColor=RED))
    _label(drawing, 266, 38, "the Cutler", colour=RED)
    _label(drawing, 55, 118, "kirk, red door")
    _label(drawing, 182, 102, "white beacon on the pier head", anchor="start")
    _label(drawing, 345, 84, "284 degrees", anchor="start")
    _label(drawing, 145, 72, "Manse Pier", size=7)
    _arrow(drawing, (408, 122), (408, 152))
    _label(drawing, 408, 156, "N")
    return drawing


def tide() -> Drawing:
    drawing = Drawing(440, 180)
    place = _axes(drawing, (40, 32, 380, 120), (0, 5), (0, 1, 2, 3, 4, 5), "height of tide, m")

    def at(hour: float) -> float:
        return 40 + (hour - 6) / 13 * 380

    drawing.add(
        Rect(at(11 + 35 / 60), 32, at(13.75) - at(11 + 35 / 60), 120, fillColor=HexColor("#f3dcc3"), strokeColor=None)
    )
    points: list[float] = []
    for step in range(131):
        hour = 6 + step / 10
        height = 2.65 - 1.95 * math.cos((hour - 12 - 40 / 60) / 12.42 * math.tau)
        points += [at(hour), place(height)]
    drawing.add(PolyLine(points, strokeColor=BLUE, strokeWidth=2))
    drawing.add(Line(40, place(1.3), 420, place(1.3), strokeColor=RED, strokeWidth=0.9, strokeDashArray=[4, 3]))
    _label(drawing, 46, place(1.3) + 3, "Hause begins to uncover, 1.3 m", anchor="start", size=7, colour=RED)
    for hour in range(6, 20):
        _label(drawing, at(hour), 20, f"{hour:02d}:00" if hour % 2 == 0 else "", size=7.5)
    _label(drawing, 230, 5, "local time")
    return drawing


def lantern() -> Drawing:
    drawing = Drawing(440, 260)
    stone = HexColor("#d9d5c7")
    drawing.add(Polygon([150, 0, 290, 0, 272, 120, 168, 120], fillColor=stone, strokeColor=INK))
    drawing.add(Rect(150, 120, 140, 8, fillColor=GREY, strokeColor=INK))
    drawing.add(Rect(178, 128, 84, 80, fillColor=HexColor("#eef6f9"), strokeColor=INK))
    drawing.add(Polygon([172, 208, 268, 208, 220, 246], fillColor=GREY, strokeColor=INK))
    drawing.add(Line(220, 246, 220, 258, strokeColor=INK, strokeWidth=1.5))
    drawing.add(Polygon([204, 140, 236, 140, 244, 168, 236, 196, 204, 196, 196, 168], fillColor=SEA, strokeColor=BLUE))
    for y in (160, 176):
        drawing.add(Circle(220, y, 5, fillColor=ORANGE, strokeColor=INK))
    for x in (128, 296):
        drawing.add(Rect(x, 122, 16, 34, fillColor=BLUE, strokeColor=INK))
    for x in (182, 224):
        drawing.add(Rect(x, 14, 34, 24, fillColor=PALE, strokeColor=INK))
    drawing.add(Rect(200, 66, 40, 26, fillColor=PALE, strokeColor=INK))
    drawing.add(Circle(266, 214, 4, fillColor=RED, strokeColor=INK))
    drawing.add(Line(220, 92, 220, 140, strokeColor=RED, strokeWidth=1))
    drawing.add(Line(220, 38, 220, 66, strokeColor=RED, strokeWidth=1))
    for text, target, end, anchor in (
        ("A  twin LED heads", (225, 176), (330, 190), "start"),
        ("B  photocell", (270, 214), (330, 226), "start"),
        ("C  lens", (198, 184), (110, 196), "end"),
        ("D  controller", (240, 79), (330, 84), "start"),
        ("E  batteries, two strings", (258, 26), (330, 26), "start"),
        ("F  solar panels", (128, 140), (96, 140), "end"),
    ):
        drawing.add(Line(*target, *end, strokeColor=INK, strokeWidth=0.5))
        _label(drawing, end[0] + (4 if anchor == "start" else -4), end[1] - 3, text, anchor=anchor)
    return drawing


def power() -> Drawing:
    drawing = Drawing(440, 190)
    for y, lines in (
        (150, ("Solar panels", "14.4 kWp")),
        (104, ("Wind turbine", "6 kW")),
        (58, ("G2, 22 kVA", "starts itself")),
        (12, ("G1, 16 kVA", "starts by hand")),
    ):
        _box(drawing, (5, y), (92, 34), lines)
        _arrow(drawing, (97, y + 17), (162, 100 + (y - 81) * 0.25))
    _box(drawing, (165, 72), (90, 52), ("Changeover", "and inverter", "48 V"), SEA)
    _box(drawing, (165, 150), (90, 34), ("Battery", "60 kWh"), SEA)
    _arrow(drawing, (203, 124), (203, 149))
    _arrow(drawing, (217, 150), (217, 125))
    for y, lines in (
        (150, ("Radio, fire panel, samples", "never switched off")),
        (104, ("Kitchen, dormitory, office", "by load-shedding order")),
        (58, ("Drying room, water heater", "first to be switched off")),
        (12, ("Tower charger, 4.8 kWh battery", "Beacon Point light")),
    ):
        _box(drawing, (308, y), (128, 34), lines)
        _arrow(drawing, (255, 100 + (y - 81) * 0.25), (307, y + 17))
    return drawing


def counts() -> Drawing:
    drawing = Drawing(440, 180)
    place = _axes(drawing, (40, 32, 380, 120), (70, 110), (70, 80, 90, 100, 110), "per cent of 2018")
    years = (2018, 2019, 2021, 2022, 2023)
    xs = [60 + (year - 2018) * 68 for year in years]
    puffins = [100 * value / 6120 for value in (6120, 6340, 6015, 5870, 6410)]
    kittiwakes = [100 * value / 1284 for value in (1284, 1190, 1142, 1068, 1121)]
    _lines(drawing, xs, ((puffins, ORANGE), (kittiwakes, BLUE)), place)
    for year in range(2018, 2024):
        _label(drawing, 60 + (year - 2018) * 68, 20, str(year))
    _label(drawing, 196, 40, "no count", size=7, colour=GREY)
    _legend(drawing, 150, 3, (("puffin", ORANGE), ("kittiwake", BLUE)))
    return drawing


def visitors() -> Drawing:
    drawing = Drawing(440, 170)
    place = _axes(drawing, (40, 24, 380, 120), (0, 5000), (0, 1000, 2000, 3000, 4000, 5000), "day visitors")
    values = ((2018, 4530), (2019, 4812), (2020, 0), (2021, 2940), (2022, 3985), (2023, 4377))
    for number, (year, value) in enumerate(values):
        x = 58 + number * 62
        drawing.add(Rect(x, 24, 36, place(value) - 24, fillColor=BLUE, strokeColor=None))
        _label(drawing, x + 18, 12, str(year))
        _label(drawing, x + 18, place(value) + 3, f"{value:,}" if value else "closed", size=7.5)
    return drawing


def success() -> Drawing:
    drawing = Drawing(440, 180)
    place = _axes(drawing, (40, 32, 380, 120), (0, 0.8), (0, 0.2, 0.4, 0.6, 0.8), "chicks for each pair")
    xs = [60 + (year - 2018) * 68 for year in (2018, 2019, 2021, 2022, 2023)]
    series = (
        ((0.71, 0.66, 0.58, 0.49, 0.69), ORANGE),
        ((0.52, 0.38, 0.44, 0.31, 0.63), BLUE),
        ((0.40, 0.22, 0.61, 0.04, 0.47), RED),
    )
    _lines(drawing, xs, series, place)
    for year in range(2018, 2024):
        _label(drawing, 60 + (year - 2018) * 68, 20, str(year))
    _legend(drawing, 60, 3, (("puffin", ORANGE), ("kittiwake", BLUE), ("Arctic tern", RED)))
    return drawing


def money() -> Drawing:
    drawing = Drawing(440, 150)
    entries = (
        ("Staff", 46),
        ("Boats", 18),
        ("Lights and power", 13),
        ("Monitoring, biosecurity", 12),
        ("Buildings", 6),
        ("Office, insurance", 4),
    )
    for number, (text, pence) in enumerate(entries):
        y = 126 - number * 23
        _label(drawing, 122, y + 3, text, anchor="end")
        drawing.add(Rect(130, y, pence * 5.6, 14, fillColor=BLUE, strokeColor=None))
        _label(drawing, 136 + pence * 5.6, y + 3, f"{pence}p", anchor="start")
    return drawing


def skua_power() -> Drawing:
    drawing = Drawing(225, 120)
    place = _axes(drawing, (26, 22, 195, 80), (70, 100), (70, 80, 90, 100), "per cent")
    values = (94, 96, 98, 97, 99, 100, 98, 97, 95, 97, 96, 94, 90, 86, 83, 81, 87, 93, 97, 99, 100)
    points = [number for day, value in enumerate(values) for number in (30 + day * 9.3, place(value))]
    drawing.add(PolyLine(points, strokeColor=BLUE, strokeWidth=1.6))
    for day, text in ((0, "21 Mar"), (7, "28 Mar"), (14, "4 Apr"), (20, "10 Apr")):
        _label(drawing, 30 + day * 9.3 + (6 if day == 0 else -6 if day == 20 else 0), 11, text, size=6.5)
    return drawing


def cover() -> Drawing:
    drawing = Drawing(460, 300)
    drawing.add(Rect(0, 0, 460, 300, fillColor=HexColor("#17384a"), strokeColor=None))
    for tip in ((460, 296), (460, 232), (0, 290), (0, 226)):
        drawing.add(Polygon([230, 236, *tip, tip[0], tip[1] - 34], fillColor=HexColor("#2f5b70"), strokeColor=None))
    drawing.add(Polygon([214, 84, 246, 84, 240, 222, 220, 222], fillColor=PALE, strokeColor=None))
    drawing.add(Rect(214, 222, 32, 5, fillColor=INK, strokeColor=None))
    drawing.add(Rect(222, 227, 16, 20, fillColor=HexColor("#f6d77a"), strokeColor=None))
    drawing.add(Polygon([219, 247, 241, 247, 230, 262], fillColor=INK, strokeColor=None))
    drawing.add(Polygon([90, 60, 150, 92, 214, 86, 262, 88, 330, 72, 372, 60], fillColor=SHORE, strokeColor=None))
    for row, colour in enumerate(("#1f5f85", "#2b7197", "#3b84aa")):
        points: list[float] = [0, 0]
        for step in range(93):
            points += [step * 5, 66 - 20 * row + 4 * math.sin(step / 3 + row)]
        drawing.add(Polygon([*points, 460, 0], fillColor=HexColor(colour), strokeColor=None))
    for x, y in ((92, 190), (120, 208), (338, 178), (366, 196), (150, 168)):
        drawing.add(PolyLine([x - 9, y + 4, x - 4, y + 6, x, y, x + 4, y + 6, x + 9, y + 4], strokeColor=PALE))
    return drawing


DRAWINGS: dict[str, Callable[[], Drawing]] = {
    "cover": cover,
    "map": map_of_the_isles,
    "kettle": kettle,
    "transit": transit,
    "tide": tide,
    "lantern": lantern,
    "power": power,
    "counts": counts,
    "visitors": visitors,
    "success": success,
    "money": money,
    "skua_power": skua_power,
}
