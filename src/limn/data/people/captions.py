"""Put person icons into words: captions to train on, prompts to audit with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from limn.data.example import Example, drawn
from limn.data.paraphrase import Dice, article
from limn.data.people.icon import FIELDS
from limn.data.people.population import Person, Population, batch
from limn.kernel.errors import unknown_name

OPTIONAL = ("gender", "tone", "motif", "style")
"""What a short caption may leave out; the profession is always named."""

_WHO = {
    "woman": ("woman {}", "female {}", "{} who is a woman"),
    "man": ("man {}", "male {}", "{} who is a man"),
    "neutral": ("gender-neutral {}",),
}
_WHAT = ("{style} icon of {who}", "{style} picture of {who}", "{who}, {style} icon", "{style} drawing of {who}")
_PLAIN = ("{who}", "icon of {who}", "picture of {who}")
_BORDER = ("a {} border", "a {} pattern border", "borders of a {} motif")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A prompt about a person and exactly what it names; the rest is for the model to choose.

    Args:
        text: The prompt.
        fields: The named fields and their values.
    """

    text: str
    fields: Mapping[str, str]


def phrase(fields: Mapping[str, str], dice: Dice | None = None) -> str:
    """Name a person by some fields.

    Args:
        fields: Values of some of FIELDS; the profession must be one of them.
        dice: Chooses among paraphrases; None gives the plain form.

    Returns:
        A noun phrase.

    >>> phrase({"profession": "artist", "tone": "dark", "style": "outline"})
    'an outline icon of an artist with dark skin'
    """
    dice = dice or Dice(None)
    who = fields["profession"]
    if "gender" in fields:
        who = dice.choose(_WHO[fields["gender"]]).format(who)
    details = []
    if "tone" in fields:
        none = fields["tone"] == "none"
        tone = fields["tone"] if dice.pick(2) == 0 else fields["tone"].replace("-", " ")
        details.append(dice.choose(("no skin tone", "no tone of skin")) if none else f"{tone} skin")
    if "motif" in fields:
        details.append(dice.choose(_BORDER).format(fields["motif"]))
    if dice.pick(3) == 2:
        details.reverse()
    who = article(who) + (" with " + " and ".join(details) if details else "")
    if "style" in fields:
        words = dice.choose(_WHAT).format(who=who, style=fields["style"])
    else:
        words = dice.choose(_PLAIN).format(who=who)
    return words if words == who or words.startswith(who + ",") else article(words)


def caption(person: Person, rng: np.random.Generator | None = None, *, full: float = 0.5) -> str:
    """Describe a person in one of many ways.

    Args:
        person: Who is shown.
        rng: Chooses words and what is left out; None gives the plain full caption.
        full: Share of captions that name every factor; the others drop each optional one half of the time.

    Returns:
        A caption that names at least the profession.

    >>> caption(Person(profession="doctor", gender="woman", tone="dark", motif="wave", style="flat"))
    'a flat icon of a woman doctor with dark skin and a wave border'
    """
    keep = set(FIELDS)
    if rng is not None and rng.random() >= full:
        keep -= {name for name, dropped in zip(OPTIONAL, rng.random(4) < 0.5, strict=True) if dropped}
    return phrase({name: getattr(person, name) for name in FIELDS if name in keep}, Dice(rng))


def captions(person: Person, rng: np.random.Generator) -> tuple[str, ...]:
    """Describe a person in five ways: plain and full, two full paraphrases, a partial one and the shortest.

    Args:
        person: Who is shown.
        rng: Source of all randomness.

    Returns:
        Five captions; the first three name every factor.
    """
    return (
        caption(person),
        caption(person, rng, full=1),
        caption(person, rng, full=1),
        caption(person, rng, full=0),
        phrase({"profession": person.profession}, Dice(rng)),
    )


def examples(n: int, seed: int = 0, *, population: Population | None = None) -> Iterator[Example]:
    """Draw examples; the same arguments give the same ones.

    Args:
        n: How many.
        seed: Number of the stream.
        population: Whom to draw; None for even shares without the held-out cells.

    Returns:
        Pictures with five captions each, and the five fields of the person as attributes.
    """
    population = population or Population(split="train")
    prefix, draw = f"people-{population.split}-{seed}", partial(batch, population=population)
    return drawn(prefix, population.split, n, np.random.default_rng(seed), draw, captions)


def prompts(*named: str) -> list[Asked]:
    """Build all prompts that name some fields and leave the others to the model.

    Args:
        named: Fields to name besides the profession.

    Returns:
        One prompt for every combination of values, in the order of FIELDS.

    Raises:
        InputError: A field is unknown.

    >>> [asked.text for asked in prompts()][:2]
    ['a doctor', 'a cook']
    """
    for name in named:
        if name not in FIELDS:
            raise unknown_name("field", name, FIELDS)
    order = [name for name in FIELDS if name == "profession" or name in named]
    rows = (dict(zip(order, values, strict=True)) for values in product(*(FIELDS[name] for name in order)))
    return [Asked(text=phrase(row), fields=row) for row in rows]
