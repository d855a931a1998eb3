"""FLUX.1 against diffusers' pipeline."""

from __future__ import annotations

from agreement import Agreement


class TestFlux(Agreement):
    name = "flux"
