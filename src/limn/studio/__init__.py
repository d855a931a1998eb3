"""The one use-case layer: a generator and a store together; the command line and every other front end call it."""

from __future__ import annotations

from limn.kernel.memory import Halved
from limn.models.environment import facts
from limn.studio.axes import Axis
from limn.studio.drawing import Drawn, Event, Failed, Finished, Kept, Started, check_room, generate, sheet
from limn.studio.facts import check_device
from limn.studio.grids import Grid, cells, compose, grid
from limn.studio.replaying import Replay, replay

__all__ = [
    "Axis",
    "Drawn",
    "Event",
    "Failed",
    "Finished",
    "Grid",
    "Halved",
    "Kept",
    "Replay",
    "Started",
    "cells",
    "check_device",
    "check_room",
    "compose",
    "facts",
    "generate",
    "grid",
    "replay",
    "sheet",
]
