"""Does torch's gloo exchange gradients as fast as shared memory does? Two workers, paired and interleaved.

What one step with Muon sends: all gradients, then each worker's matrices with their momenta. A whole step is counted
in the processor's seconds, for two workers have two cores, and so other programs on the machine do not count.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, multiprocessing

from benchmarks.kit.run import run
from benchmarks.kit.timing import interleaved, quotient
from limn.train.data_parallel import Team
from limn.train.network import build
from limn.train.recipe import read
from limn.train.settings import changed
from limn.train.task import find

RECIPE = "shapes"


def measure(*, rounds: int = 20) -> dict[str, Any]:
    numbers = sum(weight.numel() for weight in build(read(Path(RECIPE))).parameters())
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    buffer = torch.zeros(2, 2, numbers).share_memory_()  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as folder:
        arguments = (Path(folder) / "store", buffer, barrier, answers, rounds)
        workers = [context.Process(target=_work, args=(rank, *arguments)) for rank in range(2)]
        for worker in workers:
            worker.start()
        seconds: dict[str, list[float]] = answers.get()
        for worker in workers:
            worker.join()
    least = min(seconds["step"])
    steps = [[least + part for part in seconds[f"{way}, processor"]] for way in ("gloo", "shared memory")]
    return {
        "numbers": numbers,
        "milliseconds, least": {way: round(1e3 * min(taken), 1) for way, taken in seconds.items()},
        "exchange by the clock: gloo over shared memory": quotient(seconds["gloo"], seconds["shared memory"]),
        "whole step of 16 pictures a worker: gloo over shared memory": quotient(*steps),
    }


def _work(rank: int, store: Path, buffer: Tensor, barrier: Barrier, answers: Any, rounds: int) -> None:
    torch.set_num_threads(1)
    group = distributed.ProcessGroupGloo(distributed.FileStore(str(store), 2), rank, 2, timedelta(minutes=10))
    recipe = changed(read(Path(RECIPE)), ["optimiser.batch=16"])
    task, team, row = find(recipe.task)(recipe, "cpu"), Team(rank, 2, buffer, barrier), torch.randn(buffer.shape[2])

    def gloo() -> None:
        group.allreduce([row / 2]).wait()
        group.allgather([[torch.empty_like(row), torch.empty_like(row)]], [row]).wait()

    def shared() -> None:
        team.exchange(row).mean(0)
        team.exchange(row)[1 - rank].clone()

    def compute() -> None:
        task.loss(0).backward()  # type: ignore[no-untyped-call]

    def together(action: Callable[[], None]) -> Callable[[], None]:
        def both() -> None:
            barrier.wait()
            action()

        return both

    ways = {"gloo": together(gloo), "shared memory": together(shared)}
    seconds = interleaved(ways, rounds)
    seconds |= {f"{way}, processor": taken for way, taken in interleaved(ways, rounds, time.process_time).items()}
    seconds["step"] = interleaved({"": compute}, 3, time.process_time)[""]
    if rank == 0:
        answers.put(seconds)


if __name__ == "__main__":
    run(measure, quick={"rounds": 2})
