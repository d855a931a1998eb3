"""What reaches the terminal: results on stdout, everything else on stderr, foreign text made harmless."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

JOINERS = "\u200c\u200d"
MAX_COLUMNS = 128
QUIET_SECONDS = 10.0


def clean(text: object) -> str:
    """Return text in which control characters and half characters are visible and change nothing.

    >>> clean("a\\x1b[31m red")
    'a\\\\x1b[31m red'
    """
    return "".join(
        character if character.isprintable() or character in JOINERS else repr(character)[1:-1]
        for character in str(text)
    )


def result(text: object) -> None:
    """Print a line of the result on stdout: as it is for programs, made harmless for a terminal."""
    print(clean(text) if sys.stdout.isatty() else text)


def say(text: object) -> None:
    """Print a line for the person on stderr."""
    print(clean(text), file=sys.stderr)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, error: bool = False) -> None:
    """Print a table on stdout, or on stderr; a table that is not read on a terminal is not cut."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(clean(cell)) for cell in row))
    _console(error).print(made)


def picture(path: Path) -> None:
    """Draw a picture on stderr, two pixels in each character."""
    from rich.text import Text

    from limn.io.pictures import MAX_ENLARGED, read_picture

    console = _console(True)
    if console.color_system is None:
        say(f"{path.name}: colours cannot be shown here")
        return
    image = read_picture(path, max_pixels=MAX_ENLARGED)
    image.thumbnail((min(console.width, MAX_COLUMNS), MAX_COLUMNS))
    width, height = image.size
    for top in range(0, height, 2):
        line = Text(end="")
        for left in range(width):
            above, below = (image.getpixel((left, min(row, height - 1))) for row in (top, top + 1))
            line.append("▀", style="rgb({},{},{}) on rgb({},{},{})".format(*above, *below))  # type: ignore[misc]
        console.print(line, no_wrap=True)


def duration(seconds: float) -> str:
    """Return a time as hours, minutes and seconds.

    >>> duration(75), duration(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: float) -> str:
    """Return a number of bytes for people.

    >>> size(512), size(16_400_000)
    ('512 B', '16.4 MB')
    """
    units = ["B", "kB", "MB", "GB", "TB"]
    place = 0
    while count >= 1000 and place < len(units) - 1:
        count, place = count / 1000, place + 1
    return f"{count:.0f} {units[place]}" if place == 0 else f"{count:.1f} {units[place]}"


class Meter:
    """A progress bar on stderr with pace and time left; a line now and then where there is no terminal.

    Args:
        what: What is counted, in the plural.
        kept: How many of them exist already; they do not count for the pace.
    """

    def __init__(self, what: str, *, kept: int = 0) -> None:
        self.what, self.kept = what, kept
        self._start = self._said = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> Meter:
        if sys.stderr.isatty():
            from rich.progress import BarColumn, Progress, TextColumn

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[pace]}"),
            )
            self._bar = Progress(*columns, console=_console(True), transient=True)
            self._bar.start()
            self._bar.add_task("starting", total=None, pace="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def restart(self) -> None:
        """Count the pace from here on."""
        self._start, self.kept = time.monotonic(), 0

    def say(self, text: str) -> None:
        """Print a line on stderr while the bar stays."""
        if self._bar is not None:
            self._bar.console.print(clean(text))
        else:
            say(text)

    def at(self, done: float, total: int, note: str = "") -> None:
        """Show how far the work is.

        Args:
            done: How many are done, those kept included; may be a fraction.
            total: How many there are.
            note: What is being done.
        """
        pace = (done - self.kept) / max(time.monotonic() - self._start, 1e-9)
        left = duration((total - done) / pace) if pace > 0 else "?"
        count = f"{int(done)} of {total} {self.what}"
        self.show(done, total, f"{note}: {count}" if note else count, f"{pace:.1f} a second, {left} left")

    def show(self, done: float, total: float, text: str, pace: str) -> None:
        """Show a share with words of one's own.

        Args:
            done: How much is done.
            total: How much there is.
            text: What is being done.
            pace: How fast, and how long it still takes.
        """
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0], completed=done, total=total, description=clean(text), pace=clean(pace)
            )
        elif now - self._said >= QUIET_SECONDS:
            self._said = now
            say(f"{text}, {pace}")


def _console(error: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else 10_000
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False, soft_wrap=False)
