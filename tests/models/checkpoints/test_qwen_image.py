"""Qwen-Image against diffusers' pipeline."""

from __future__ import annotations

from agreement import Agreement


class TestQwenImage(Agreement):
    name = "qwen_image"
