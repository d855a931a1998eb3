"""Stable Diffusion 3.5 against diffusers' pipeline."""

from __future__ import annotations

from agreement import Agreement


class TestSD3(Agreement):
    name = "sd3"
