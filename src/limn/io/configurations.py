"""Configurations: small files of closed form, every field known, typed and bounded.

A configuration that limn writes is a dataclass (:func:`read_config`); one of another project is checked field by
field by rules (:func:`check_fields`). What does not fit is refused by name.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import tomllib
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from limn.io.files import first_line, read_bounded
from limn.kernel.errors import InputError, LimnError, WeightsError, unknown_name

MAX_CONFIG: Final = 2**20

_LEVELS: Final = 8
_MARKS: Final = 10_000
_QUOTED: Final = re.compile(
    r'''"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*+"|'[^'\n]*+'|\#[^\n]*+''', re.DOTALL
)
_DEEP: Final = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{_LEVELS}}}[\w-]")
_CODE: Final = {
    "auto_map", "trust_remote_code", "custom_pipelines", "_attn_implementation", "_attn_implementation_internal",
    "attn_implementation", "_experts_implementation", "experts_implementation",
}  # fmt: skip

C = TypeVar("C")


def require(condition: bool, message: str) -> None:
    """Raise :class:`InputError` with a message unless the condition holds."""
    if not condition:
        raise InputError(message)


def check_range(config: object, **bounds: tuple[int, int]) -> None:
    """Check that whole-number fields lie within bounds, both included.

    Args:
        config: Any object with the fields.
        bounds: (least, most) of each field.

    Raises:
        InputError: a field is no whole number or out of bounds.
    """
    for name, (least, most) in bounds.items():
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            shown = str(value)[:40]
            raise InputError(f"{name} must be a whole number from {least} to {most}, not {shown}")


def read_config(kind: type[C], fields: Mapping[str, Any] | Path) -> C:
    """Build a configuration from the fields of a file, and nothing else.

    Args:
        kind: A dataclass that checks its bounds itself.
        fields: What the file says, or the JSON file.

    Returns:
        The configuration.

    Raises:
        WeightsError: an unknown field, or a value of another type or out of bounds.
    """
    where = f"configuration of {kind.__name__.removesuffix('Config')}"
    if isinstance(fields, Path):
        where, fields = str(fields), read_json(fields)
    try:
        return build(kind, fields, what="configuration field")
    except InputError as error:
        raise WeightsError(f"{where}: {error}") from None


def build(kind: type[C], fields: Mapping[str, Any], *, what: str, where: str = "") -> C:
    """Build a dataclass from nested fields of exactly its types; a whole number may stand for a float.

    Args:
        kind: The dataclass; dataclasses among its fields are tables.
        fields: From JSON or TOML.
        what: What a field is called in an error.
        where: What stands before the fields' names in an error, such as ``"data."``.

    Raises:
        InputError: a field is unknown, missing or of another type.

    >>> build(Rule, {"says": 3}, what="field")
    Traceback (most recent call last):
    limn.kernel.errors.InputError: says must be str, not int
    """
    require(isinstance(fields, Mapping), f"{where.rstrip('.') or what} must be a table, not {type(fields).__name__}")
    hints, values = typing.get_type_hints(kind), {}
    for name, value in fields.items():
        if name not in hints:
            raise unknown_name(what, f"{where}{name}", [where + known for known in hints])
        values[name] = _typed(where + name, value, hints[name], what)
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        bare = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if bare and field.name not in values:
            raise InputError(f"{where}{field.name} is missing")
    return kind(**values)


def _typed(name: str, value: Any, hint: Any, what: str) -> Any:
    wanted, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if wanted is typing.Literal:
        if value not in inner:
            raise unknown_name(name, str(value), inner)
        return value
    if isinstance(value, Mapping) and dataclasses.is_dataclass(wanted):
        return build(wanted, value, what=what, where=f"{name}.")  # type: ignore[arg-type]
    if wanted is float and type(value) is int:
        value = float(value)
    if wanted is tuple and type(value) is list:
        value = tuple(value)
    if type(value) is not wanted:
        raise InputError(f"{name} must be {getattr(wanted, '__name__', 'a table')}, not {type(value).__name__}")
    if wanted is tuple and inner[0] is str and not all(isinstance(item, str) for item in value):
        raise InputError(f"{name} must be a list of texts")
    if wanted is float and not math.isfinite(value):
        raise InputError(f"{name} must be a finite number")
    return value


def read_json(
    path: Path, *, limit: int = MAX_CONFIG, infinite: bool = False, quantised: bool = False
) -> dict[str, Any]:
    """Read a JSON object from a small file.

    Args:
        path: The file.
        limit: Most bytes it may have.
        infinite: Whether it may say ``Infinity``, as diffusers' schedulers do.
        quantised: Whether it may say that its weights are packed, under ``quantization_config``; who reads it checks
            how.

    Returns:
        The object.

    Raises:
        WeightsError: the file is missing, too large, no JSON object, names a field twice, holds NaN, or asks to
            run code that comes with it.
    """
    fields = parse_json(
        path, read_bounded(path, limit, "a configuration is far smaller, get it again"), infinite=infinite
    )
    keys = _all_keys({name: own for name, own in fields.items() if not quantised or name != "quantization_config"})
    if "quantization_config" in keys:
        raise WeightsError(
            f"{path}: says that its weights are quantised, which limn does not read here; get those of 16 or 32 bits"
        )
    asked = sorted(_CODE & keys)
    if asked:
        raise WeightsError(f"{path}: {asked[0]} asks to run code from the folder; limn runs none, remove the field")
    return fields


def read_toml(path: Path, *, remedy: str = "name another file") -> dict[str, Any]:
    """Read a small TOML file.

    Args:
        path: The file.
        remedy: What to do where it is too large.

    Raises:
        InputError: the file is missing, too large, too deep or no TOML.
    """
    data = read_bounded(path, MAX_CONFIG, remedy, error=InputError)
    try:
        text = data.decode()
        _check_depth(path, text)
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not sound TOML ({' '.join(str(error).split())[:100]}); mend it") from None


def _check_depth(path: Path, text: str) -> None:
    """Refuse what takes the parser far more memory than its text: long dotted keys, and very many of them."""
    bare = _QUOTED.sub("_", text)
    if _DEEP.search(bare):
        raise InputError(f"{path}: a key of more than {_LEVELS} levels; limn knows none, mend it")
    if sum(map(bare.count, "=[{")) > _MARKS:
        raise InputError(f"{path}: more than {_MARKS:,} keys and tables; no file that limn reads has so many")


def parse_json(
    path: Path,
    text: bytes,
    *,
    error: type[LimnError] = WeightsError,
    remedy: str = "get the file again",
    infinite: bool = False,
) -> dict[str, Any]:
    """Parse a JSON object in which no name stands twice and no number is NaN.

    Args:
        path: The file, for the message.
        text: What it says.
        error: What is raised where it is not sound.
        remedy: What to do then.
        infinite: Whether numbers may be infinite.
    """

    def constant(name: str) -> float:
        return float(name) if infinite and name != "NaN" else no_number(name)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields = dict(pairs)
        if len(fields) < len(pairs):
            raise ValueError("a name stands twice")
        return fields

    try:
        plain = text.decode("utf-8")
        fields = json.loads(plain, object_pairs_hook=once, parse_constant=constant, parse_float=finite)
    except (ValueError, RecursionError) as reason:
        raise error(f"{path}: is damaged, not sound JSON ({first_line(reason)[:80]}); {remedy}") from None
    if not isinstance(fields, dict):
        raise error(f"{path}: is damaged, a JSON object is expected; {remedy}")
    return fields


def no_number(constant: str) -> NoReturn:
    """Refuse NaN and infinity, which Python's JSON has and JSON has not."""
    raise ValueError(f"{constant} is no JSON")


def finite(text: str) -> float:
    """Read a number of JSON that a float can hold."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _all_keys(value: Any) -> set[str]:
    keys, left = set[str](), [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            keys.update(value)
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return keys


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
    return Rule(shown, lambda value: any(type(value) is type(allowed) and value == allowed for allowed in values))


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
