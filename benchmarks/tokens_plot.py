"""Draw quality against forward passes from ``results/tokens_passes.json`` into ``docs/ideas/tokens-passes.png``."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from benchmarks.record import RESULTS

OUT = Path(__file__).parents[1] / "docs" / "ideas" / "tokens-passes.png"
WIDTH, HEIGHT, LEFT, BOTTOM = 760, 420, 70, 50
COLOURS = {"muse_shapes": (31, 119, 180), "parti_shapes": (214, 39, 40), "flow_shapes": (44, 160, 44)}


def main() -> None:
    found = json.loads((RESULTS / "tokens_passes.json").read_text("utf-8"))
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    pen = ImageDraw.Draw(image)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = place(4, share)
        pen.line((x, y, WIDTH - 20, y), fill=(225, 225, 225))
        pen.text((8, y - 6), f"{share:.0%} right", fill="black")
    for count in (4, 8, 16, 32, 64):
        x, _ = place(count, 0)
        pen.text((x - 6, HEIGHT - BOTTOM + 8), str(count), fill="black")
    pen.text((WIDTH // 2 - 60, HEIGHT - 20), "forward passes a picture", fill="black")
    for row, (name, colour) in enumerate(COLOURS.items()):
        line(pen, [each for key, each in found.items() if key.startswith(name)], colour)
        pen.text((WIDTH - 130, 12 + 16 * row), name, fill=colour)
    image.save(OUT, optimize=True)
    print(OUT)


def line(pen: ImageDraw.ImageDraw, points: list[dict[str, Any]], colour: tuple[int, int, int]) -> None:
    """Draw the share of attributes that are right, with its interval."""
    places = []
    for each in sorted(points, key=lambda each: each["passes"]):
        share = each["attributes"]
        x, y = place(each["passes"], share["mean"])
        places.append((x, y))
        pen.line(
            (x, place(each["passes"], share["low"])[1], x, place(each["passes"], share["high"])[1]), fill=colour
        )
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)
    if len(places) > 1:
        pen.line(places, fill=colour, width=2)


def place(passes: float, share: float) -> tuple[float, float]:
    across = (math.log2(passes) - 2) / 4
    return LEFT + 30 + across * (WIDTH - LEFT - 60), HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - 20)


if __name__ == "__main__":
    main()
