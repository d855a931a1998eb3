"""The command line: one verb, one file."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

import limn
from limn.cli import audit, cite, data, doctor, edit, generate, models, parts, plugins, runs, scene, train, upscale
from limn.cli.console import clean
from limn.kernel.errors import LimnError
from limn.kernel.registry import PluginWarning

__all__ = ["app", "main", "run"]

INTERRUPTED = 130

app = typer.Typer(
    name="limn",
    help="Words into pictures.",
    # Plain help needs no rich, which keeps `limn --help` quick.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"limn {limn.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error came from; may stand anywhere.")
    ] = False,
) -> None:
    """Words into pictures."""


app.command("generate")(generate.generate)
app.command("scene")(scene.scene)
app.command("edit")(edit.edit)
app.command("upscale")(upscale.upscale)
for kind, noun, about in (
    ("guidance", "guide", "List the ways of steering, and show one."),
    ("samplers", "sampler", "List the walks from noise to picture, and show one."),
    ("readers", "reader", "List what reads pictures for audits, and show one."),
):
    app.add_typer(parts.app(kind, noun, about), name=noun)
app.command("plugins")(plugins.plugins)
app.command("models")(models.models)
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")
app.add_typer(audit.app, name="audit")
app.command("train")(train.train)
app.command("doctor")(doctor.doctor)
app.command("cite")(cite.cite)


def main() -> None:
    """Run the command line with the arguments of this process."""
    # Threads that wait by spinning slow a busy machine down tenfold; read when torch is first imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; keep Python from complaining about it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; errors become one line on stderr.

    Args:
        arguments: As they stand behind ``limn``.

    Returns:
        0, 1 when something failed, 2 for bad input, 130 when interrupted.
    """
    words, debug = _without_debug(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warned  # type: ignore[assignment]
            code = typer.main.get_command(app).main(args=words, prog_name="limn", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        message, code = _explained(error, debug)
        print(f"limn: error: {clean(message)}", file=sys.stderr)
        return code


def _warned(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
    """Say what a package that cannot be used is, in one line; other warnings come as Python writes them."""
    if issubclass(category, PluginWarning):
        print(f"limn: {clean(str(message))}", file=sys.stderr)
    else:
        print(warnings.formatwarning(message, category, filename, lineno), end="", file=sys.stderr)


def _explained(error: Exception, debug: bool) -> tuple[str, int]:
    """Return what to tell of an error, and the exit code."""
    if isinstance(error, LimnError):
        return str(error), error.exit_code
    if isinstance(error, ModuleNotFoundError):
        return doctor.missing(error), 1
    if hasattr(error, "format_message"):
        return f"{error.format_message()} (limn --help)", getattr(error, "exit_code", 2)
    hint = "" if debug else "; run again with --debug to see where"
    return f"{type(error).__name__}: {error}{hint}", 1


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Take ``--debug`` out, which may stand anywhere before ``--``."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    return [*(word for word in words[:end] if word != "--debug"), *words[end:]], "--debug" in words[:end]
