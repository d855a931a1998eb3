"""Regions as they are written: words that belong to a colour of a painting, or to a box."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limn.io.files import read_bounded
from limn.kernel.errors import InputError
from limn.kernel.prompt import Region

FILES: Final = (".safetensors", ".pt", ".bin", ".ckpt")  # the last three are refused, by their names
MAX_BYTES: Final = 50_000_000
_PULLED: Final = re.compile(r"(?P<words>.*?)@(?P<name>[A-Za-z0-9][\w.-]*/[^@:]+(@[\w./-]+)?(:[-+.\d]+)?)", re.DOTALL)
"""Words, and an adapter by its repository."""

USE: Final = "write '#ff0000=a red heart', or '0,0,0.5,1=a cat' with left, top, right and bottom from 0 to 1"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where words belong.

    Args:
        words: A piece of the prompt.
        colour: A colour of the painting, as ``#rrggbb``; empty for a box.
        box: Left, top, right, bottom as shares of the sides.
        weight: Strength of the region.
        adapter: File of an adapter that acts there, or what it was pulled as.
    """

    words: str
    colour: str = ""
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    weight: float = 1.0
    adapter: str = ""


def place(written: str | Mapping[str, Any]) -> Place:
    """Read a region from text, or from a table with ``words``, ``colour`` or ``box``, ``weight`` and ``adapter``.

    Raises:
        InputError: If it is not of that form.

    >>> place("#F00=a red heart@0.5")
    Place(words='a red heart', colour='#ff0000', box=(0.0, 0.0, 1.0, 1.0), weight=0.5, adapter='')
    >>> place("0,0,0.5,1=a <zorp>@zorp.safetensors:0.8").adapter
    'zorp.safetensors:0.8'
    >>> place("0,0,0.5,1=a cat@owner/felt@v2:0.8").adapter
    'owner/felt@v2:0.8'
    >>> place("0,0,0.5,1=a cat").box
    (0.0, 0.0, 0.5, 1.0)
    """
    if isinstance(written, str):
        where, equals, words = written.partition("=")
        words, weight = _tail(words, lambda tail: _number(tail) is not None)
        words, adapter = _tail(words, _names_adapter)
        if not adapter and (match := _PULLED.fullmatch(words)):
            words, adapter = match["words"], match["name"]
        fields: Mapping[str, Any] = {
            "words": words,
            "weight": weight or 1.0,
            "adapter": adapter,
            "colour" if where.strip().startswith("#") else "box": where,
        }
        if not equals:
            raise InputError(f"region {written[:60]!r}: has no '='; {USE}")
    else:
        fields = written
    return _place(str(written)[:60], fields)


def regions(places: Sequence[Place], painting: Path | None) -> tuple[Region, ...]:
    """Return the regions of a call.

    Args:
        places: Where words belong.
        painting: The PNG that colours are looked up in.

    Raises:
        InputError: If a colour has no painting, or the painting cannot be used.
    """
    coloured: dict[str, Place] = {}
    for each in places:
        if each.colour and coloured.setdefault(each.colour, each) is not each:
            raise InputError(f"region {each.colour}: is given twice; one colour stands for one piece of the prompt")
    boxes = tuple(
        Region(words=each.words, box=each.box, weight=each.weight, adapter=each.adapter)
        for each in places
        if not each.colour
    )
    if painting is None:
        if coloured:
            raise InputError(f"region {next(iter(coloured))}: a colour needs a painting; add --regions FILE.png")
        return boxes
    if not coloured:
        raise InputError(f"{painting}: no region says what a colour stands for; add --region '#ff0000=a red heart'")
    return (*_painted(painting, coloured), *boxes)


def _painted(painting: Path, coloured: Mapping[str, Place]) -> tuple[Region, ...]:
    from dataclasses import replace

    from limn.text.regions import regions_from_painting

    data = read_bounded(painting, MAX_BYTES, "save the painting smaller", error=InputError)
    try:
        made = regions_from_painting(data, {colour: each.words for colour, each in coloured.items()})
    except InputError as error:
        raise InputError(f"{painting}: {str(error).removeprefix('painting: ')}") from None
    pairs = zip(made, coloured.values(), strict=True)
    return tuple(replace(region, weight=each.weight, adapter=each.adapter) for region, each in pairs)


def _place(shown: str, fields: Mapping[str, Any]) -> Place:
    unknown = set(fields) - {"words", "colour", "box", "weight", "adapter"}
    words, colour, weight = fields.get("words"), fields.get("colour", ""), _number(fields.get("weight", 1.0))
    if unknown or not isinstance(words, str) or not words.strip() or ("colour" in fields) == ("box" in fields):
        raise InputError(f"region {shown!r}: is not of a known form; {USE}")
    if weight is None:
        raise InputError(f"region {shown!r}: its weight is no number; write it at the end, as @0.5")
    adapter = fields.get("adapter", "")
    if not isinstance(adapter, str):
        raise InputError(f"region {shown!r}: its adapter is no text; give the name of a file")
    if "colour" in fields:
        return Place(words=words.strip(), colour=_colour(shown, str(colour)), weight=weight, adapter=adapter)
    box = fields["box"].split(",") if isinstance(fields["box"], str) else fields["box"]
    sides = [_number(each) for each in box] if isinstance(box, (list, tuple)) else []
    if len(sides) != 4 or None in sides:
        raise InputError(f"region {shown!r}: a box has four numbers; {USE}")
    left, top, right, bottom = (each or 0.0 for each in sides)
    return Place(words=words.strip(), box=(left, top, right, bottom), weight=weight, adapter=adapter)


def _tail(words: str, belongs: Callable[[str], bool]) -> tuple[str, str]:
    """Split what stands behind the last @ off, if it is of the kind that belongs there."""
    text, at, tail = words.rpartition("@")
    return (text, tail.strip()) if at and belongs(tail.strip()) else (words, "")


def _names_adapter(tail: str) -> bool:
    name, colon, weight = tail.rpartition(":")
    file = name if colon and _number(weight) is not None else tail
    return file.endswith(FILES) or (bool(file) and (Path(file).expanduser() / "adapter_config.json").exists())


def _colour(shown: str, text: str) -> str:
    found = text.strip().lower()
    if not re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", found):
        raise InputError(f"region {shown!r}: {text[:20]!r} is no colour; {USE}")
    return found if len(found) == 7 else "#" + "".join(2 * digit for digit in found[1:])


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < float("inf") else None
