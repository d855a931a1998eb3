"""Z-Image against diffusers' pipeline."""

from __future__ import annotations

from agreement import Agreement


class TestZImage(Agreement):
    name = "z_image"
