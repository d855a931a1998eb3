"""The one use-case layer: a generator and a store together; the command line and every other front end call it."""

from __future__ import annotations

from limn.studio.drawing import Drawn, Event, Failed, Finished, Kept, Started, check_room, generate, guidances, sheet
from limn.studio.facts import check_device, facts
from limn.studio.replaying import Replay, replay

__all__ = [
    "Drawn",
    "Event",
    "Failed",
    "Finished",
    "Kept",
    "Replay",
    "Started",
    "check_device",
    "check_room",
    "facts",
    "generate",
    "guidances",
    "replay",
    "sheet",
]
