"""What an application of the server holds: one for each, nothing shared between two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from limn.io.targets import check_unlinked
from limn.kernel.errors import InputError
from limn.server.drawing import Studio
from limn.server.likeness import Likeness
from limn.server.queue import Queue
from limn.server.security import Access, Limits, body
from limn.server.worker import Worker, ended
from limn.store import Store


@dataclass(frozen=True, kw_only=True)
class State:
    """A running server's parts."""

    store: Store
    studio: Studio
    queue: Queue
    worker: Worker
    access: Access
    limits: Limits
    likeness: Likeness

    def refused(self, request: Request, status: int, words: str) -> JSONResponse:
        """Return an error as an answer."""
        headers = {"retry-after": "5"} if status == 429 else {}
        return JSONResponse(body(status, words, request.url.path), status, headers=headers)

    def file(self, folder: str, name: str) -> Path:
        """Return a file of the store.

        Raises:
            InputError: It is not there.
        """
        path = check_unlinked(self.store.root, self.store.root / folder / name)
        if not path.is_file():
            raise InputError(f"{folder}: {name[:60]!r} is not here")
        return path

    async def happenings(self, name: str, *, previews: bool = True) -> AsyncIterator[dict[str, Any]]:
        """Give what happens to a job until it ends, what is true now first; an empty event now and then."""
        listener = self.studio.events.listen(name, previews=previews)
        try:
            job = self.queue.get(name)
            event = ended(job) if job.ended else {"state": job.state, **self.studio.events.last(name)}
            yield event
            while not event.get("ended"):
                event = await listener.hear()
                if not event and (job := self.queue.get(name)).ended:
                    event = ended(job)
                yield event
        finally:
            self.studio.events.leave(listener)

    async def ended(self, name: str, wait: float) -> None:
        """Return when a job has ended, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                async for event in self.happenings(name, previews=False):
                    if event.get("ended"):
                        return
