"""Processes of one machine that train one network: each learns from its part of a batch, gradients are averaged.

One process with many threads waits for its slowest thread at every product; processes wait twice a step. Muon's
work does not depend on the batch, so it is parted as well: each process moves its share of the matrices. They meet
in shared memory, which is faster than torch's gloo (``benchmarks/exchange.py``).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import connection, parent_process
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError
from typing import Any

import torch
from torch import Tensor, multiprocessing, nn
from torch.optim import Optimizer

from limn.kernel.errors import InputError, LimnError
from limn.train.muon import Muon
from limn.train.recipe import Recipe

_HEAD = 3  # numbers before the gradients: whether to go on, the learning rate (the leader's count), and the loss


@dataclass
class Team:
    """The processes that train a network, as one of them sees it.

    Args:
        rank: Which one this is; 0 leads, saves and reports.
        size: How many they are.
        buffer: Gradients and numbers of all, twice, by odd and even steps (2, size, numbers); None if alone.
        barrier: Where they wait for each other; None if alone.
    """

    rank: int = 0
    size: int = 1
    buffer: Tensor | None = None
    barrier: Barrier | None = None
    turn: int = 0

    def place(self, step: int) -> int:
        """Return which of all parts of batches this process learns from at a step."""
        return step * self.size + self.rank

    @torch.no_grad()
    def average(self, network: nn.Module, loss: Tensor, rate: float) -> tuple[float, float, bool]:
        """Average the gradients of all processes, in place.

        Args:
            network: Has the gradients of this process's part of the batch.
            loss: Of that part.
            rate: Learning rate; the leader's counts.

        Returns:
            The mean loss, the learning rate, and whether training goes on.

        Raises:
            LimnError: Another process has stopped.
        """
        if self.buffer is None:
            return loss.item(), rate, True
        gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
        head = torch.tensor([1.0, rate, loss.item()])
        row = torch.cat([head, *(gradient.flatten() for gradient in gradients)])
        rows = self.exchange(row)[:, : len(row)]
        mean = rows.mean(0)
        _spread(mean[_HEAD:], gradients)
        return float(mean[2]), float(rows[0, 1]), bool(rows[0, 0])

    @torch.no_grad()
    def move(self, optimisers: Sequence[Optimizer]) -> None:
        """Move the weights along their gradients and forget the gradients; the same weights result everywhere."""
        for optimiser in optimisers:
            if self.buffer is not None and isinstance(optimiser, Muon):
                self._move_parted(optimiser)
            else:
                optimiser.step()
            optimiser.zero_grad()

    def _move_parted(self, optimiser: Muon) -> None:
        """Move own matrices, then exchange them and their momenta."""
        matrices: list[Tensor] = [matrix for group in optimiser.param_groups for matrix in group["params"]]
        parts = parted([matrix.numel() for matrix in matrices], self.size)
        for place in set(range(len(matrices))) - set(parts[self.rank]):
            matrices[place].grad = None
        optimiser.step()

        def moved(rank: int) -> list[Tensor]:
            mine = [matrices[place] for place in parts[rank]]
            for matrix in mine:
                optimiser.state[matrix].setdefault("momentum_buffer", torch.zeros_like(matrix))
            return mine + [optimiser.state[matrix]["momentum_buffer"] for matrix in mine]

        rows = self.exchange(torch.cat([tensor.flatten() for tensor in moved(self.rank)]))
        for rank in set(range(self.size)) - {self.rank}:
            _spread(rows[rank], moved(rank))

    def part(self) -> None:
        """Tell the others that training is over."""
        if self.buffer is not None and self.rank == 0:
            self.exchange(torch.zeros(_HEAD), last=True)

    def exchange(self, row: Tensor, *, last: bool = False) -> Tensor:
        """Give all processes' rows of numbers to each (size, numbers).

        Raises:
            LimnError: Another process has stopped.
        """
        assert self.buffer is not None
        assert self.barrier is not None
        rows = self.buffer[self.turn % 2]
        rows[self.rank, : len(row)] = row
        self.turn += 1
        try:
            self.barrier.wait()
        except BrokenBarrierError:
            if not last:
                raise LimnError("a worker process has stopped; its error stands above, then start again") from None
        return rows


def _spread(row: Tensor, tensors: Sequence[Tensor]) -> None:
    """Copy the numbers of a row into tensors, one after another."""
    start = 0
    for tensor in tensors:
        tensor.copy_(row[start : start + tensor.numel()].view_as(tensor))
        start += tensor.numel()


def parted(sizes: Sequence[int], count: int) -> list[list[int]]:
    """Part things into groups of about equal size.

    >>> parted([1, 5, 2, 3], 2)
    [[1, 0], [3, 2]]
    """
    parts: list[list[int]] = [[] for _ in range(count)]
    sums = [0] * count
    for place in sorted(range(len(sizes)), key=lambda place: -sizes[place]):
        least = sums.index(min(sums))
        parts[least].append(place)
        sums[least] += sizes[place]
    return parts


def share_of(recipe: Recipe, size: int) -> Recipe:
    """Return the recipe of one process of a team: its batch is its part.

    Raises:
        InputError: The batch cannot be parted evenly.
    """
    batch = recipe.optimiser.batch
    if size < 1 or batch % size:
        raise InputError(f"workers: {size} cannot part batches of {batch} evenly; choose a divisor")
    return replace(recipe, optimiser=replace(recipe.optimiser, batch=batch // size))


@contextmanager
def gathered(size: int, network: nn.Module, follow: Callable[..., None], arguments: Sequence[Any]) -> Iterator[Team]:
    """Start the other processes of a team and lead it; all are gone when the context ends.

    Args:
        size: Processes, with this one.
        network: What learns.
        follow: A function of a module, called in each other process with the team and the arguments.
        arguments: Picklable.
    """
    if size == 1:
        yield Team()
        return
    threads = torch.get_num_threads()
    context = multiprocessing.get_context("spawn")
    sizes = [weight.numel() for weight in network.parameters()]
    # Room for all gradients, and for a process's matrices with their momenta, as evenly as :func:`parted` does it.
    numbers = max(sum(sizes) + _HEAD, 2 * (sum(sizes) // size + max(sizes)))
    buffer = torch.zeros(2, size, numbers).share_memory_()  # type: ignore[no-untyped-call]
    barrier = context.Barrier(size)
    others = [
        context.Process(target=_work, args=(Team(rank, size, buffer, barrier), follow, arguments), daemon=True)
        for rank in range(1, size)
    ]
    with _deaf():
        for other in others:
            other.start()
    threading.Thread(target=_watch, args=([other.sentinel for other in others], barrier.abort), daemon=True).start()
    torch.set_num_threads(_threads(size))
    team = Team(0, size, buffer, barrier)
    try:
        yield team
    finally:
        torch.set_num_threads(threads)
        if not barrier.broken:
            team.part()
        for other in others:
            other.join()


def _work(team: Team, follow: Callable[..., None], arguments: Sequence[Any]) -> None:
    """Follow in a process of its own, which ends when the leader does."""
    torch.set_num_threads(_threads(team.size))
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=_watch, args=([parent.sentinel], lambda: os._exit(1)), daemon=True).start()
    follow(team, *arguments)


@contextmanager
def _deaf() -> Iterator[None]:
    """Start processes that hear no Ctrl-C and no SIGTERM, from their first moment on; the leader answers both."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _watch(sentinels: Sequence[int], end: Callable[[], None]) -> None:
    connection.wait(sentinels)
    end()


def _threads(size: int) -> int:
    return max(1, (os.cpu_count() or 1) // size)
