"""The command line of a benchmark: its options are the arguments of the functions that measure.

A positional argument of a function is one of the command, a keyword an option, ``*names`` takes one or more. Every
benchmark has two more options: ``--quick`` measures as little as runs through, on the sample of the tests, and
``--out FOLDER`` says where results and pictures go instead of their committed places.
"""

import argparse
import inspect
import os
import sys
import time
import typing
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from benchmarks.kit import results

PICTOGRAMS, SAMPLE = Path("data/pictograms"), Path("tests/sample/pictograms")
Measure = Callable[..., "Mapping[str, Any] | None"]


def run(measure: Measure | Mapping[str, Measure], name: str = "", *, main: str = "", quick: Any = None) -> None:
    """Measure as the command line says, and write each result.

    Args:
        measure: Returns figures, or None if it wrote what there is to write; or several such parts by name, of which
            the command line names those to measure, all unless it names any.
        name: The results' name, that of the module unless given; a part's name is added after ``_``.
        main: The part that is measured when none is named, and whose results have the plain name.
        quick: Arguments under ``--quick``.
    """
    module = sys.modules["__main__"]
    title = module.__spec__.name.removesuffix(".__main__")  # type: ignore[union-attr]
    name = name or title.rpartition(".")[2]
    parts = measure if isinstance(measure, Mapping) else {"": measure}
    parser = argparse.ArgumentParser(
        prog=f"python -m {title}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if "" not in parts:
        usual = [main] if main else [*parts]  # argparse looks for the whole default among the choices
        parser.add_argument(
            "parts", nargs="*", metavar="PART", choices=[*parts, usual], default=usual, help="of " + ", ".join(parts)
        )
    fields = {field.name: field for part in parts.values() for field in inspect.signature(part).parameters.values()}
    hints = {key: hint for part in parts.values() for key, hint in typing.get_type_hints(part).items()}
    for field in fields.values():
        _add(parser, field, hints[field.name])
    parser.add_argument("--quick", action="store_true", help="measure as little as runs through")
    parser.add_argument("--out", type=Path, help="folder of results and pictures")
    given = parser.parse_args()
    values = ({"data": SAMPLE, **(quick or {})} if given.quick else {}) | vars(given)
    if out := given.out or (Path("runs/quick") if given.quick else None):
        os.environ[results.OUT] = str(out.resolve())
    for part in given.parts if "" not in parts else [""]:
        start = time.monotonic()
        figures = _call(parts[part], values)
        if figures is None:
            continue
        file = name if part in ("", main) else f"{name}_{part}"
        print(results.write(file, figures, command(part, parts)), f"{time.monotonic() - start:.0f} s", flush=True)


def command(part: str = "", drop: Collection[str] = ()) -> str:
    """Return this command line, or that of one part of several: without the other words that name parts."""
    title = sys.modules["__main__"].__spec__.name.removesuffix(".__main__")  # type: ignore[union-attr]
    return " ".join(["python", "-m", title, *([part] if part else []), *(w for w in sys.argv[1:] if w not in drop)])


def _add(parser: argparse.ArgumentParser, field: inspect.Parameter, hint: Any) -> None:
    # A value that is not given is the part's own: parts may have an option in common, and not its default.
    options: dict[str, Any] = {"default": argparse.SUPPRESS} if field.default is not field.empty else {}
    if typing.get_origin(hint) is typing.Literal:
        options["choices"] = typing.get_args(hint)
    elif hint is bool:
        options["action"] = "store_true"
    else:
        options["type"] = next(kind for kind in (*typing.get_args(hint), hint) if kind is not type(None))
    if field.kind is field.VAR_POSITIONAL:
        parser.add_argument(field.name, nargs="+", metavar="WORD", **options)
    elif field.kind is field.KEYWORD_ONLY:
        parser.add_argument(f"--{field.name.strip('_').replace('_', '-')}", dest=field.name, **options)
    else:
        parser.add_argument(field.name, **({"nargs": "?"} if options.get("default") else {}), **options)


def _call(part: Measure, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
    fields = inspect.signature(part).parameters.values()
    plain = [values.get(field.name, field.default) for field in fields if field.kind is field.POSITIONAL_OR_KEYWORD]
    rest = [value for field in fields if field.kind is field.VAR_POSITIONAL for value in values[field.name]]
    named = {
        field.name: values[field.name]
        for field in fields
        if field.name in values and field.kind is field.KEYWORD_ONLY
    }
    return part(*plain, *rest, **named)
