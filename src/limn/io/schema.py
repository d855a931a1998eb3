"""Closed schemas for configuration files: every field is known and bounded, or the file is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limn.kernel.errors import WeightsError, unknown_name

__all__ = ["FLAG", "Rule", "check_fields", "either", "many", "number", "one_of", "text", "whole"]


@dataclass(frozen=True)
class Rule:
    """What a field may hold.

    Args:
        says: The rule in words, for the message.
        allows: Whether a value keeps it.
    """

    says: str
    allows: Callable[[Any], bool]


def whole(least: int, most: int) -> Rule:
    """Allow whole numbers from ``least`` to ``most``."""
    return Rule(
        f"a whole number from {least} to {most}", lambda value: type(value) is int and least <= value <= most
    )


def number(least: float, most: float) -> Rule:
    """Allow finite numbers from ``least`` to ``most``."""
    return Rule(
        f"a number from {least} to {most}",
        lambda value: type(value) in (int, float) and math.isfinite(value) and least <= value <= most,
    )


def text(most: int = 300) -> Rule:
    """Allow text of at most ``most`` characters."""
    return Rule("text", lambda value: isinstance(value, str) and len(value) <= most)


def one_of(*values: Any) -> Rule:
    """Allow these values, type and all."""
    shown = " or ".join("null" if value is None else repr(value) for value in values)
    return Rule(shown, lambda value: any(type(value) is type(each) and value == each for each in values))


def many(rule: Rule, most: int = 8) -> Rule:
    """Allow a list of one to ``most`` items that keep a rule."""
    return Rule(
        f"a list of at most {most}, each {rule.says}",
        lambda value: isinstance(value, list) and 1 <= len(value) <= most and all(map(rule.allows, value)),
    )


def either(*rules: Rule) -> Rule:
    """Allow what one of the rules allows."""
    return Rule(", or ".join(rule.says for rule in rules), lambda value: any(rule.allows(value) for rule in rules))


FLAG = one_of(True, False)


def check_fields(
    path: Path, fields: Mapping[str, Any], rules: Mapping[str, Rule], required: Iterable[str] = ()
) -> None:
    """Check that every field is known and keeps its rule, and that none is missing.

    Args:
        path: The file, for the message.
        fields: What it says.
        rules: What each field may hold.
        required: Fields that must be there.

    Raises:
        WeightsError: a field is unknown, breaks its rule or is missing.

    >>> check_fields(Path("config.json"), {"heads": 8}, {"heads": whole(1, 64)})
    """
    for name, value in fields.items():
        if name not in rules:
            raise WeightsError(f"{path}: {unknown_name('field', name, rules)}"[:400])
        if not rules[name].allows(value):
            shown = repr(value)[:40]
            raise WeightsError(f"{path}: {name} is {shown}; limn takes {rules[name].says}"[:400])
    missing = [name for name in required if name not in fields]
    if missing:
        raise WeightsError(f"{path}: {missing[0]} is missing; get the file again")
