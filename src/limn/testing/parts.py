"""What a part of every kind must satisfy: its options are frozen data, written down and documented."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from pathlib import Path

from limn.kernel import registry


def check_part(kind: str, part: registry.Part) -> None:
    """Check what holds for parts of every kind.

    Args:
        kind: As the registry calls it, one of :data:`limn.kernel.registry.FOLDERS`.
        part: With any options.

    Raises:
        AssertionError: Its options are not frozen keyword-only data with documentation, its record does not give it
            back, or its paper is neither a BibTeX entry nor a key of limn's bibliography.
    """
    name, own = registry.name_of(part), type(part)
    written = own.__dict__.get("__dataclass_params__")
    assert written and written.frozen, f"{name}: is no frozen dataclass; write @dataclass(frozen=True, kw_only=True)"
    options = dataclasses.fields(part)
    assert all(option.kw_only for option in options), f"{name}: write kw_only=True, for options by name"
    record = json.loads(json.dumps(registry.record(part), allow_nan=False))
    assert registry.build(kind, record) == part, f"{name}: its record {record} does not give it back"
    assert hash(part) == hash(registry.build(kind, record)), f"{name}: equal ones have different hashes"
    assert own.__doc__, f"{name}: its class has no docstring; the first line is shown in lists"
    docs = "\n".join(inspect.cleandoc(base.__doc__ or "") for base in own.__mro__)
    for option in options:
        assert f"    {option.name}: " in docs, f"{name}: its docstring does not say what {option.name} does"
    bibliography = (Path(__file__).parents[1] / "references.bib").read_text("utf-8")
    known = not part.paper or part.paper.lstrip().startswith("@") or f"{{{part.paper}," in bibliography
    assert known, f"{name}: {part.paper} is not in limn's bibliography; let paper be the whole BibTeX entry"
    for alias in part.aliases:
        assert re.fullmatch(r"[\w+* -]+", alias), f"{name}: nobody can write the alias {alias!r} on a command line"
