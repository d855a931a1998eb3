"""One run of learning, kept on the disk, so that what is measured today goes on tomorrow."""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.kit.results import OUT
from benchmarks.kit.timing import peak
from limn.kernel import registry
from limn.personalise.loop import Plan
from limn.personalise.pictures import read
from limn.store import Store
from limn.studio.learning import Asked, Teaching


def runs() -> Path:
    """Return where runs are kept: with the results, where those go to a place of their own."""
    return Path(os.environ.get(OUT, "runs")) / "learning"


class Budget:
    """Minutes after which no new run begins; 0 for no end."""

    def __init__(self, minutes: float) -> None:
        self.end = time.monotonic() + 60 * minutes if minutes else float("inf")

    @property
    def over(self) -> bool:
        """Whether no new run begins."""
        return time.monotonic() > self.end


def taught(
    folder: Path, text: str, files: Sequence[Path], captions: Sequence[str], *,
    seed: int, steps: int = 0, held: int | None = None, model: str = "emoji", looks: int = 4,
) -> tuple[Path, dict[str, Any]]:  # fmt: skip
    """Learn; returns what was written, and what it cost."""
    method = registry.parse("learners", text)
    whole = getattr(method, "rank", None) == 0
    asked = Asked(
        method=method, model=model, pictures=read(files, captions), seed=seed, held=held,
        out=folder / ("model" if whole else "learned.safetensors"), plan=Plan(steps=steps, every=100, looks=looks),
    )  # fmt: skip
    start, processor = time.monotonic(), time.process_time()
    teaching = Teaching(asked, Store(runs() / "store"))
    if (request := teaching.drawing()) is not None:
        list(teaching.draw(request))
    list(teaching.learn())
    path, learning = teaching.write(), teaching.learning
    assert learning is not None
    shutil.rmtree(asked.work)
    return path, {
        "seconds": round(time.monotonic() - start, 1),
        "processor": round(time.process_time() - processor, 1),
        "peak MiB": peak(),
        "steps": learning.step,
        "kept": learning.kept_at,
        "history": [[one.step, one.held, one.drift, one.copies] for one in learning.history],
    }
