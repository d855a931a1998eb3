"""Drawing when memory runs out: once, with half as many pictures together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from limn.kernel.errors import LimnError
from limn.kernel.generator import Generator, Picture, Progress
from limn.kernel.request import Request
from limn.kernel.runner import Ledger

_SHORT = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


@dataclass(frozen=True, kw_only=True)
class Halved:
    """Memory ran out; drawing goes on with fewer pictures together.

    Args:
        batch: Pictures drawn together from here on.
    """

    batch: int


def is_short(error: BaseException) -> bool:
    """Say whether an error means that memory ran out, on a GPU or beside it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _SHORT)


def draw(
    generator: Generator,
    request: Request,
    *,
    done: Mapping[int, Path],
    batch: int,
    max_rows: int | None = None,
    ledger: Ledger | None = None,
) -> Iterator[Progress | Picture | Halved]:
    """Draw as :meth:`Generator.draw` does; where memory runs out, the rest is drawn with half as many together.

    Args:
        generator: The model.
        request: What to draw.
        done: Pictures that exist already, by index.
        batch: Pictures drawn together.
        max_rows: Most rows in one forward pass.
        ledger: Where forwards are noted.

    Raises:
        LimnError: Memory ran out for a single picture, or a second time; what was drawn has been yielded.
    """
    kept, size = set(done), batch
    while True:
        try:
            for event in generator.draw(request, done=kept, batch=size, max_rows=max_rows, ledger=ledger):
                if isinstance(event, Picture):
                    kept.add(event.item.index)
                yield event
            return
        except Exception as error:
            if not is_short(error):
                raise
            if size == 1 or size < batch:
                ways = "--max-rows 1 or a smaller --size" if size == 1 else f"--batch {max(1, size // 2)}"
                raise LimnError(f"memory ran out with {size} pictures together; draw with {ways}") from error
        # The frames that hold what did not fit are gone here, with the error.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        size = batch // 2
        yield Halved(batch=size)
