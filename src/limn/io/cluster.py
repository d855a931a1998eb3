"""Work shared out among processes by Ray: on this machine, or on the cluster that ``RAY_ADDRESS`` names.

Plain actors, not Ray Data: what must come out the same to the last bit is a whole batch, so ``map_batches`` would
get one batch a row and have nothing left to cut; and it hands on blocks, where an actor's answer is there, and can
be kept, as soon as it is given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from limn.kernel.errors import InputError, LimnError, unknown_name
from limn.kernel.options import convert, fields

ENGINES = ("local", "ray")
RESTARTS = 8
"""Times that a worker is started anew after it died."""
_STORE = 512 << 20  # bytes kept for answers on their way, of a cluster of this machine

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Workers, each of which does one part at a time.

    Args:
        workers: How many; as many as there is room for if 0.
        device: Where each works: ``cpu``, or ``cuda`` for one GPU each.
        threads: Threads of each.
    """

    workers: int = 0
    device: str = "cpu"
    threads: int = 1

    def map(self, make: Callable[[], Callable[[T], R]], parts: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Do all parts; a worker that dies is started anew and does its part again.

        Args:
            make: Called once in every worker, gives what does a part; can be pickled, as parts and answers can.
            parts: What is to be done.

        Yields:
            The place of a part and the answer to it, as soon as it is there.

        Raises:
            InputError: Ray is missing, cannot be reached, or has no room for a worker.
            LimnError: What a worker raised, or that one died too often.
        """
        ray = _imported()
        ours = not ray.is_initialized()
        try:
            if ours:
                self._begin(ray)
            yield from self._spread(ray, make, parts)
        finally:
            if ours and ray.is_initialized():
                ray.shutdown()

    def _begin(self, ray: Any) -> None:
        """Reach the cluster, or start one on this machine."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
        quiet: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
        address = os.environ.get("RAY_ADDRESS", "local")
        if address == "local":
            room = max(os.cpu_count() or 1, self.workers * self.threads)
            os.environ.setdefault("RAY_worker_niceness", "0")  # as nice as this process: drawing is what it is for
            quiet |= {"num_cpus": room, "object_store_memory": _STORE}
        try:
            ray.init(address=address, **quiet)
        except Exception as error:  # Ray raises many kinds
            why = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
            raise InputError(f"engine: {address} cannot be reached ({why}); see docs/how-to/scale.md") from None

    def _count(self, ray: Any, parts: int) -> int:
        """Return how many workers there is something to do and room for."""
        has = ray.cluster_resources()
        fit = int(has.get("GPU", 0)) if self._gpus else int(has.get("CPU", 0)) // self.threads
        what = "GPUs" if self._gpus else f"times {self.threads} processors"
        if fit < max(1, self.workers):
            raise InputError(
                f"engine: the cluster has room for {fit} {what}, {max(1, self.workers)} are needed; take fewer "
                "workers, or fewer threads (OMP_NUM_THREADS)"
            )
        return min(self.workers or fit, parts)

    @property
    def _gpus(self) -> int:
        return 0 if self.device == "cpu" else 1

    def _spread(self, ray: Any, make: Callable[[], Callable[[T], R]], parts: Sequence[T]) -> Iterator[tuple[int, R]]:
        count = self._count(ray, len(parts))
        kind = ray.remote(_Worker).options(
            num_cpus=self.threads, num_gpus=self._gpus, max_restarts=RESTARTS, max_task_retries=-1
        )
        workers = [kind.remote(make, self.threads, str(Path.cwd())) for _ in range(count)]
        waiting: dict[Any, tuple[int, Any]] = {}
        left = iter(enumerate(parts))
        idle = [*workers, *workers]  # the next part is there before one is done
        try:
            while True:
                for worker, (place, part) in zip(idle, left, strict=False):
                    waiting[worker.do.remote(part)] = (place, worker)
                if not waiting:
                    return
                [done], _ = ray.wait(list(waiting))
                place, worker = waiting.pop(done)
                idle = [worker]
                yield place, _answer(ray, done)
        finally:
            for worker in workers:
                ray.kill(worker)


class _Worker:
    """One process of the pool, in the folder of the process that asks where it has that."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]], threads: int, where: str) -> None:
        import torch

        if Path(where).is_dir():
            os.chdir(where)
        torch.set_num_threads(threads)  # sums come out the same to the last bit only in as many parts
        self._work = make()

    def do(self, part: Any) -> Any:
        """Do one part."""
        return self._work(part)


def _answer(ray: Any, done: Any) -> Any:
    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, LimnError):
            raise error.cause from None
        raise
    except ray.exceptions.RayActorError as error:
        why = str(error).strip().splitlines()[-1][:200]
        raise LimnError(
            f"engine: a worker died {RESTARTS} times or could not start ({why}); what is done is kept"
        ) from None


def _imported() -> Any:
    try:
        import ray
        import ray.exceptions
    except ModuleNotFoundError:
        raise InputError("engine: ray is not installed; install it with: pip install 'limn[ray]'") from None
    return ray


def read_engine(text: str, *, device: str = "cpu") -> Cluster | None:
    """Read an engine from text: ``local``, or ``ray`` with how many workers, as ``ray:workers=4``.

    Args:
        text: What a person wrote.
        device: Where pictures are drawn.

    Returns:
        None for this process.

    Raises:
        InputError: There is no such engine or option.

    >>> read_engine("local") is None
    True
    """
    given = fields(text)
    name = given.pop("name")
    if name not in ENGINES:
        raise unknown_name("engine", name, ENGINES)
    known = ("workers",) if name == "ray" else ()
    for option in given:
        if option not in known:
            raise unknown_name(f"option of {name}", option, known)
    if name == "local":
        return None
    if device not in ("cpu", "cuda"):
        raise InputError(f"device: {device} is one device of this machine; with --engine ray give cpu or cuda")
    workers = convert("workers", given.get("workers", "0"), int)
    if not 0 <= workers <= 4096:
        raise InputError(f"workers: {workers} is not allowed; give 1 to 4096, or leave it out for as many as fit")
    import torch

    return Cluster(workers=workers, device=device, threads=1 if device != "cpu" else torch.get_num_threads())
