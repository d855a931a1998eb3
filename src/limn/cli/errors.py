"""What is told of an error: one line on stderr, and with ``--json`` the same as an object on stdout."""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from limn.cli import doctor
from limn.cli.console import clean
from limn.io.atomic import explain
from limn.kernel.errors import AdapterWarning, LimnError, ModelWarning
from limn.kernel.registry import PluginWarning


def tell(error: Exception, words: Sequence[str], *, debug: bool = False) -> int:
    """Say what went wrong, and return the exit code.

    Args:
        error: What was raised.
        words: The command line; with ``--json`` the error is also ``{"error": {"kind", "message", "code"}}``.
        debug: Whether to show where it came from.
    """
    if debug:
        traceback.print_exception(error)
    message, code = _explained(error, debug)
    if "--json" in options(words):
        kind = type(error).__name__ if isinstance(error, LimnError) else "Error"
        print(json.dumps({"error": {"kind": kind, "message": message, "code": code}}, indent=2), flush=True)
    print(f"limn: error: {clean(message)}", file=sys.stderr)
    return code


def options(words: Sequence[str]) -> list[str]:
    """Return the words of a command line up to ``--``, behind which all are prompts."""
    return list(words[: words.index("--")] if "--" in words else words)


@contextmanager
def warned() -> Iterator[None]:
    """Say in one line what of a package, adapter or model is not as it should be; others come as Python has them."""

    def show(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
        if issubclass(category, PluginWarning | AdapterWarning | ModelWarning):
            print(f"limn: {clean(str(message))}", file=sys.stderr)
        else:
            print(warnings.formatwarning(message, category, filename, lineno), end="", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _explained(error: Exception, debug: bool) -> tuple[str, int]:
    """Return what to tell of an error, and the exit code."""
    if isinstance(error, OSError) and isinstance(error.filename, str):
        error = explain(error, Path(error.filename))
    if isinstance(error, LimnError):
        return str(error), error.exit_code
    if isinstance(error, OSError):
        return f"stdout: {error.strerror or error}; the result could not be printed", 1
    if isinstance(error, ModuleNotFoundError):
        return doctor.missing(error), 1
    if hasattr(error, "format_message"):
        return f"{error.format_message()} (limn --help)", getattr(error, "exit_code", 2)
    hint = "" if debug else "; run again with --debug to see where"
    return f"{type(error).__name__}: {error}{hint}", 1
