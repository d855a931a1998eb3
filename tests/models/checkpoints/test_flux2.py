"""FLUX.2-klein against diffusers' pipeline."""

from __future__ import annotations

from agreement import Agreement


class TestFlux2(Agreement):
    name = "flux2"
