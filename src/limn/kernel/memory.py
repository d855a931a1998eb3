"""Drawing when memory runs out: once, with half as many pictures together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import torch

from limn.kernel.errors import LimnError
from limn.kernel.generator import Generator, Picture, Progress
from limn.kernel.request import Item, Request
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
    done: Collection[int],
    batch: int,
    max_rows: int | None = None,
    ledger: Ledger | None = None,
) -> Iterator[Progress | Picture | Halved]:
    """Draw as :meth:`Generator.draw` does; where memory runs out, the rest is drawn with half as many together.

    Args:
        generator: The model.
        request: What to draw.
        done: Indices of pictures that exist already.
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
                raise _ran_out(size) from error
        _release(generator)
        size = batch // 2
        yield Halved(batch=size)


def together(
    generator: Generator, request: Request, items: Sequence[Item], *, most: int, ledger: Ledger | None = None
) -> Iterator[tuple[Sequence[Item], list[Picture]]]:
    """Draw as :meth:`Generator.together` does; where memory runs out, the rest in parts of half the size.

    Args:
        generator: The model.
        request: As there.
        items: What to draw.
        most: Pictures drawn together.
        ledger: Where forwards are noted.

    Yields:
        Items that were drawn together, and their pictures, in order.

    Raises:
        LimnError: As :func:`draw`.
    """
    size, start = most, 0
    while start < len(items):
        part = items[start : start + size]
        try:
            pictures = generator.together(request, part, ledger=ledger)
        except Exception as error:
            if not is_short(error):
                raise
            if len(part) == 1 or size < most:
                raise _ran_out(len(part)) from error
        else:
            start += len(part)
            yield part, pictures
            continue
        _release(generator)
        size = len(part) // 2


def _ran_out(size: int) -> LimnError:
    ways = "--max-rows 1 or a smaller --size" if size == 1 else f"--batch {max(1, size // 2)}"
    return LimnError(f"memory ran out with {size} pictures together; draw with {ways}")


def _release(generator: Generator) -> None:
    """Give back what did not fit, as the frames that held it are gone with the error, and the text encoders."""
    generator.drop_encoders()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
