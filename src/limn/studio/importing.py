"""What another tool wrote into a picture, as the nearest request of limn."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limn.audit.provenance.read import read_provenance
from limn.audit.provenance.record import Provenance
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.request import MAX_SEED, options
from limn.kernel.sampler_names import read_name
from limn.store import read_record
from limn.text.tags import read_tags
from limn.text.weights import read_weights

_SPACINGS: Final[Mapping[str, str]] = {
    "automatic": "", "normal": "", "karras": "karras", "exponential": "exponential", "beta": "beta",
    "sgm_uniform": "trailing",
}  # fmt: skip
"""What tools call a spacing of noise levels; empty for the model's own."""

_COMPEL: Final = re.compile(r"\)\s?(?:[+-]+|\d+(?:\.\d+)?)(?=\W|$)|\w[+]+(?=[\s,]|$)")


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A request read from a picture.

    Args:
        tool: What drew it.
        given: Values by the names of options, and ``prompts``, as in a request file.
        notes: What the request does not say, and why, a sentence each.
    """

    tool: str
    given: Mapping[str, Any]
    notes: tuple[str, ...]

    def toml(self) -> str:
        """Return the request as a file of ``limn generate --request``."""
        return "\n".join(f"{name} = {_written(value)}" for name, value in self.given.items()) + "\n"


def imported(path: Path) -> Imported:
    """Read the request that comes nearest to how a picture was drawn.

    Args:
        path: A picture by A1111's interface or one that writes as it does, ComfyUI or InvokeAI.

    Raises:
        DataError: It is no readable picture.
        InputError: It does not say what was asked for, or limn drew it.
    """
    record = read_provenance(path)
    if _by_limn(path):
        raise InputError(
            f"{path}: was drawn by limn; limn runs replay {path} draws it again, limn runs show prints it"
        )
    if record is None:
        raise InputError(f"{path}: does not say how it was drawn; name a picture as its tool saved it")
    if record.gap:
        raise InputError(f"{path}: does not say what was asked for ({record.tool}: {record.gap})")
    given: dict[str, Any] = {}
    notes = [f"{setting}: has no option here" for setting in record.unread]
    for name, text in record.settings.items():
        try:
            given |= _option(name, text)
        except (InputError, ValueError, OverflowError):
            notes.append(f"{name}: {text[:60]!r} is not here; the model's own is used")
    prompt = " ".join([record.prompt, *(f"<lora:{name}:{weight}>" for name, weight in record.adapters)])
    plain, tags = read_tags(prompt)
    if record.tool == "InvokeAI":
        notes += ["prompts: weights in InvokeAI's way are read as plain text"] * bool(_COMPEL.search(plain))
    elif read_weights(plain)[1]:
        given["guide"] = ["token_weights"]
    if tags:
        notes.append(f"adapters: name the folder of {', '.join(name for name, _ in tags)} with --adapters")
    return Imported(tool=record.tool, given={"prompts": [prompt.strip()], **given, **_drawn(record, notes)}, notes=(
        *notes, "noise: every tool has its own, so that the picture will be another one",
    ))  # fmt: skip


def _by_limn(path: Path) -> bool:
    """Say whether a picture has a record of limn."""
    try:
        read_record(path)
    except InputError:
        return False
    return True


def _drawn(record: Provenance, notes: list[str]) -> dict[str, Any]:
    """Return the seed and the model, and note what is not told."""
    result: dict[str, Any] = {}
    if record.seed is not None and record.seed < MAX_SEED:
        result["seed"] = record.seed
    elif record.seed is not None:
        notes.append(f"seed: {record.seed} is above what a request may say")
    if record.model:
        result["model"] = record.model
        notes.append(f"model: the file calls it {record.model[:100]!r}; say with --model where it is")
    else:
        notes.append("model: the file does not name it; say which with --model")
    return result


def _option(name: str, text: str) -> dict[str, Any]:
    """Return a setting as options of drawing.

    Raises:
        InputError: It has no such value.
        ValueError: It is not a number.
    """
    if name == "sampler":
        own, spacing = read_name(text.removesuffix("_gpu"))
        registry.parse("samplers", own)
        return {"sampler": own, **({"spacing": spacing} if spacing else {})}
    if name == "spacing":
        known = text.lower().replace(" ", "_")
        if known not in _SPACINGS:
            raise InputError(f"spacing: {text!r}")
        return {"spacing": _SPACINGS[known]} if _SPACINGS[known] else {}
    if name == "clip_skip":
        return {"clip_skip": skip} if (skip := int(text) - 1) > 0 else {}
    value = options()[name].kind(text)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name}: {text}")
    return {name: value} if text else {}


def _written(value: Any) -> str:
    """Return a value in TOML, whose text is that of JSON but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
