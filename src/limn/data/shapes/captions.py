"""Put shapes scenes into words: captions to train on, prompts to evaluate with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from limn.data.example import Example, drawn
from limn.data.paraphrase import Dice, article, listing
from limn.data.shapes.scene import Object, Scene, Split, batch, scene
from limn.kernel.errors import unknown_name

COUNTS = {"one": 1, "two": 2, "three": 3}
OPTIONAL = ("size", "texture", "place", "background")
"""What a short caption may leave out; shape and colour are always named."""

_AT = ("at the {}", "in the {}", "on the {}")
_SIZES = {"small": ("small", "little", "tiny"), "large": ("large", "big")}
_GROUND = (
    "{things} on a {ground} background",
    "{things}, {ground} background",
    "on a {ground} background, {things}",
    "a {ground} picture with {things}",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A prompt and exactly what it asks for; what it does not name is free.

    Args:
        text: The prompt.
        objects: For each object asked for, its named fields and their values.
        background: The background, or None where it is not named.
        scene: The scene the prompt was made from: one right answer.
    """

    text: str
    objects: tuple[Mapping[str, str], ...]
    background: str | None
    scene: Scene


def _noun(thing: Object, keep: frozenset[str], dice: Dice, alone: bool) -> str:
    """Name one object: "a large striped red circle at the top left"; its place may come first if alone."""
    size = dice.choose(_SIZES[thing.size]) + " " if "size" in keep else ""
    texture = thing.texture + " " if "texture" in keep else ""
    swap = dice.pick(3) == 2
    middle = f"{thing.colour} {texture}" if swap else f"{texture}{thing.colour} "
    words = article(f"{size}{middle}{thing.shape}")
    if "place" not in keep:
        return words
    at = dice.choose(_AT[:2] if thing.place == "centre" else _AT).format(thing.place)
    return f"{at} {words}" if alone and dice.pick(4) == 3 else f"{words} {at}"


def _sentence(scene: Scene, keep: frozenset[str], dice: Dice) -> str:
    nouns = [_noun(thing, keep, dice, len(scene.objects) == 1) for thing in scene.objects]
    for k in range(len(nouns) - 1, 0, -1):  # any order; as they stand without a generator
        j = k - dice.pick(k + 1)
        nouns[k], nouns[j] = nouns[j], nouns[k]
    things = listing(nouns)
    if "background" not in keep:
        return things
    return dice.choose(_GROUND).format(things=things, ground=scene.background)


def caption(scene: Scene, rng: np.random.Generator | None = None, *, full: float = 0.5) -> str:
    """Describe a scene in one of many ways.

    Args:
        scene: What to describe.
        rng: Chooses words, order and what is left out; None gives the plain full caption.
        full: Share of captions that name every factor; the others drop each optional one half of the time.

    Returns:
        A caption that names every object, and at least its colour and shape.

    >>> from limn.data.shapes.scene import Object, Scene
    >>> ball = Object(shape="circle", colour="orange", size="large", texture="striped", place="top left")
    >>> caption(Scene(background="white", objects=(ball,)))
    'a large striped orange circle at the top left on a white background'
    """
    keep = frozenset(OPTIONAL)
    if rng is not None and rng.random() >= full:
        keep = frozenset(name for name, kept in zip(OPTIONAL, rng.random(4) < 0.5, strict=True) if kept)
    return _sentence(scene, keep, Dice(rng))


def captions(scene: Scene, rng: np.random.Generator) -> tuple[str, ...]:
    """Describe a scene in five ways: plain and full, two full paraphrases, a partial one and the shortest.

    Args:
        scene: What to describe.
        rng: Source of all randomness.

    Returns:
        Five captions; the first three name every factor.
    """
    return (
        caption(scene),
        caption(scene, rng, full=1),
        caption(scene, rng, full=1),
        caption(scene, rng, full=0),
        _sentence(scene, frozenset(), Dice(rng)),
    )


def examples(
    n: int, seed: int = 0, *, objects: tuple[int, ...] = (1, 2, 3), split: Split = "train"
) -> Iterator[Example]:
    """Draw examples; the same arguments give the same ones.

    Args:
        n: How many.
        seed: Number of the stream.
        objects: Object counts to choose from.
        split: As for batch.

    Returns:
        Pictures with five captions each, and the scene as attributes "background" and "objects".
    """
    draw = partial(batch, objects=objects, split=split)
    return drawn(f"shapes-{split}-{seed}", split, n, np.random.default_rng(seed), draw, captions)


def _ask(scene: Scene, keep: frozenset[str]) -> Asked:
    fields = ["shape", "colour", *(name for name in ("size", "texture", "place") if name in keep)]
    return Asked(
        text=_sentence(scene, keep, Dice(None)),
        objects=tuple({field: getattr(thing, field) for field in fields} for thing in scene.objects),
        background=scene.background if "background" in keep else None,
        scene=scene,
    )


def prompts(
    kind: Literal["one", "two", "three"],
    n: int,
    seed: int,
    *,
    detail: Literal["full", "short"] = "full",
    split: Split = "train",
) -> list[Asked]:
    """Build a fixed set of prompts, with what a right picture must show.

    Args:
        kind: How many objects each prompt asks for.
        n: How many prompts; no scene comes twice.
        seed: The same seed gives the same prompts.
        detail: "full" names every factor, "short" only colour and shape.
        split: "pair" asks in every prompt for a (colour, shape) pair that training never showed.

    Returns:
        The prompts in a fixed order.

    Raises:
        InputError: kind, detail or split is unknown.

    >>> prompts("two", 1, seed=4, detail="short")[0].text
    'a pink circle and a purple circle'
    """
    if kind not in COUNTS:
        raise unknown_name("kind", kind, COUNTS)
    if detail not in ("full", "short"):
        raise unknown_name("detail", detail, ("full", "short"))
    rng = np.random.default_rng(seed)
    keep = frozenset(OPTIONAL if detail == "full" else ())
    asked: dict[Scene, Asked] = {}
    while len(asked) < n:
        one = scene(rng, objects=(COUNTS[kind],), split=split)
        asked.setdefault(one, _ask(one, keep))
    return list(asked.values())
