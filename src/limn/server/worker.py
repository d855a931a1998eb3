"""The one thread that draws: it takes a job after another, tells how far it is, and stops within a step."""

from __future__ import annotations

import base64
import io
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from limn.kernel.errors import LimnError
from limn.kernel.generator import Generator, Progress
from limn.server.events import Events
from limn.server.queue import CANCELLED, DONE, FAILED, Job, Queue

PAUSE: Final = 0.15  # seconds between two previews
IDLE: Final = 0.5

Work = Callable[[Job], Iterator[dict[str, Any]]]
"""Does a job: yields what happens, at least once a step; what it yields under ``result`` is kept."""


def ended(job: Job) -> dict[str, Any]:
    """Return what is told of a job that has ended."""
    return {"state": job.state, "result": job.result, "problem": job.problem, "ended": True}


class Cancelled(Exception):
    """Somebody asked for an end."""


class Worker(threading.Thread):
    """Does the jobs of a queue.

    Args:
        queue: Where jobs come from.
        events: Where is told what happens.
        works: What does each kind of job.
    """

    def __init__(self, queue: Queue, events: Events, works: Mapping[str, Work]) -> None:
        super().__init__(name="limn-worker", daemon=True)
        self.queue, self.events, self.works = queue, events, works
        self._end, self._cancelled, self._at = threading.Event(), set[str](), ""

    def run(self) -> None:
        """Work until told to end."""
        while not self._end.is_set():
            try:
                job = self.queue.begin(IDLE)
            except LimnError:  # the disk; what was accepted stays there
                time.sleep(IDLE)
                continue
            if job is not None:
                self._at = job.id
                self._do(job)
                self._at = ""

    def stop(self, wait: float = 10.0) -> None:
        """Leave the job at work where it stands, for the next time, and end."""
        self._end.set()
        with self.queue.changed:
            self.queue.changed.notify_all()
        self.join(wait)

    def cancel(self, name: str) -> Job:
        """Take a job out of the queue, or stop it within a step.

        Raises:
            KeyError: There is none of this name.
        """
        job = self.queue.cancel(name)
        if job.state == CANCELLED:
            self._tell(job)
        elif not job.ended:
            self._cancelled.add(name)
        return job

    def _do(self, job: Job) -> None:
        result: dict[str, Any] = {}
        state, problem = DONE, ""
        self.events.tell(job.id, {"state": "running", "share": 0.0})
        try:
            with closing(self.works[job.kind](job)) as happenings:  # type: ignore[type-var]
                for event in happenings:
                    result |= event.pop("result", {})
                    if event:
                        self.events.tell(job.id, {"state": "running", **event})
                    if job.id in self._cancelled:
                        raise Cancelled
                    if self._end.is_set():
                        return  # it stays as running on the disk, and is taken up again
        except Cancelled:
            state = CANCELLED
        except LimnError as error:
            state, problem = FAILED, str(error)
        except Exception as error:  # one job must not end the server
            traceback.print_exc()
            state, problem = FAILED, f"{type(error).__name__}: {error}"[:300]
        self._cancelled.discard(job.id)
        with suppress(LimnError):
            self._tell(self.queue.end(job.id, state, result, problem))

    def _tell(self, job: Job) -> None:
        self.events.tell(job.id, ended(job))


def preview(generator: Generator, event: Progress) -> str:
    """Return the clean guess of the first picture at work, as base64 of a PNG; empty where there is none to show."""
    import torch

    guess = event.state.clean
    if guess is None or not guess.is_floating_point() or generator.main is not generator.stages[-1]:
        return ""
    with torch.no_grad():
        image = (generator.previews or generator.main.codec).decode(guess[:1])[0]
    levels = ((torch.nan_to_num(image.float()).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return encoded(levels.permute(1, 2, 0).cpu().numpy())


def encoded(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    """Return pixels (height, width, 3) as base64 of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def place(path: Path) -> dict[str, Any]:
    """Return what names a picture of a store: its run and its number."""
    return {
        "key": path.parent.name,
        "index": int(path.name.partition("-")[0].removesuffix(".png")),
        "file": path.name,
    }
