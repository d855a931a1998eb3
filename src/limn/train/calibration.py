"""How often an attribute reader errs on pictures it never saw: thresholds of its confidence, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.networks.attribute_reader import AttributeReader

GRID: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
"""The confidences a threshold is chosen from."""

_RIGHT = 0.97
_LOST = 0.15


def calibrated(
    network: AttributeReader, versions: Mapping[str, Tensor], labels: NDArray[np.int64], chosen: NDArray[np.bool_]
) -> dict[str, Any]:
    """Choose thresholds on some of the held-out pictures, and count errors on the others.

    Args:
        network: The trained reader.
        versions: The same pictures (rows, 3, height, width) in several versions; the first decides on thresholds.
        labels: The place of the right value of each field, (rows, fields); -1 where it is not known.
        chosen: Which rows decide on thresholds.

    Returns:
        ``thresholds`` by field; of each version, by field, counts (values, values + 1), rows what is shown, columns
        what was read, the last one for unreadable.
    """
    result: dict[str, Any] = {"thresholds": {}}
    for kind, states in versions.items():
        result[kind] = {}
        for place, (name, likely) in enumerate(_read(network, states).items()):
            known = labels[:, place] >= 0
            if name not in result["thresholds"]:
                rows = known & chosen
                result["thresholds"][name] = threshold(likely[rows], labels[rows, place])
            rows, least = known & ~chosen, result["thresholds"][name]
            result[kind][name] = confusion(likely[rows], labels[rows, place], least).tolist()
    return result


def threshold(likely: NDArray[np.float32], labels: NDArray[np.int64], grid: Sequence[float] = GRID) -> float:
    """Choose the least confidence at which a value counts as read.

    Args:
        likely: Probabilities (pictures, values).
        labels: The right value (pictures,).
        grid: What to choose from, rising.

    Returns:
        The first one at which 97 % of what is read is right; if that would leave out more than 15 % of the
        pictures, the last one that does not.

    >>> likely = np.array([[0.9, 0.1]] * 9 + [[0.35, 0.65]], np.float32)
    >>> threshold(likely, np.zeros(10, np.int64))
    0.7
    """
    sure, right = likely.max(1, initial=0), likely.argmax(1) == labels
    best = grid[0]
    for least in grid:
        read = sure >= least
        if read.sum() < (1 - _LOST) * len(read):
            break
        best = least
        if right[read].mean() >= _RIGHT:
            break
    return best


def confusion(likely: NDArray[np.float32], labels: NDArray[np.int64], least: float) -> NDArray[np.int64]:
    """Count what was read of what is shown: (values, values + 1), the last column for unreadable.

    >>> confusion(np.array([[0.9, 0.1], [0.4, 0.6]], np.float32), np.array([0, 0]), 0.7).tolist()
    [[1, 0, 1], [0, 0, 0]]
    """
    values = likely.shape[1]
    read = np.where(likely.max(1, initial=0) >= least, likely.argmax(1), values)
    counts = np.zeros((values, values + 1), np.int64)
    np.add.at(counts, (labels, read), 1)
    return counts


@torch.inference_mode()
def _read(network: AttributeReader, states: Tensor) -> Mapping[str, NDArray[np.float32]]:
    parts = [network(part) for part in torch.split(states, 256)]
    return {name: torch.cat([part[name] for part in parts]).softmax(1).numpy() for name in network.config.fields}
