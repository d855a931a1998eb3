"""What a person asks for, before a model fills in the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from limn.guidance.classifier_free import ClassifierFree
from limn.kernel import options, registry
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.guidance import Guidance
from limn.kernel.prompt import Prompt, Region
from limn.kernel.request import Request
from limn.models import vocabulary
from limn.text.homoglyphs import normalised

__all__ = ["Draft", "Guide", "check_regions", "guidances"]

Guide = str | Mapping[str, Any] | Guidance
"""A guidance as text (``"sld:preset=strong"``), as a record (``{"name": "safety", ...}``) or as a part."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What is to be drawn, with the model's own values for what is left out.

    Args:
        prompts: What is to be drawn, in order.
        n: Pictures for each prompt.
        seed: Seed of each prompt's first picture.
        steps: Steps of the sampler.
        size: Height and width in pixels.
        sampler: Text such as ``"ddim:eta=1"``.
        style: One of the model's styles.
        scale: Guidance scale of the guidance that has one.
        negative: What must not be seen.
        guidance: Further guidances, as :func:`guidances` takes them.
        regions: Where words belong; each is given to the prompts that hold its words.
        normalise: Whether letters that only look Latin become Latin in all of these words
            (:func:`limn.text.homoglyphs.normalise`), so that the request holds what is drawn.
        familiar: Whether words that the model never learned are read as the nearest thing that it did
            (:mod:`limn.encoders.familiar`); the request holds what they are read as.
    """

    prompts: tuple[Prompt, ...]
    n: int = 1
    seed: int = 0
    steps: int | None = None
    size: tuple[int, int] | None = None
    sampler: str | None = None
    style: str | None = None
    scale: float | None = None
    negative: str = ""
    guidance: tuple[Guide, ...] = ()
    regions: tuple[Region, ...] = ()
    normalise: bool = False
    familiar: bool = False

    def __post_init__(self) -> None:
        if self.normalise:
            object.__setattr__(self, "prompts", tuple(_changed(each, normalised) for each in self.prompts))
            object.__setattr__(self, "negative", normalised(self.negative))
            object.__setattr__(
                self, "regions", tuple(replace(each, words=normalised(each.words)) for each in self.regions)
            )

    def request(self, generator: Generator) -> Request:
        """Say completely what a model is to draw.

        Raises:
            InputError: If a value is not allowed for the model, guidances cannot be used together, or the words that
                the model has learned are not known.
        """
        read = _reader(generator) if self.familiar else str
        return generator.request(
            [_changed(self._placed(prompt), read) for prompt in self.prompts],
            n=self.n,
            seed=self.seed,
            steps=self.steps,
            size=self.size,
            sampler=self.sampler,
            style=self.style,
            guidance=guidances(generator, scale=self.scale, negative=self.negative, extra=self.guidance),
        )

    def _placed(self, prompt: Prompt) -> Prompt:
        here = tuple(region for region in self.regions if region.words in prompt.text)
        return replace(prompt, regions=(*prompt.regions, *here)) if here else prompt


def _changed(prompt: Prompt, read: Callable[[str], str]) -> Prompt:
    """Return a prompt whose words, and those of its regions, are read anew."""
    regions = tuple(replace(region, words=read(region.words)) for region in prompt.regions)
    return replace(prompt, text=read(prompt.text), regions=regions)


def _reader(generator: Generator) -> Callable[[str], str]:
    """Return what reads a text in words that a model has learned."""
    known = vocabulary(generator.name)
    if known is None:
        raise InputError(f"familiar: {generator.name} does not say which words it has learned; leave this out")
    return lambda text: known(text).text


def check_regions(drafts: Iterable[Draft]) -> None:
    """Make sure that the words of every region stand in a prompt.

    Raises:
        InputError: If those of one stand in none.
    """
    drafts = list(drafts)
    texts = [prompt.text for draft in drafts for prompt in draft.prompts]
    for region in (region for draft in drafts for region in draft.regions):
        if not any(region.words in text for text in texts):
            raise InputError(f"region: {region.words[:60]!r} is in no prompt; use a piece of the prompt's own words")


def guidances(
    generator: Generator,
    *,
    scale: float | None = None,
    negative: str | None = None,
    extra: Sequence[Guide] = (),
) -> list[Guidance]:
    """Return a model's guidances, changed as asked, in the order in which they take their turns.

    A guidance that the model has by itself keeps the model's values where none are given; one that takes another's
    place (``projected`` that of ``classifier_free``) replaces it.

    Args:
        generator: The model.
        scale: Guidance scale, of whichever guidance has the slot ``scale``.
        negative: Negative prompt of the same guidance.
        extra: Further guidances.

    Raises:
        InputError: If a guidance is unknown or a value is not allowed.
    """
    own = {registry.name_of(each): each for each in generator.guidance}
    given = [_part(each, own) for each in extra]
    names, slots = {registry.name_of(each) for each in given}, {each.slot for each in given if each.slot}
    kept = [each for name, each in own.items() if name not in names and each.slot not in slots]
    parts = _steered(
        [*kept, *given], {"scale": scale if scale is None else float(scale), "against": negative or None}
    )
    return sorted(parts, key=lambda each: (each.rank, registry.name_of(each)))


def _part(guide: Guide, own: Mapping[str, Guidance]) -> Guidance:
    if isinstance(guide, Guidance):
        return guide
    said = options.fields(guide) if isinstance(guide, str) else dict(guide)
    before = own.get(str(said.get("name")))
    part = registry.build("guidance", {**(registry.record(before) if before else {}), **said})
    assert isinstance(part, Guidance)
    return part


def _steered(parts: list[Guidance], values: Mapping[str, Any]) -> list[Guidance]:
    """Give scale and negative prompt to the guidance that has the slot ``scale``."""
    changes = {name: value for name, value in values.items() if value is not None}
    if not changes:
        return parts
    holder = next((each for each in parts if each.slot == ClassifierFree.slot), None) or ClassifierFree()
    known = {each.name for each in fields(holder)}  # type: ignore[arg-type]
    for name in changes:
        if name not in known:
            asked, owner = {"against": "negative"}.get(name, name), registry.name_of(holder)
            raise InputError(f"{asked}: {owner} takes none; see its own options with: limn guide show {owner}")
    changed = replace(holder, **changes)  # type: ignore[type-var]
    return [*(each for each in parts if each is not holder), changed]
