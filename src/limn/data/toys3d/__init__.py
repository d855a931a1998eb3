"""Toys in three dimensions: chairs, tables, lamps, houses, animals and vases, drawn from any side by exact rays."""

from __future__ import annotations

from limn.data.toys3d.captions import Asked, asked, caption, prompts
from limn.data.toys3d.reader import CAMERAS, Reading, matches, read
from limn.data.toys3d.rendering import View, render
from limn.data.toys3d.toy import COLOURS, PARTS, Toy, draw, held_out, pairs

__all__ = [
    "CAMERAS",
    "COLOURS",
    "PARTS",
    "Asked",
    "Reading",
    "Toy",
    "View",
    "asked",
    "caption",
    "draw",
    "held_out",
    "matches",
    "pairs",
    "prompts",
    "read",
    "render",
]
