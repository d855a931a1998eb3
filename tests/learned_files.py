"""Learned things for tests: changes read from a file, and random ones written to one."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from limn.networks.low_rank import LowRank, fit, fitted
from limn.personalise.learned import read

__all__ = ["low_rank_of"]


def low_rank_of(path: Path, network: nn.Module) -> LowRank:
    """Return all changes of a file, to one network that must take them all."""
    changes = {name: change for own in read(path).changes.values() for name, change in own.items()}
    fits = fit(changes, network)
    assert not fits.unknown, fits.unknown
    assert not fits.misshapen, fits.misshapen
    return fitted(changes, fits.layers)
