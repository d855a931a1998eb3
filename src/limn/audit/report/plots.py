"""Plots as SVG in the page's own text: no script, no font, no file from elsewhere."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence

from limn.audit.report.parts import Bars, Curves, Figure, Figures, Points
from limn.audit.report.words import element, labels, number, ticks

HUES = 8
"""Colours that the page knows, as CSS variables ``--hue0`` and so on."""

WIDTH, HEIGHT = 230, 22  # of an interval in a table row
PAD = 8  # beside an interval's axis
CHART = (640, 340)
EDGE = (58, 14, 14, 46)  # left, top, right, bottom of a chart


def span(figures: Figures) -> tuple[float, float]:
    """Return the ends of the axis that all rows of a table of figures share."""
    if figures.bounds is not None:
        return figures.bounds
    ends = [
        end for row in figures.rows for end in (row.value, row.low, row.high, row.reference, *(row.bounds or ()))
    ]
    known = [end for end in [*ends, figures.zero] if end is not None and abs(end) < float("inf")]
    if figures.percent and all(0 <= end <= 1 for end in known):
        return 0.0, 1.0
    low, high = min(known, default=0.0), max(known, default=1.0)
    return _roomy(low, high)


def interval(figure: Figure, ends: tuple[float, float], *, hue: int = 0, zero: float | None = None) -> str:
    """Return an estimate with its interval as one row of a plot."""
    middle, inside = HEIGHT / 2, []
    for tick in ticks(*ends, most=6):
        inside.append(_line(_at(tick, ends), 0, _at(tick, ends), HEIGHT, class_="grid"))
    if figure.bounds is not None:
        low, high = (_at(end, ends) for end in figure.bounds)
        inside.append(f'<rect class="bounds" x="{low:.1f}" y="6" width="{high - low:.1f}" height="10"/>')
    if zero is not None:
        inside.append(_line(_at(zero, ends), 0, _at(zero, ends), HEIGHT, class_="zero"))
    if figure.reference is not None and ends[0] <= figure.reference <= ends[1]:
        x = _at(figure.reference, ends)
        inside.append(f'<path class="reference" d="M{x:.1f} 2v18"/>')
    if figure.value is not None and not math.isnan(figure.value):
        if figure.low is not None and figure.high is not None:
            low, high = _at(figure.low, ends), _at(figure.high, ends)
            inside.append(_line(low, middle, high, middle, class_=f"whisker h{hue}"))
        inside.append(marker(_at(figure.value, ends), middle, hue))
    return _svg((WIDTH, HEIGHT), inside, aria_hidden="true", class_="interval")


def axis(ends: tuple[float, float], *, percent: bool) -> str:
    """Return the axis under a column of intervals."""
    inside = []
    places = ticks(*ends, most=6)
    for tick, text in zip(places, labels(places, percent=percent), strict=True):
        x = _at(tick, ends)
        inside.append(_line(x, 0, x, 4, class_="tick"))
        inside.append(_text(text, x, 16, text_anchor="middle"))
    return _svg((WIDTH, 20), inside, aria_hidden="true", class_="interval")


def bar(shares: Mapping[str, float], values: Sequence[str]) -> str:
    """Return shares as one stacked bar."""
    x, inside = 0.0, []
    for place, value in enumerate(values):
        width = max(shares.get(value, 0.0), 0.0) * 480
        if width > 0:
            name = html.escape(f"{value}: {number(shares[value], percent=True)}")
            inside.append(
                f'<rect class="fill h{place % HUES}" x="{x:.1f}" y="1" width="{width:.1f}" height="20">'
                f"<title>{name}</title></rect>"
            )
        x += width
    return _svg((480, HEIGHT), inside, aria_hidden="true", class_="bar")


def curves(chart: Curves) -> str:
    """Return curves with their bands."""
    xs = [x for line in chart.lines for x in line.x]
    ys = [y for line in chart.lines for y in (*line.y, *line.low, *line.high)]
    plane = _Plane(xs, ys)
    inside = plane.frame(chart.x, chart.y)
    for hue, line in enumerate(chart.lines):
        if line.low and line.high:
            there = [*zip(line.x, line.high, strict=True), *reversed([*zip(line.x, line.low, strict=True)])]
            inside.append(f'<polygon class="band h{hue % HUES}" points="{plane.path(there)}"/>')
        inside.append(
            f'<polyline class="curve h{hue % HUES}" points="{plane.path(zip(line.x, line.y, strict=True))}"/>'
        )
        if len(line.x) <= 40:
            inside += [
                marker(*plane.at(x, y), hue, size=3) for x, y in zip(line.x, line.y, strict=True) if _finite(x, y)
            ]
    return _svg(CHART, inside, role="img", aria_label=chart.title, class_="chart")


def points(chart: Points, models: Sequence[str]) -> str:
    """Return labelled points with bars for their intervals."""
    whole = [(x, y, ends or (x, x, y, y)) for _, x, y, ends, _ in chart.points]
    plane = _Plane(
        [end for x, _, ends in whole for end in (x, *ends[:2])],
        [end for _, y, ends in whole for end in (y, *ends[2:])],
    )
    inside = plane.frame(chart.x, chart.y)
    for label, x, y, ends, model in chart.points:
        if not _finite(x, y, *(ends or ())):
            continue
        hue = models.index(model) if model in models else 0
        across, up = plane.at(x, y)
        if ends is not None:
            (left, _), (right, _) = plane.at(ends[0], y), plane.at(ends[1], y)
            (_, bottom), (_, top) = plane.at(x, ends[2]), plane.at(x, ends[3])
            inside.append(_line(left, up, right, up, class_=f"thin h{hue % HUES}"))
            inside.append(_line(across, bottom, across, top, class_=f"thin h{hue % HUES}"))
        inside.append(marker(across, up, hue))
        inside.append(_text(label, across + 7, up - 6))
    return _svg(CHART, inside, role="img", aria_label=chart.title, class_="chart")


def legend(names: Iterable[str], *, square: bool = False) -> str:
    """Return what colours and marks stand for."""
    entries = []
    for hue, name in enumerate(names):
        mark = (
            f'<rect class="fill h{hue % HUES}" x="1" y="1" width="12" height="12"/>' if square else marker(7, 7, hue)
        )
        entries.append(element("li", _svg((14, 14), [mark], aria_hidden="true", class_="mark"), html.escape(name)))
    return element("ul", *entries, class_="legend")


def marker(x: float, y: float, hue: int, *, size: float = 4.5) -> str:
    """Return a mark whose form tells as much as its colour."""
    half = f"a{size:.1f} {size:.1f} 0 1 0 "
    forms = (
        f"M{x - size:.1f} {y:.1f}{half}{2 * size:.1f} 0{half}{-2 * size:.1f} 0z",
        f"M{x - size:.1f} {y - size:.1f}h{2 * size:.1f}v{2 * size:.1f}h{-2 * size:.1f}z",
        f"M{x:.1f} {y - 1.3 * size:.1f}l{1.3 * size:.1f} {1.3 * size:.1f}l{-1.3 * size:.1f} {1.3 * size:.1f}"
        f"l{-1.3 * size:.1f} {-1.3 * size:.1f}z",
        f"M{x:.1f} {y - 1.2 * size:.1f}l{1.2 * size:.1f} {2.1 * size:.1f}h{-2.4 * size:.1f}z",
    )
    return f'<path class="fill h{hue % HUES}" d="{forms[hue % len(forms)]}"/>'


class _Plane:
    """Two axes and where a point lies on them."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        known = [[value for value in values if abs(value) < float("inf")] or [0.0, 1.0] for values in (xs, ys)]
        self.ends = [_roomy(min(values), max(values)) for values in known]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point is in the picture."""
        left, top, right, bottom = EDGE
        (x0, x1), (y0, y1) = self.ends
        across = left + (x - x0) / (x1 - x0) * (CHART[0] - left - right)
        return across, CHART[1] - bottom - (y - y0) / (y1 - y0) * (CHART[1] - top - bottom)

    def path(self, places: Iterable[tuple[float, float]]) -> str:
        """Return points as SVG lists them."""
        return " ".join("{:.1f},{:.1f}".format(*self.at(x, y)) for x, y in places if _finite(x, y))

    def frame(self, x: str, y: str) -> list[str]:
        """Return axes, grid and what they measure."""
        (x0, x1), (y0, y1) = self.ends
        drawn = []
        below, beside = ticks(x0, x1, most=7), ticks(y0, y1)
        for tick, text in zip(below, labels(below), strict=True):
            across, floor = self.at(tick, y0)
            drawn += [_line(across, floor, across, self.at(tick, y1)[1], class_="grid")]
            drawn += [_text(text, across, floor + 16, text_anchor="middle")]
        for tick, text in zip(beside, labels(beside), strict=True):
            side, up = self.at(x0, tick)
            drawn += [_line(side, up, self.at(x1, tick)[0], up, class_="grid")]
            drawn += [_text(text, side - 7, up + 4, text_anchor="end")]
        drawn.append(_text(x, (EDGE[0] + CHART[0] - EDGE[2]) / 2, CHART[1] - 8, text_anchor="middle", class_="name"))
        middle = (EDGE[1] + CHART[1] - EDGE[3]) / 2
        drawn.append(
            _text(y, 13, middle, text_anchor="middle", class_="name", transform=f"rotate(-90 13 {middle:.0f})")
        )
        return drawn


def _roomy(low: float, high: float) -> tuple[float, float]:
    """Return ends with some room beside them; what differs by rounding alone is one place."""
    apart = high - low > 1e-9 * max(abs(low), abs(high), 1e-3)
    room = 0.04 * (high - low) if apart else 0.5
    return low - room, high + room


def _finite(*values: float) -> bool:
    return all(map(math.isfinite, values))


def _at(value: float, ends: tuple[float, float]) -> float:
    share = (value - ends[0]) / (ends[1] - ends[0])
    return PAD + min(max(share, 0.0), 1.0) * (WIDTH - 2 * PAD)


def _line(x1: float, y1: float, x2: float, y2: float, *, class_: str) -> str:
    return f'<line class="{class_}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(words: str, x: float, y: float, **given: object) -> str:
    return element("text", html.escape(words), x=float(x), y=float(y), **given)


def _svg(size: tuple[int, int], inside: Iterable[str], **given: object) -> str:
    width, height = size
    return element("svg", *inside, viewBox=f"0 0 {width} {height}", width=width, height=height, **given)


def bars_values(part: Bars) -> list[str]:
    """Return the values of stacked bars, each once, in the order in which they come."""
    return list(dict.fromkeys(value for shares in part.groups.values() for value in shares))
