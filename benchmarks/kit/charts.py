"""Line charts as SVG, for the pages."""

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDE, HIGH, LEFT, TOP = 360, 300, 60, 30
COLOURS = ("#d1495b", "#00798c", "#edae49", "#30638e", "#66a182", "#8d6a9f", "#5b5b5b", "#c77b30")
Point = Sequence[float]
"""Place across, height, and the ends of its interval where it has one."""


def chart(
    lines: Mapping[str, Sequence[Point]],
    title: str,
    across: str,
    *,
    floor: float = 0.0,
    mark: float | None = None,
    logarithmic: bool = False,
) -> str:
    """Return an SVG.

    Args:
        lines: Points by name; a name stands at the right, on the height of its rank at the line's end.
        title: What is measured upwards.
        across: What is measured across.
        floor: The lowest height shown.
        mark: A height to mark with a dashed line.
        logarithmic: Whether places across are shown by their logarithm.
    """
    points = [point for line in lines.values() for point in line]
    top = 1.05 * max([*(point[-1] for point in points), *([] if mark is None else [mark])])
    places = sorted({point[0] for point in points})
    scale = math.log if logarithmic else float
    near, far = (scale(places[0]) if logarithmic else 0.0), scale(places[-1])

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + WIDE * (scale(x) - near) / ((far - near) or 1), TOP + HIGH * (top - y) / (top - floor)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + 230} {TOP + HIGH + 44}" '
        'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>',
        _text(LEFT, 16, title), _text(LEFT + WIDE / 2, TOP + HIGH + 36, across, "middle"),
    ]  # fmt: skip
    for height in (floor + (top - floor) * tick / 4 for tick in range(5)):
        y = at(places[0], height)[1]
        parts += [
            f'<path d="M{LEFT} {y:.1f}h{WIDE}" stroke="#ddd"/>',
            _text(LEFT - 6, y + 4, f"{height:.3g}", "end"),
        ]
    if mark is not None:
        parts.append(f'<path d="M{LEFT} {at(places[0], mark)[1]:.1f}h{WIDE}" stroke="grey" stroke-dasharray="4"/>')
    for place in places if logarithmic else [places[-1] * tick / 4 for tick in range(5)]:
        parts.append(
            _text(at(place, 0)[0] if place or not logarithmic else LEFT, TOP + HIGH + 16, f"{place:.3g}", "middle")
        )
    for rank, name in enumerate(sorted(lines, key=lambda name: -lines[name][-1][1])):
        colour, dashed = COLOURS[rank % len(COLOURS)], ' stroke-dasharray="4 3"' if rank >= len(COLOURS) else ""
        spots = [at(point[0], point[1]) for point in lines[name]]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.8"{dashed}/>')
        for (x, y), point in zip(spots, lines[name], strict=True):
            low, high = (at(point[0], end)[1] for end in (point[-2:] if len(point) == 4 else (point[1], point[1])))
            parts.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour}"/>')
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>')
        (x, y), label = spots[-1], TOP + 8 + rank * min(24, HIGH / len(lines))
        parts.append(
            f'<path d="M{x:.1f} {y:.1f}L{LEFT + WIDE + 14} {label - 4:.1f}" stroke="{colour}" opacity=".4"/>'
        )
        parts.append(_text(LEFT + WIDE + 18, label, f"{name} {lines[name][-1][1]:.3g}", fill=colour))
    return "".join(parts) + "</svg>\n"


def _text(x: float, y: float, words: str, anchor: str = "start", fill: str = "black") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(words)}</text>'
