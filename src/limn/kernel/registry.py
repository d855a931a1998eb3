"""Registered parts: frozen dataclasses, found by the name of their file or by the entry point of a package.

A part's fields are at once its constructor, its command-line options (``--guide sld:scale=2000,warmup=7``), its JSON
record and its test parameters. ``guidance/apg.py`` holds ``APG``, registered as ``apg``. An installed package adds
``mine`` by an entry point of the group ``limn.guidance`` that names the class; a class that no package registers is
used as an object, and goes by its own name.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
import sys
import typing
import warnings
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from limn.kernel.errors import InputError, unknown_name
from limn.kernel.options import convert, fields

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

FOLDERS: typing.Final[Mapping[str, str]] = {
    "guidance": "limn.guidance",
    "samplers": "limn.samplers",
    "codecs": "limn.codecs",
    "edit": "limn.edit",
    "models": "limn.models",
    "families": "limn.models",
    "judges": "limn.models.judges",
    "studies": "limn.audit.studies",
    "readers": "limn.audit.readers",
    "tasks": "limn.train.tasks",
    "learners": "limn.personalise",
    "recipes": "limn.synth.recipes",
    "classifiers": "limn.synth.classifiers",
    "interventions": "limn.synth.interventions",
}
"""Kinds of parts, and where limn's own are; a package's are entry points of the group ``limn.KIND``."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """Base of registered parts; subclasses are frozen, keyword-only dataclasses.

    ``paper`` is the citation key of the method's source in ``references.bib``, or its whole BibTeX entry;
    ``aliases`` are other names that it goes by, such as the paper's short name.
    """

    paper: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()


class PluginWarning(UserWarning):
    """A part of an installed package cannot be used."""


def find(kind: str, name: str) -> type[Part]:
    """Return the class of a registered part.

    Args:
        kind: One of :data:`FOLDERS`.
        name: Its name, or another name that it goes by.

    Raises:
        InputError: If there is none; the message has the nearest name.

    >>> find("samplers", "ddim").__name__, find("samplers", "dpm").__name__
    ('DDIM', 'DPMpp2M')
    """
    part = _registered(kind, name)
    if part is None:
        known = aliases(kind)
        if name not in known:
            raise unknown_name(_noun(kind), name, names(kind), known)
        part = _registered(kind, known[name])
    assert part is not None
    return part


def names(kind: str) -> list[str]:
    """Return the names of all registered parts of a kind, sorted."""
    return sorted(name for name in {*_modules(kind), *plugins(kind)} if _registered(kind, name) is not None)


def name_of(part: Part | type[Part]) -> str:
    """Return the name under which a part is registered, or else that of its class in small letters.

    >>> name_of(parse("guidance", "cfg"))
    'classifier_free'
    """
    return _name(part if isinstance(part, type) else type(part))  # type: ignore[arg-type]


def build(kind: str, record: Mapping[str, Any]) -> Any:
    """Build a part from its record.

    Args:
        kind: One of :data:`FOLDERS`.
        record: ``{"name": ..., field: value, ...}``, values as JSON or as command-line text.

    Raises:
        InputError: If the name or a field is unknown, a value does not fit its field, or the part came
            from a package that is not installed.
    """
    name = record.get("name") if isinstance(record, Mapping) else None
    if not isinstance(name, str):
        raise InputError(f'{_noun(kind)}: the record has no name; add "name"')
    part = _outside(kind, name, record["from"]) if "from" in record else find(kind, name)
    hints = _hints(part)  # type: ignore[arg-type]
    known = {field.name for field in dataclasses.fields(part)}
    values = {}
    for key, value in record.items():
        if key in ("name", "from"):
            continue
        if key not in known:
            raise unknown_name(f"option of {_noun(kind)} {name}", key, known)
        values[key] = convert(f"{name}:{key}", value, hints[key], lambda inner: _nested(kind, inner))
    if missing := [key for key in needed(part) if key not in values]:
        raise InputError(f"{_noun(kind)} {name}: needs {' and '.join(missing)}; write {name}:{missing[0]}=...")
    return part(**values)


def needed(part: type[Part]) -> list[str]:
    """Return the names of the options that have no default."""
    options, missing = dataclasses.fields(part), dataclasses.MISSING
    return [option.name for option in options if option.default is option.default_factory is missing]


def parse(kind: str, text: str) -> Any:
    """Build a part from command-line text.

    Args:
        kind: One of :data:`FOLDERS`.
        text: ``name`` or ``name:field=value,field=value``; a value may be quoted to hold commas.

    Raises:
        InputError: As :func:`build`, and when the text is not of that form.

    >>> parse("guidance", "classifier_free:scale=3").scale
    3.0
    """
    return build(kind, fields(text))


def record(part: Part) -> dict[str, Any]:
    """Return a part as JSON-ready data from which :func:`build` makes an equal part.

    A part from outside limn says under ``from`` which module, class, package and version it is.

    >>> record(parse("samplers", "ddim:eta=0.5"))
    {'name': 'ddim', 'eta': 0.5}
    """
    hints = _hints(type(part))  # type: ignore[arg-type]
    options = {name: _plain(getattr(part, name), hints[name]) for name in (f.name for f in dataclasses.fields(part))}
    origin = _origin(type(part))
    return {"name": name_of(part), **options, **({"from": origin} if origin else {})}


@cache
def plugins(kind: str) -> Mapping[str, EntryPoint]:
    """Return the entry points by which installed packages add parts of a kind, by name.

    A name that limn itself has, or that two packages give, is warned of; limn's own, or the first, stays.
    """
    from importlib.metadata import entry_points  # slow to import, and help needs none

    added: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=f"limn.{kind}"), key=lambda entry: (entry.name, package(entry))):
        if entry.name in _modules(kind) or entry.name in added:
            warnings.warn(
                f"{_said(entry)}: there is a {_noun(kind)} of that name already; it is left out", PluginWarning
            )
        else:
            added[entry.name] = entry
    return added


def package(entry: EntryPoint) -> str:
    """Return the name and version of the package that an entry point belongs to."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else ""


@cache
def load(kind: str, name: str) -> Any:
    """Return what the entry point of a package names; None, with one warning, where it cannot be imported."""
    entry = plugins(kind)[name]
    try:
        return entry.load()
    except Exception as error:  # a package may fail in any way; that must not cost the command
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        warnings.warn(f"{_said(entry)}: cannot be loaded ({reason}); mend or uninstall the package", PluginWarning)
        return None


def _said(entry: EntryPoint) -> str:
    return f"plugin {entry.name} of {package(entry)} ({entry.value})"


def _registered(kind: str, name: str) -> type[Part] | None:
    if name in plugins(kind):
        part = load(kind, name)
    elif name in _modules(kind):
        module = importlib.import_module(f"{FOLDERS[kind]}.{name}")
        plain = name.replace("_", "")
        classes = [value for value in vars(module).values() if isinstance(value, type)]
        part = next((value for value in classes if value.__name__.lower() == plain), None)
    else:
        return None
    usable = isinstance(part, type) and issubclass(part, Part) and not inspect.isabstract(part)
    return part if usable else None


@cache
def _modules(kind: str) -> tuple[str, ...]:
    try:
        folder = importlib.import_module(FOLDERS[kind])
    except ModuleNotFoundError:
        return ()
    paths = getattr(folder, "__path__", ())
    return tuple(sorted(info.name for info in pkgutil.iter_modules(paths) if not info.name.startswith("_")))


@cache
def aliases(kind: str) -> Mapping[str, str]:
    """Return the other names that parts of a kind go by, each with the registered one."""
    parts = {name: _registered(kind, name) for name in names(kind)}
    return {alias: name for name, part in parts.items() if part is not None for alias in part.aliases}


@cache
def _name(part: type[Part]) -> str:
    for folder in FOLDERS.values():
        if part.__module__.startswith(f"{folder}."):
            return part.__module__.removeprefix(f"{folder}.").partition(".")[0]
    entry = _entry(part)
    return entry.name if entry else re.sub("(?<!^)(?=[A-Z])", "_", part.__name__).lower()


def _entry(part: type[Part]) -> EntryPoint | None:
    value = f"{part.__module__}:{part.__qualname__}"
    return next((entry for kind in FOLDERS for entry in plugins(kind).values() if entry.value == value), None)


def _origin(part: type[Part]) -> dict[str, str]:
    """Say where a part comes from that is not limn's own."""
    if part.__module__.partition(".")[0] == "limn":
        return {}
    entry = _entry(part)
    dist = entry.dist if entry else None
    origin = {"module": part.__module__, "class": part.__qualname__}
    return {**origin, **({"package": dist.name, "version": dist.version} if dist else {})}


def _outside(kind: str, name: str, origin: Any) -> type[Part]:
    """Find a part that is not limn's own; nothing is imported because a record says so."""
    known = _registered(kind, name) if name in plugins(kind) else None
    if known is not None:
        return known
    text = {key: str(value)[:200] for key, value in origin.items()} if isinstance(origin, Mapping) else {}
    module, qualname = text.get("module", ""), text.get("class", "")
    value = getattr(sys.modules.get(module), qualname, None)
    if isinstance(value, type) and issubclass(value, Part):
        return value
    remedy = "import that module first, in Python"
    if text.get("package"):
        remedy = f"install the package {text['package']} {text.get('version', '')}".rstrip()
    raise InputError(
        f"{_noun(kind)} {name[:200]}: it is {qualname or 'a class'} of {module or 'nowhere'}, not here; {remedy}"
    )


@cache
def _hints(part: type[Part]) -> dict[str, Any]:
    return typing.get_type_hints(part)


def _nested(kind: str, value: Any) -> Any:
    return parse(kind, value) if isinstance(value, str) else build(kind, value)


def _plain(value: Any, hint: Any) -> Any:
    """Return a value as JSON has it; a whole number in place of any number is written as what text would make it."""
    if isinstance(value, Part):
        return record(value)
    if isinstance(value, tuple):
        kinds = typing.get_args(hint) or (Any,)
        return [_plain(item, kinds[0]) for item in value]
    wanted = {hint, *typing.get_args(hint)}
    return float(value) if type(value) is int and float in wanted and int not in wanted else value


def _noun(kind: str) -> str:
    return f"{kind[:-3]}y" if kind.endswith("ies") else kind.removesuffix("s")
