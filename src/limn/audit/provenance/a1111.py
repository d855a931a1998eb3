"""The ``parameters`` text of A1111's web interface, which Forge, SD.Next, limn and others write too.

The prompt's lines; a line that begins with ``Negative prompt:`` and its further lines; last a line of settings,
``Steps: 20, Sampler: Euler a, Seed: 7, Model hash: 0123456789, Model: dream``, values with commas in quotes.
"""

from __future__ import annotations

import re

from limn.audit.provenance.record import Provenance, Texts, parsed, whole

_SETTING = re.compile(r'\s*(\w[\w \-/]*):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_NEGATIVE = "Negative prompt:"
_NAMES = {
    "Steps": "steps", "Sampler": "sampler", "Schedule type": "spacing", "CFG scale": "scale", "Size": "size",
    "Clip skip": "clip_skip",
}  # fmt: skip
_ABOUT = re.compile(r"Seed|Model|Version|.* hash(es)?|Hashes")


def read(texts: Texts) -> Provenance | None:
    """Return what the text says; None where it is not of this form."""
    *lines, last = texts.get("parameters", "").strip().split("\n")
    settings = {name: _unquoted(value.strip()) for name, value in _SETTING.findall(last)}
    if "Steps" not in settings or "Seed" not in settings:
        return None
    asked: list[list[str]] = [[]]
    for line in lines:
        if line.strip().startswith(_NEGATIVE) and len(asked) == 1:
            asked.append([])
        asked[-1].append(line.strip().removeprefix(_NEGATIVE).strip())
    prompt, *negative = (" ".join(part).strip() for part in asked)
    own = {option: settings[name] for name, option in _NAMES.items() if name in settings}
    return Provenance(
        tool="A1111",
        prompt=prompt,
        seed=whole(settings["Seed"]),
        model=settings.get("Model") or settings.get("Model hash", ""),
        settings={**own, **({"negative": negative[0]} if negative else {})},
        unread=tuple(f"{name}: {value}" for name, value in settings.items()
                     if name not in _NAMES and not _ABOUT.fullmatch(name)),
    )  # fmt: skip


def _unquoted(value: str) -> str:
    plain = parsed(value) if value.startswith('"') else None
    return plain if isinstance(plain, str) else value
