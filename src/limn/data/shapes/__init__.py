"""The shapes world: procedural 32 px pictures of coloured objects, whose captions and reader are exact."""

from __future__ import annotations

from limn.data.shapes.captions import Asked, caption, captions, examples, prompts
from limn.data.shapes.reader import Reading, ReadObject, matches, read, read_all
from limn.data.shapes.scene import Object, Scene, Split, batch, held_out_pairs, render, scene
from limn.data.shapes.tiles import BACKGROUNDS, COLOURS, PLACES, SHAPES, SIZES, TEXTURES

__all__ = [
    "BACKGROUNDS",
    "COLOURS",
    "PLACES",
    "SHAPES",
    "SIZES",
    "TEXTURES",
    "Asked",
    "Object",
    "ReadObject",
    "Reading",
    "Scene",
    "Split",
    "batch",
    "caption",
    "captions",
    "examples",
    "held_out_pairs",
    "matches",
    "prompts",
    "read",
    "read_all",
    "render",
    "scene",
]
