"""What a request leaves out, taken from a model; what says how to read the rest, folded into it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from limn.kernel import registry
from limn.kernel.errors import InputError, unknown_name
from limn.kernel.options import fields as read_fields
from limn.kernel.prompt import Prompt, Region
from limn.kernel.request import Request, options

if TYPE_CHECKING:
    from limn.kernel.guidance import Guidance

Fold = Callable[[Request], Request]
"""Takes up one option of a request into its other fields, and leaves that option as if it were not given."""

SCALE = "scale"
"""The slot of the guidance that takes a request's scale and negative prompt."""


def folded(request: Request, folds: Mapping[str, Fold], model: str) -> Request:
    """Return a request whose words are read as it asks.

    Args:
        request: What is asked.
        folds: What the model can take up, by the option's name, in the order in which it happens.
        model: Its name, for errors.

    Raises:
        InputError: If an option is given that the model cannot take up.
    """
    usual = {item.name: item.default for item in fields(Request)}
    for name, chosen in options().items():
        own = name in ("scale", "negative", "guide", "style")
        if chosen.folds and not own and name not in folds and getattr(request, name) != usual[name]:
            raise InputError(f"{name}: {model} cannot take it up; leave this out")
    for fold in folds.values():
        request = fold(request)
    return request


def placed(request: Request) -> Request:
    """Return a request whose regions stand in the prompts that hold their words.

    Raises:
        InputError: If the words of one are in no prompt.
    """
    regions = [region for region in request.region if isinstance(region, Region)]
    if len(regions) < len(request.region):
        raise InputError("region: this model reads no text here; give Region objects")
    for region in regions:
        if not any(region.words in prompt.text for prompt in request.prompts):
            raise InputError(f"region: {region.words[:60]!r} is in no prompt; use a piece of the prompt's own words")

    def with_regions(prompt: Prompt) -> Prompt:
        here = tuple(region for region in regions if region.words in prompt.text)
        return replace(prompt, regions=(*prompt.regions, *here)) if here else prompt

    return replace(request, prompts=tuple(map(with_regions, request.prompts)), region=())


def styled(request: Request, styles: Mapping[str, str], model: str) -> Request:
    """Return a request whose style stands in its prompts' words.

    Args:
        request: What is asked.
        styles: Words for each style the model knows, with ``{}`` where the prompt goes.
        model: Its name, for errors.

    Raises:
        InputError: If the model has no such style; the message has the nearest one.
    """
    if request.style is None:
        return request
    if request.style not in styles:
        raise unknown_name(f"style of {model}", request.style, styles)
    words = styles[request.style]
    prompts = tuple(prompt.saying(words.format(prompt.text)) for prompt in request.prompts)
    return replace(request, prompts=prompts, style=None)


def guidances(own: Sequence[Guidance], request: Request) -> tuple[Guidance, ...]:
    """Return a model's guidances, changed as a request asks, in the order in which they take their turns.

    A guidance that the model has by itself keeps the model's values where none are given; one that takes another's
    place (``apg`` that of ``classifier_free``) replaces it.

    Args:
        own: The model's own.
        request: Its ``guide`` adds or changes some, its ``scale`` and ``negative`` go to the one of slot
            ``scale``; its ``guidance`` takes the place of the model's own, as it is.

    Raises:
        InputError: If a guidance is unknown or a value is not allowed.
    """
    if request.guidance is not None:
        parts = [registry.parse("guidance", part) if isinstance(part, str) else part for part in request.guidance]
        return tuple(_steered(parts, request))
    usual = {registry.name_of(part): part for part in own}
    given = [_part(guide, usual) for guide in request.guide]
    names, slots = {registry.name_of(part) for part in given}, {part.slot for part in given if part.slot}
    kept = [part for name, part in usual.items() if name not in names and part.slot not in slots]
    parts = _steered([*kept, *given], request)
    return tuple(sorted(parts, key=lambda part: (part.rank, registry.name_of(part))))


def check_read(prompts: Sequence[Prompt], reads: Collection[str], parts: Sequence[Guidance], model: str) -> None:
    """Refuse prompts with pictures or neighbours that neither the model nor a guidance reads.

    Raises:
        InputError: Which ones, and what to do.
    """
    guided = any(part.reads_pictures for part in parts)
    for prompt in prompts:
        if prompt.images and "picture" not in reads and not guided:
            raise InputError(f"picture: {model} reads words only; use one that reads pictures, as --model vader")
        if prompt.neighbours and "neighbour" not in reads:
            raise InputError(f"retrieve: {model} reads no neighbours; use one that does, as --model reimagen")


def _part(guide: Any, own: Mapping[str, Guidance]) -> Guidance:
    from limn.kernel.guidance import Guidance  # torch; the command line folds requests without it

    if isinstance(guide, Guidance):
        return guide
    record = read_fields(guide) if isinstance(guide, str) else dict(guide)
    name = str(record.get("name"))
    before = own.get(registry.aliases("guidance").get(name, name))
    part = registry.build("guidance", {**(registry.record(before) if before else {}), **record})
    assert isinstance(part, Guidance)
    return part


def _steered(parts: Sequence[Guidance], request: Request) -> list[Guidance]:
    """Give scale and negative prompt to the guidance that has the slot for them."""
    given = {"scale": request.scale, "against": request.negative or None}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        return list(parts)
    usual = registry.parse("guidance", "classifier_free")
    holder = next((part for part in parts if part.slot == SCALE), usual)
    if request.scale == 0 and holder.off:  # no guidance, as in the field; by the formula the words would have no say
        changes["scale"], before = 1.0, holder
        holder = replace(usual, against=getattr(before, "against", ""))
        parts = [part for part in parts if part is not before]
    known = {field.name for field in fields(holder)}
    for name in changes:
        if name not in known:
            asked, owner = {"against": "negative"}.get(name, name), registry.name_of(holder)
            raise InputError(f"{asked}: {owner} takes none; see its own options with: limn guide show {owner}")
    changed = replace(holder, **changes)
    return [*(part for part in parts if part is not holder), changed]
