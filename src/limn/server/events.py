"""From the thread that draws to the connections that listen."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Final

MOST: Final = 64
"""Events that wait for a slow listener; beyond that, the oldest are dropped, since the next one says it all."""

Event = dict[str, Any]


class Events:
    """Who listens to which job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, list[Listener]] = {}
        self._last: dict[str, Event] = {}

    def wanted(self, job: str) -> bool:
        """Say whether anybody wants to see the guesses at a job's pictures."""
        return any(listener.previews for listener in self._listeners.get(job, ()))

    def tell(self, job: str, event: Event) -> None:
        """Tell those who listen; called from any thread."""
        with self._lock:
            self._last[job] = event
            if event.get("ended"):
                self._last.pop(job)
            listeners = list(self._listeners.get(job, ()))
        for listener in listeners:
            listener.tell(event)

    def last(self, job: str) -> Event:
        """Return the last thing that was told of a job at work."""
        return self._last.get(job, {})

    def listen(self, job: str, *, previews: bool = True) -> Listener:
        """Return what hears what happens to a job from now on, guesses at its pictures too where they are wanted."""
        listener = Listener(self, job, previews)
        with self._lock:
            self._listeners.setdefault(job, []).append(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Tell a listener nothing any more."""
        with self._lock:
            left = self._listeners.get(listener.job, [])
            if listener in left:
                left.remove(listener)
            if not left:
                self._listeners.pop(listener.job, None)


class Listener:
    """One connection that hears of a job; made in its event loop."""

    def __init__(self, events: Events, job: str, previews: bool = True) -> None:
        self.events, self.job, self.previews = events, job, previews
        self.loop, self.queue = asyncio.get_running_loop(), asyncio.Queue[Event]()

    async def hear(self, pause: float = 10.0) -> Event:
        """Return what happens next; nothing after a pause."""
        try:
            return await asyncio.wait_for(self.queue.get(), pause)
        except TimeoutError:
            return {}

    def tell(self, event: Event) -> None:
        """Take an event, from any thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._put, event)

    def _put(self, event: Event) -> None:
        while self.queue.qsize() >= MOST:
            self.queue.get_nowait()
        self.queue.put_nowait(event)
