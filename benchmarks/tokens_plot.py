"""Draw quality and Frechet distance against forward passes, of all families and worlds that were measured.

From ``results/tokens_WORLD_passes.json`` into ``docs/ideas/tokens-passes.png``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from benchmarks.record import RESULTS

OUT = Path(__file__).parents[1] / "docs" / "ideas" / "tokens-passes.png"
WIDE, HIGH, LEFT, TOP, BOTTOM = 620, 340, 70, 58, 44
FAMILIES = {"muse": "masked", "parti": "autoregressive", "flow": "diffusion"}
COLOURS = {"muse": (31, 119, 180), "parti": (214, 39, 40), "flow": (44, 160, 44)}
QUALITY = {"shapes": "attributes", "pictograms": "found among"}
TITLES = {"shapes": "shapes: attributes right", "pictograms": "pictograms: prompt found among 100 by a judge"}
Point = tuple[float, float, float, float]
"""Passes, value, and the ends of its interval."""


def main() -> None:
    """Draw two panels for each world."""
    paths = {world: RESULTS / f"tokens_{world}_passes.json" for world in QUALITY}
    found = {world: json.loads(path.read_text("utf-8")) for world, path in paths.items() if path.exists()}
    image = Image.new("RGB", (2 * WIDE, len(found) * HIGH), "white")
    pen = ImageDraw.Draw(image)
    for row, (world, entries) in enumerate(found.items()):
        lines = {name: points(entries, name, QUALITY[world]) for name in FAMILIES}
        panel(pen, (0, row * HIGH), TITLES[world], lines, share=True)
        lines = {name: points(entries, name, "frechet") for name in FAMILIES}
        panel(pen, (WIDE, row * HIGH), f"{world}: Frechet distance (less is better)", lines, share=False)
    image.save(OUT, optimize=True)
    print(OUT)


def points(entries: Mapping[str, Any], family: str, what: str) -> list[Point]:
    """Return a family's points in the order of their passes."""
    some = [each for key, each in entries.items() if key.startswith(family) and "passes" in key]
    out = list[Point]()
    for each in sorted(some, key=lambda each: each["passes"]):
        value = next(value for name, value in each.items() if name.startswith(what))
        if isinstance(value, dict):
            out.append(
                (each["passes"], value["mean"] if "mean" in value else value["share"], value["low"], value["high"])
            )
        else:
            out.append((each["passes"], value, value, value))
    return out


def panel(
    pen: ImageDraw.ImageDraw, corner: tuple[int, int], title: str, lines: Mapping[str, list[Point]], *, share: bool
) -> None:
    """Draw one panel: passes across on a logarithmic scale, values upwards from 0."""
    left, top = corner
    most = 1.0 if share else 1.1 * max(each[1] for line in lines.values() for each in line)

    def place(passes: float, value: float) -> tuple[float, float]:
        across, up = (math.log2(passes) - 1.7) / 4.6, value / most
        return left + LEFT + across * (WIDE - LEFT - 20), top + HIGH - BOTTOM - up * (HIGH - BOTTOM - TOP)

    font = ImageFont.load_default(13)
    pen.text((left + LEFT, top + 8), title, fill="black", font=font)
    for tick in range(5):
        value = most * tick / 4
        x, y = place(4, value)
        pen.line((left + LEFT, y, left + WIDE - 20, y), fill=(225, 225, 225))
        words = f"{value:.0%}" if share else f"{value:.3f}"
        pen.text((left + LEFT - 8, y), words, fill="black", font=font, anchor="rm")
    for count in (4, 8, 16, 32, 64):
        x, y = place(count, 0)
        pen.text((x, y + 6), str(count), fill="black", font=font, anchor="ma")
    pen.text((left + (LEFT + WIDE) / 2, top + HIGH - 4), "forward passes", fill="black", font=font, anchor="md")
    for row, (name, line) in enumerate(lines.items()):
        colour, shift = COLOURS[name], 3 * (row - 1)  # so that intervals at equal passes stand side by side
        spots = [(place(each[0], each[1])[0] + shift, place(each[0], each[1])[1]) for each in line]
        for (x, y), (passes, _, low, high) in zip(spots, line, strict=True):
            pen.line((x, place(passes, low)[1], x, place(passes, high)[1]), fill=colour, width=2)
            pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
        if len(spots) > 1:
            pen.line(spots, fill=colour, width=2)
        pen.text((left + WIDE - 24, top + 8 + 15 * row), FAMILIES[name], fill=colour, font=font, anchor="ra")


if __name__ == "__main__":
    main()
