"""Run folders, their index, and the record inside each picture."""

from __future__ import annotations

from limn.store.info import RunInfo
from limn.store.parameters import parameters_text
from limn.store.png import read_record, write_png
from limn.store.repair import Damage, RepairReport
from limn.store.run import Run
from limn.store.sheet import grid
from limn.store.store import Store

__all__ = [
    "Damage",
    "RepairReport",
    "Run",
    "RunInfo",
    "Store",
    "grid",
    "parameters_text",
    "read_record",
    "write_png",
]
