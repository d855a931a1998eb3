"""Ctrl-C and SIGTERM, answered in one place.

A signal raises nothing where the work is done: libraries that are being imported, or that answer errors in their own
way, would swallow it. A thread that the system wakes ends the process instead, whatever the work is doing. Files are
written whole or not at all, so that may be at any moment; only a file at work is waited for. What holds work in
memory asks to end by itself (:func:`finishing`).

Nothing else of limn is imported here, so that signals are answered from the first moments on.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_FILE, _WORDS = 3.0, 1.0  # seconds that a file at work and the last words may take
_ONE = 0.25  # seconds in which signals count as one: `timeout` and some shells send each twice


class _Watch:
    """What this process knows of signals."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.words: Callable[[], str] = str
        self.finishing = False  # whether the verb ends by itself when asked
        self.number, self.since = 0, 0.0  # the first signal, and when it came
        self.ending = False

    def listen(self, pipe: int) -> None:
        """Answer signals, whose numbers the system writes into a pipe."""
        while True:
            byte = os.read(pipe, 1)
            if not byte:
                return
            number = byte[0]
            with self.lock:
                again = bool(self.number)
                if not again:
                    self.number, self.since, self.ending = number, time.monotonic(), not self.finishing
            if not again:
                threading.Thread(target=self.end if self.ending else self.announce, daemon=True).start()
            elif time.monotonic() - self.since > _ONE:
                os._exit(128 + self.number)

    def announce(self) -> None:
        """Say that the verb ends by itself."""
        say(self.words() or "stopping", "again to stop at once")

    def end(self) -> None:
        """End the process between two files."""
        writing = getattr(sys.modules.get("limn.io.atomic"), "WRITING", None)
        if writing is not None:
            writing.acquire(timeout=_FILE)
        last = threading.Thread(target=self.part, daemon=True)
        last.start()
        last.join(_WORDS)
        os._exit(128 + self.number)

    def part(self) -> None:
        """Say what is kept, and clean up: temporary folders, processes."""
        with suppress(Exception):
            say_stopped()
            sys.stdout.flush()
            atexit._run_exitfuncs()


_watch = _Watch()


def watch() -> None:
    """Answer signals from here on, unless they are to be ignored, as behind ``nohup``."""
    if sys.platform == "win32":  # signals wake no thread there; Ctrl-C raises as usual
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch.listen, args=(reading,), daemon=True).start()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def say(*words: str) -> None:
    """Print a line on stderr, with the cursor that a progress bar may have hidden."""
    shown = "\x1b[?25h\r\n" if sys.stderr.isatty() else ""
    print(f"{shown}limn: {'; '.join(words)}", file=sys.stderr, flush=True)


def say_stopped() -> None:
    """Say that the work was stopped, and what is kept."""
    say(*filter(None, ("stopped", _watch.words())))


def on_stop(words: Callable[[], str]) -> None:
    """Set what is told when a signal ends the work: what is kept, and how to go on."""
    _watch.words = words


@contextmanager
def finishing(words: str) -> Iterator[Callable[[], int]]:
    """Let the work inside the block end by itself at a signal; a second one ends the process at once.

    Args:
        words: What is told at the signal.

    Yields:
        A function that returns the signal's number, 0 before there was one.
    """
    before, _watch.words = _watch.words, lambda: words
    with _watch.lock:
        _watch.finishing = True
    try:
        yield lambda: _watch.number
    finally:
        with _watch.lock:
            _watch.finishing = False
        _watch.words = before


def settle() -> None:
    """Wait for the end where a signal is about to bring it, so that nothing else is told or returned."""
    if _watch.ending:
        threading.Event().wait()
