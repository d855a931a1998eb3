"""How a request's words are read before anything is drawn: where they belong, and which letters only look Latin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from limn.kernel import registry
from limn.kernel.completion import placed
from limn.kernel.errors import InputError
from limn.kernel.prompt import Region
from limn.kernel.request import Request
from limn.text.homoglyphs import normalised
from limn.text.pictures import pictured
from limn.text.places import place, regions
from limn.text.tags import tagged

PAINTER: Final = "paint_with_words"
"""The guidance that regions bring with them where no other is named for them."""


def painted(request: Request) -> Request:
    """Return a request whose regions are read from text, tables and the painting.

    Raises:
        InputError: If one is not of a known form, or a colour has no painting.
    """
    written = [region for region in request.region if isinstance(region, str | Mapping)]
    if not request.regions and not request.region:
        return request
    read = regions([place(region) for region in written], Path(request.regions) if request.regions else None)
    ready = tuple(region for region in request.region if region not in written)
    painter = () if _paints(request) else (PAINTER,)
    return replace(request, region=(*ready, *read), regions="", guide=(*request.guide, *painter))


def latin(request: Request) -> Request:
    """Return a request in which letters that only look Latin are Latin, so that the record holds what is drawn."""
    return replace(request.rewritten(normalised), normalise=False) if request.normalise else request


def own_regions(requests: Sequence[Request]) -> list[Request]:
    """Return requests that share their regions with each only those whose words are in its prompts.

    Raises:
        InputError: If the words of a region are in no prompt of any.
    """
    used: set[Region] = set()
    result = []
    for request in requests:
        regions = [region for region in request.region if isinstance(region, Region)]
        here = tuple(region for region in regions if any(region.words in prompt.text for prompt in request.prompts))
        used.update(here)
        result.append(replace(request, region=here))
    for region in (region for request in requests for region in request.region if isinstance(region, Region)):
        if region not in used:
            raise InputError(f"region: {region.words[:60]!r} is in no prompt; use a piece of the prompt's own words")
    return result


def _paints(request: Request) -> bool:
    """Say whether a request names what paints its regions, or all of its guidances."""
    names = [
        guide.partition(":")[0].strip() if isinstance(guide, str)
        else str(guide.get("name")) if isinstance(guide, Mapping) else registry.name_of(guide)
        for guide in request.guide
    ]  # fmt: skip
    known = registry.aliases("guidance")
    return request.guidance is not None or any(known.get(name, name) == PAINTER for name in names)


FOLDS: Final = {
    "picture": pictured, "adapters": tagged, "regions": painted, "normalise": latin, "region": placed,
}  # fmt: skip
"""What any model can take up, by the option's name."""
