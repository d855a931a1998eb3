"""One plot of all variants: similarity of pictures to their captions, by the judge, against the time."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

__all__ = ["plot"]

_WIDE, _HIGH, _LEFT, _TOP = 360, 300, 44, 20
_COLOURS = ("#d1495b", "#00798c", "#edae49", "#30638e", "#66a182", "#8d6a9f", "#5b5b5b", "#c77b30")


def plot(found: Mapping[str, Any]) -> str:
    """Return an SVG; the label of each line stands at its end, spread so that none hides another."""
    lines = {name: [(each["share"], _value(each)) for each in one["curve"]] for name, one in found.items()}
    top = max(value for line in lines.values() for _, value in line) * 1.05
    order = sorted(lines, key=lambda name: -lines[name][-1][1])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDE + 190} {_TOP + _HIGH + 40}" '
        'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>'
    ]
    for tick in range(5):
        y = _TOP + _HIGH * (1 - tick / 4)
        parts.append(f'<path d="M{_LEFT} {y:.1f}h{_WIDE}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * tick / 4:.2f}</text>')
    for k, name in enumerate(order):
        colour, line = _COLOURS[k % len(_COLOURS)], lines[name]
        places = [(_LEFT + _WIDE * x, _TOP + _HIGH * (1 - y / top)) for x, y in line]
        dashed = ' stroke-dasharray="4 3"' if k >= len(_COLOURS) else ""
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"{dashed}/>')
        label = _TOP + 8 + k * _HIGH / len(order)
        (x, y), right = places[-1], _LEFT + _WIDE + 18
        parts.append(f'<path d="M{x:.1f} {y:.1f}L{right - 4} {label - 4:.1f}" stroke="{colour}" opacity=".4"/>')
        said = f"{escape(name)} {line[-1][1]:.2f}"
        parts.append(f'<text x="{right}" y="{label:.1f}" fill="{colour}">{said}</text>')
    middle, bottom = _LEFT + _WIDE / 2, _TOP + _HIGH + 30
    parts.append(f'<text x="{middle}" y="{bottom}" text-anchor="middle">share of the processor time</text>')
    return "".join(parts) + "</svg>\n"


def _value(look: Mapping[str, Any]) -> float:
    """Mean similarity to the caption, by the judge."""
    return float(look["similarity"]["mean"])
