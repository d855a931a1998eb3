"""Values of a recipe set from outside, such as ``optimiser.lr=0.001`` on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, get_type_hints

from limn.kernel.errors import InputError, unknown_name
from limn.kernel.options import convert, unquoted
from limn.train.recipe import Recipe, parse
from limn.train.task import find


def changed(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Return a recipe with some values set.

    Args:
        recipe: As it was read.
        settings: ``field=value`` or ``section.field=value``, such as ``optimiser.lr=0.001``; several values in one
            have bars between them, or spaces if they are numbers.

    Raises:
        InputError: A field is unknown, or a value is of another type or out of range.
    """
    values = asdict(recipe)
    for text in settings:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise InputError(f"{text[:60]!r}: write settings as section.field=value, such as optimiser.lr=0.001")
        hints = _hints(values["task"])
        if name not in hints:
            raise unknown_name("recipe field", name, hints)
        section, _, field = name.rpartition(".")
        (values[section] if section else values)[field] = convert(name, unquoted(value), hints[name])
    result = parse(values)
    find(result.task).objective_of(result)
    return result


def _hints(task: str) -> dict[str, Any]:
    """Return the type of each value of a task's recipes, by its full name."""
    kind, hints = find(task), get_type_hints(Recipe)
    hints |= {"objective": kind.Objective, "network": get_type_hints(kind.Network.__init__).get("config")}
    sections = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    result = {name: hint for name, hint in hints.items() if name not in (*sections, "network")}
    for name, section in sections.items():
        result |= {f"{name}.{field}": hint for field, hint in get_type_hints(section).items()}
    return result
