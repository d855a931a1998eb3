"""The ``parameters`` text of A1111's web interface, which Forge, SD.Next, limn and others write too.

The prompt's lines; a line that begins with ``Negative prompt:`` and its further lines; last a line of settings,
``Steps: 20, Sampler: Euler a, Seed: 7, Model hash: 0123456789, Model: dream``, values with commas in quotes.
"""

from __future__ import annotations

import re

from limn.audit.provenance.record import Provenance, Texts, parsed, whole

_SETTING = re.compile(r'\s*(\w[\w \-/]*):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_NEGATIVE = "Negative prompt:"


def read(texts: Texts) -> Provenance | None:
    """Return what the text says; None where it is not of this form."""
    *lines, last = texts.get("parameters", "").strip().split("\n")
    settings = {name: _unquoted(value.strip()) for name, value in _SETTING.findall(last)}
    if "Steps" not in settings or "Seed" not in settings:
        return None
    prompt: list[str] = []
    for line in lines:
        if line.strip().startswith(_NEGATIVE):
            break
        prompt.append(line.strip())
    model = settings.get("Model") or settings.get("Model hash", "")
    return Provenance(tool="A1111", prompt=" ".join(prompt).strip(), seed=whole(settings["Seed"]), model=model)


def _unquoted(value: str) -> str:
    plain = parsed(value) if value.startswith('"') else None
    return plain if isinstance(plain, str) else value
