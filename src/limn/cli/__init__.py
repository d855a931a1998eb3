"""The command line: one verb, one file."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from limn.cli import interrupts

__all__ = ["main", "run"]

STOPPED = 128
"""Exit codes above it are those of signals."""


def main() -> None:
    """Run the command line with the arguments of this process."""
    _fill_streams()  # before the pipe of signals could take the place of one
    interrupts.watch()
    # Threads that wait by spinning slow a busy machine down tenfold; read when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    interrupts.settle()
    try:
        sys.stdout.flush()
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # where the reader has gone, nobody is there to tell
            print(f"limn: error: stdout: {error.strerror}; the result could not be printed", file=sys.stderr)
        # Keep Python from complaining about it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; errors become one line on stderr.

    Args:
        arguments: As they stand behind ``limn``.

    Returns:
        0, 1 when something failed, 2 for bad input, 130 or 143 when stopped by Ctrl-C or SIGTERM.
    """
    import typer

    from limn.cli import errors
    from limn.cli.app import app

    before = errors.options(arguments)
    debug = "--debug" in before
    words = [*(word for word in before if word != "--debug"), *arguments[len(before) :]]
    interrupts.on_stop(str)
    try:
        with errors.warned():
            code = typer.main.get_command(app).main(args=words, prog_name="limn", standalone_mode=False)
        code = code if isinstance(code, int) else 0
        if code > STOPPED:
            interrupts.say_stopped()
        return code
    except Exception as error:
        interrupts.settle()
        return errors.tell(error, words, debug=debug)


def _fill_streams() -> None:
    """Give streams that were closed somewhere to go, lest files that are opened take their places."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            place = os.open(os.devnull, os.O_RDWR)
            if place != number:
                os.dup2(place, number)
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115
            if name == "stdout":
                print("limn: error: stdout is closed; give it somewhere to go, as > FILE", file=sys.stderr)
                sys.exit(1)
