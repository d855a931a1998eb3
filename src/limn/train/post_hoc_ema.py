"""Averages of weights whose length is chosen after training (Karras et al. 2024, arXiv:2312.02696, section 3).

While a network learns, its weights are averaged twice, by the powers of time that belong to two relative lengths,
and both averages are written now and then. Any other length is then near a linear combination of what was written,
whose coefficients solve a least-squares problem of the averages' profiles in time (the paper's algorithm 3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limn.io.atomic import make_folder
from limn.io.targets import check_unlinked
from limn.kernel.errors import InputError
from limn.networks.weights import read_tensors, write_tensors

LENGTHS: Final = (0.05, 0.10)
"""Relative lengths that are kept while learning: standard deviation of the profile over the time of training."""

FOLDER: Final = "snapshots"
_NONE: Final = "has no snapshots; train in a new folder with --set saving.snapshots=STEPS"
_NAME: Final = re.compile(r"(\d{8,12})-(0\.\d\d)\.safetensors")


def power_of(length: float) -> float:
    """Return the power of time whose profile has a relative length.

    >>> round(power_of(0.05), 2), round(power_of(0.10), 2)
    (16.97, 6.94)
    """
    if not 0.01 <= length <= 0.28:
        raise InputError(f"ema length: {length:g} is not allowed; give a number from 0.01 to 0.28")
    square = length**-2
    return float(max(root.real for root in np.roots([1, 7, 16 - square, 12 - square]) if abs(root.imag) < 1e-6))


class Powers:
    """The averages that are kept while a network learns.

    Args:
        network: Whose parameters are averaged.
    """

    def __init__(self, network: nn.Module) -> None:
        self.weights = {
            length: {name: weight.detach().clone() for name, weight in network.named_parameters()}
            for length in LENGTHS
        }

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the weights after step number ``step``, counted from 1."""
        now: list[Tensor] = [*network.parameters()]
        for length, mean in self.weights.items():
            keep = (1 - 1 / step) ** (power_of(length) + 1)
            torch._foreach_lerp_([*mean.values()], now, 1 - keep)

    def state(self) -> dict[str, Tensor]:
        """Return everything as tensors by name, for a checkpoint."""
        return {
            f"{length:.2f}.{name}": weight for length, own in self.weights.items() for name, weight in own.items()
        }

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take back what :meth:`state` returned."""
        for name, tensor in self.state().items():
            tensor.copy_(tensors[name])

    def write(self, run: Path, step: int) -> None:
        """Write both averages into a run's folder, in float16."""
        folder = check_unlinked(run, run / FOLDER)
        make_folder(folder)
        for length, own in self.weights.items():
            path = check_unlinked(run, folder / f"{step:08d}-{length:.2f}.safetensors")
            write_tensors(path, {name: weight.half() for name, weight in own.items()})


def check(run: Path, length: float, snapshots: int) -> None:
    """Refuse, before anything is learned, a length that could not be had in the end.

    Raises:
        InputError: It is not allowed, or the run writes and has written no snapshots.
    """
    power_of(length)
    if not snapshots and not (run / FOLDER).is_dir():
        raise InputError(f"{run}: {_NONE}")


def reconstructed(run: Path, length: float, step: int) -> dict[str, Tensor]:
    """Return the weights averaged over another length, from what a run wrote up to a step.

    Args:
        run: A training folder.
        length: Standard deviation of the average's profile over the time of training, from 0.01 to 0.28.
        step: The step at which the average ends.

    Raises:
        InputError: The run wrote none, or the length is not allowed.
    """
    matches = [match for path in sorted((run / FOLDER).glob("*")) if (match := _NAME.fullmatch(path.name))]
    written = [(int(match[1]), float(match[2]), match[0]) for match in matches if int(match[1]) <= step]
    if not written:
        raise InputError(f"{run}: {_NONE}")
    times, lengths = [time for time, *_ in written], [own for _, own, _ in written]
    result: dict[str, Tensor] = {}
    for share, (*_, name) in zip(coefficients(times, lengths, step, length), written, strict=True):
        for key, tensor in read_tensors(run / FOLDER / name).items():
            part = tensor.double() * float(share)
            result[key] = result[key] + part if key in result else part
    return {key: tensor.float() for key, tensor in result.items()}


def coefficients(
    times: Sequence[float], lengths: Sequence[float], time: float, length: float
) -> NDArray[np.float64]:
    """Return by what to multiply averages so that their sum is nearest to another one.

    Args:
        times: When each average ends.
        lengths: Each one's relative length.
        time: When the wanted one ends.
        length: Its relative length.
    """
    ends, powers = np.array(times, float), np.array([power_of(own) for own in lengths])
    rows = _product(ends[:, None], powers[:, None], ends[None], powers[None])
    wanted = _product(ends, powers, np.array(time, float), np.array(power_of(length)))
    return np.asarray(np.linalg.lstsq(rows, wanted, rcond=None)[0], np.float64)


def _product(
    end: NDArray[np.float64], power: NDArray[np.float64], other: NDArray[np.float64], further: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the integral over time of the product of two profiles, (power + 1) t^power / end^(power + 1) each."""
    early = np.minimum(end, other)
    logarithm = (power + further + 1) * np.log(early) - (power + 1) * np.log(end) - (further + 1) * np.log(other)
    product: NDArray[np.float64] = (power + 1) * (further + 1) / (power + further + 1) * np.exp(logarithm)
    return product
