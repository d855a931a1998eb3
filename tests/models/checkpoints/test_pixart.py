"""PixArt-alpha and PixArt-sigma against diffusers' pipelines."""

from __future__ import annotations

from agreement import Agreement


class TestPixArt(Agreement):
    name = "pixart"
