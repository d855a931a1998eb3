"""Samplers by the names that people know: ``DPM++ 2M Karras`` is a sampler and how its noise levels are spaced."""

from __future__ import annotations

import re
from typing import Final

from limn.kernel import registry
from limn.kernel.errors import InputError

SPACINGS: Final = {"karras": "karras", "exponential": "exponential", "beta": "beta", "k": "karras"}
"""Last words of a name that are a spacing, with the spacing; ``_k`` is that of InvokeAI."""


def read_name(text: str, spacing: str = "") -> tuple[str, str]:
    """Take a spacing out of a sampler's name.

    Args:
        text: A sampler with its options, as ``"ddim:eta=1"`` or ``"DPM++ 2M Karras"``.
        spacing: The spacing that is asked for beside it.

    Returns:
        The sampler with its registered name, and the spacing. A name that is no sampler comes back as it is.

    Raises:
        InputError: If the name fits several samplers, or two spacings are asked for.

    >>> read_name("DPM++ 2M Karras"), read_name("Euler a"), read_name("dpmpp_2m_sde_k")
    (('dpmpp_2m', 'karras'), ('euler_ancestral', ''), ('dpmpp_2m_sde', 'karras'))
    """
    name, colon, options = text.partition(":")
    known = {_plain(alias): own for alias, own in registry.aliases("samplers").items()}
    known |= {_plain(own): own for own in registry.names("samplers")}
    plain = _plain(name)
    rest, _, last = plain.rpartition("_")
    if plain not in known and last in SPACINGS:
        if spacing not in ("", SPACINGS[last]):
            raise InputError(f"spacing: {name.strip()!r} is spaced as {SPACINGS[last]}; leave out {spacing}")
        plain, spacing = rest, SPACINGS[last]
    if plain not in known:
        fits = sorted({own for alias, own in known.items() if alias.startswith(f"{plain}_")})
        if len(fits) > 1:
            raise InputError(f"sampler: {name.strip()!r} fits several; name one of {', '.join(fits)}")
    return known.get(plain, name) + colon + options, spacing


def _plain(name: str) -> str:
    """Return a name without what people write in different ways: capitals, spaces, ``++``, a leading ``k_``."""
    plain = re.sub(r"[\s_-]+", "_", name.strip().lower().replace("++", "pp"))
    return plain.removeprefix("k_")
