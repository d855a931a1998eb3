"""Draw a request by the workers of an engine: batches are cut as one process cuts them, and each is drawn whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from limn.io.cluster import Cluster
from limn.kernel.errors import LimnError
from limn.kernel.generator import Picture
from limn.kernel.memory import is_short
from limn.kernel.request import Item, Request
from limn.kernel.runner import Ledger


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What a worker sends back for one batch.

    Args:
        pictures: What it drew.
        ledger: What it asked of its model.
        circumstances: Under which it drew.
    """

    pictures: Sequence[Picture]
    ledger: Ledger
    circumstances: Mapping[str, Any]


def shared(
    engine: Cluster,
    request: Request,
    *,
    done: Collection[int],
    batch: int,
    max_rows: int | None,
    ledger: Ledger,
    record: dict[str, Any],
) -> Iterator[Picture]:
    """Draw what is missing of a request.

    Args:
        engine: What has the workers; each loads the request's model.
        request: A complete one.
        done: Indices of pictures that exist already.
        batch: Pictures drawn together.
        max_rows: Most rows in one forward pass.
        ledger: Where forwards are noted.
        record: Gets the ``circumstances`` of the pictures that come next.

    Yields:
        Pictures, batch by batch, in the order in which they are finished.

    Raises:
        InputError: The engine cannot be used.
        LimnError: A worker died too often, or memory ran out.
    """
    items = request.items()
    chunks = [items[start : start + batch] for start in range(0, len(items), batch)]
    parts = [chunk for chunk in chunks if any(item.index not in done for item in chunk)]
    for _, answer in engine.map(partial(_drawer, request, engine.device, max_rows), parts):
        ledger.forwards += answer.ledger.forwards
        ledger.unread |= answer.ledger.unread
        for index, branches in answer.ledger.branches.items():
            ledger.branches.setdefault(index, branches)
        record["circumstances"] = dict(answer.circumstances)
        yield from (picture for picture in answer.pictures if picture.item.index not in done)


def _drawer(request: Request, device: str, max_rows: int | None) -> Callable[[Sequence[Item]], Shared]:
    """Return what draws batches in a worker."""
    from limn import models
    from limn.models.environment import facts

    generator, where = models.load(request.model, device=device), facts(device, request)
    if generator.weights != request.weights:
        raise LimnError(f"engine: a worker has other weights under the name {request.model}; bring them level")

    def draw(items: Sequence[Item]) -> Shared:
        ledger = Ledger()
        try:
            pictures = generator.together(request, items, ledger, max_rows=max_rows)
        except Exception as error:
            if not is_short(error):
                raise
            raise LimnError(
                f"memory ran out with {len(items)} pictures together; draw with --batch {max(1, len(items) // 2)}"
            ) from None
        return Shared(pictures=pictures, ledger=ledger, circumstances=where)

    return draw
