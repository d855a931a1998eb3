"""Captions that name every factor of a pictogram, in varied plain English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Final, TypeVar

from limn.data.catalogue import Concept
from limn.data.paraphrase import listing
from limn.data.split import unit

T = TypeVar("T")

STYLED: Final[Mapping[str, tuple[str, ...]]] = {
    "3d": (
        "a glossy 3d icon of {}", "{}, 3d render", "a 3d render of {}", "{} in glossy 3d style",
        "a shiny 3d emoji of {}", "a 3d picture of {}", "a smooth, rounded 3d model of {}",
    ),
    "noto": (
        "a Noto emoji of {}", "{} in Noto style", "a Noto drawing of {}", "{}, Noto emoji",
        "a softly shaded Noto picture of {}", "a Noto cartoon of {}",
    ),
    "twemoji": (
        "a Twemoji drawing of {}", "{} in Twemoji style", "a Twemoji of {}", "{}, Twemoji",
        "a simple Twemoji vector picture of {}", "a Twemoji cartoon of {}",
    ),
    "flat": (
        "a flat drawing of {}", "{} in flat style", "a flat icon of {}", "{}, flat design",
        "a flat picture of {}, without shading", "a flat vector icon of {}",
    ),
    "blob": (
        "a blob emoji of {}", "{} in blob style", "a blob drawing of {}", "{}, blob emoji",
        "a soft blob picture of {}", "a blob cartoon of {}",
    ),
    "emojione": (
        "an EmojiOne drawing of {}", "{} in EmojiOne style", "an EmojiOne picture of {}", "{}, EmojiOne",
        "a lively EmojiOne icon of {}", "an EmojiOne cartoon of {}",
    ),
    "fx": (
        "an FX emoji of {}", "{} in FX style", "an FX drawing of {}", "{}, FX emoji",
        "a plain FX picture of {}", "an FX icon of {}",
    ),
    "outlined": (
        "an outlined drawing of {}", "{} in outlined style", "an outlined icon of {}", "{}, outlined",
        "an outlined cartoon of {}", "an outlined picture of {} with dark lines",
    ),
    "openmoji": (
        "an OpenMoji drawing of {}", "{} in OpenMoji style", "an OpenMoji icon of {}", "{}, OpenMoji",
        "an OpenMoji picture of {} with black lines", "an OpenMoji cartoon of {}",
    ),
}  # fmt: skip
_PLAIN: Final = ("{}", "a picture of {}", "an icon of {}", "an emoji of {}", "a pictogram of {}")
_COLOURED: Final = ("{} in {}", "{}, coloured {}", "{}, {}", "{} with {} colours")

_COLOUR: Final = re.compile(
    r"\b(?:light |dark |hollow )?(?:red|orange|yellow|green|blue|purple|brown|black|white|pink|grey)\b ?"
)
_UNCOUNTED: Final = re.compile(
    "sushi|bread|garlic|popcorn|butter|salt|bacon|broccoli|spaghetti|oden|falafel|fondue|ice|soap|coral|candy|custard"
    "|shrimp|sake|yarn|thread|luggage|fog|construction|football|hockey|pong|food|rice"
)
_PLURAL: Final = frozenset({"people", "men", "women"})
_SINGULAR: Final = ("ss", "us", "is", "as", "os", "Claus")
_AN_DESPITE: Final = ("one", "unicorn", "euro", "ewe")
_A_DESPITE: Final = ("hour", "x-ray", "ng ", "sos ")
_LINKS: Final = "with|of|in|on|and|behind|without|to|from|at|pointing|showing|holding|facing|over|feeding|lifting"
_TAKES_ARTICLE: Final = re.compile(
    r"\b(with|in|wearing|feeding|getting|taking|rowing|bouncing|raising|tipping)"
    r" (crown|turban|skullcap|tuxedo|veil|headscarf|baby|white cane|m\w+ wheelchair|suit|steamy room|lotus position"
    r"|bath|bed|haircut|massage|boat|ball|hand|heart|beard)\b"
)

_GENDERED: Final = {"woman": "female", "man": "male"}


class _Chooser:
    """Choices that depend on a key alone, on every machine and version."""

    def __init__(self, key: str) -> None:
        self._key, self._count = key, 0

    def of(self, options: Sequence[T]) -> T:
        self._count += 1
        return options[int(unit(f"{self._key}#{self._count}") * len(options))]

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """Distinct ones."""
        start = self.of(range(len(options))) if options else 0
        return [options[(start + step) % len(options)] for step in range(min(count, len(options)))]


def with_article(phrase: str) -> str:
    """Put ``a`` or ``an`` before a phrase, or nothing before plurals and what is not counted.

    >>> [with_article(phrase) for phrase in ("umbrella", "bubbles", "unicorn", "hourglass", "old people")]
    ['an umbrella', 'bubbles', 'a unicorn', 'an hourglass', 'old people']
    """
    words = re.split(rf" (?:{_LINKS}) ", phrase)[0].split()
    many = not _PLURAL.isdisjoint(words) or (words[-1].endswith("s") and not words[-1].endswith(_SINGULAR))
    if many or _UNCOUNTED.fullmatch(words[-1]):
        return phrase
    start = phrase.lower()
    vowel = start[0] in "aeiou" and not start.startswith(_AN_DESPITE)
    return f"an {phrase}" if vowel or start.startswith(_A_DESPITE) else f"a {phrase}"


@cache
def _wording(file: str) -> Mapping[str, tuple[str, ...]]:
    text = resources.files("limn.data").joinpath(file).read_text("utf-8")
    pairs = (line.split(" = ") for line in text.splitlines() if line and not line.startswith("#"))
    return {label: tuple(words.split("; ")) for label, words in pairs}


def phrases(concept: Concept) -> tuple[str, ...]:
    """Say what a concept shows in noun phrases with their article, the usual one first; tone left out."""
    wording = _wording("wording.txt").get(concept.label)
    if wording is not None:
        return wording
    plain = with_article(_from_label(concept))
    role, roles = concept.profession, _wording("roles.txt")
    if role not in roles:
        return (plain,)
    gender = _GENDERED.get(concept.gender)
    words = [f"{gender} {word}" for word in (role, *roles[role])] if gender else roles[role]
    return plain, f"a {concept.gender} working as {with_article(role)}", *map(with_article, words)


def name_of(concept: Concept) -> str:
    """Name a concept in one short phrase with its skin tone, such as ``a red heart``."""
    name = phrases(concept)[0]
    return _skin(name, concept.tone.split("+"), "") if concept.tone else name


def sized(name: str, size: str) -> str:
    """Put a word of size before a thing, where English allows it.

    >>> sized("an umbrella", "big"), sized("socks", "small"), sized("the sun", "big")
    ('a big umbrella', 'small socks', 'the sun')
    """
    first, _, rest = name.partition(" ")
    if first in ("a", "an"):
        return with_article(f"{size} {rest}")
    return f"{size} {name}" if first.islower() and first not in ("the", "two") else name


def _from_label(concept: Concept) -> str:
    label = re.sub(r" \(blood type\)|[“”]", "", concept.label)
    label = _TAKES_ARTICLE.sub(r"\1 a \2", label).replace("a lotus", "the lotus").replace("in a bed", "in bed")
    if ": " not in label:
        if concept.subgroup == "zodiac":
            return f"{label} zodiac sign"
        if re.search(r"o'clock|-thirty", label):
            return f"clock showing {label}"
        return label
    head, rest = label.split(": ", 1)
    if head == "keycap":
        return f"keycap {rest}"
    if concept.subgroup in ("family", "person-symbol"):
        people = listing([with_article(part) for part in rest.split(", ")])
        if head == "kiss":
            return f"kiss between {people}"
        return f"family of {people}" if head == "family" else f"couple of {people} with a heart"
    if rest == "bald":
        return f"bald {head}"
    if rest == "facing right":
        return f"{head} facing right"
    return f"{head} with a beard" if rest == "beard" else f"{head} with {rest}"


def captions_of(key: str, concept: Concept, style: str, colours: Sequence[str]) -> tuple[str, ...]:
    """Write the captions of one picture; the same key always gets the same ones.

    Args:
        key: The picture's key, which decides the choice of words.
        concept: What it shows.
        style: The set it is from.
        colours: Its main colours, the largest first.

    Returns:
        Six to ten distinct captions. Four name the style and one all factors; some are as short as
        people type, and for people at work one leaves gender and tone open.
    """
    chooser = _Chooser(key)
    names = phrases(concept)
    looks = [_toned(name, concept.tone, chooser) for name in names]
    first, second, third, fourth = chooser.some(STYLED[style], 4)
    captions = [
        first.format(_coloured(looks[0], colours, concept, chooser)),
        second.format(looks[0]),
        third.format(chooser.of(looks)),
        fourth.format(_coloured(chooser.of(looks), colours, concept, chooser)),
        _coloured(chooser.of(looks), colours, concept, chooser),
        looks[0],
        chooser.of(_PLAIN).format(chooser.of(looks)),
        re.sub(r"^an? ", "", names[0]),
    ]
    if words := _wording("roles.txt").get(concept.profession):
        captions.append(with_article(chooser.of((concept.profession, *words))))
    elif (bare := _COLOUR.sub("", captions[7]).strip()) not in ("", captions[7]) and not concept.gender:
        captions.append(chooser.of((bare, with_article(bare))))
    tags = [tag for tag in concept.tags if tag not in looks[0]]
    captions.append(", ".join([re.sub(r"^an? ", "", looks[0]), *chooser.some(tags, 2), f"{style} style"]))
    return tuple(dict.fromkeys(captions))


def coloured_captions(key: str, concept: Concept, style: str, colours: Sequence[str]) -> tuple[str, ...]:
    """Write captions that all say the colours, for a thing in a hue that is not its own, and none of its name's.

    Args:
        key: Decides the choice of words.
        concept: What it shows, no person.
        style: The set it is from.
        colours: Its main colours, the largest first.

    Returns:
        Three to five distinct captions, two of which name the style.
    """
    chooser = _Chooser(key)
    plain = replace(concept, label=_COLOUR.sub("", concept.label).strip() or concept.label)
    names = [name for name in phrases(plain) if not _COLOUR.search(name)] or [with_article(plain.label)]
    first, second = chooser.some(STYLED[style], 2)
    shown = [_coloured(chooser.of(names), colours, plain, chooser) for _ in range(4)]
    captions = [first.format(shown[0]), second.format(shown[1]), *shown[2:], re.sub(r"^an? ", "", shown[3])]
    return tuple(dict.fromkeys(captions))


def _toned(name: str, tone: str, chooser: _Chooser) -> str:
    if not tone:
        return name
    tones = tone.split("+")
    noun, verb = re.match(r"an? ", name), chooser.of(("with", "with", "of"))
    if verb == "of" and noun and len(tones) == 1:
        return f"{with_article(f'{tone}-skinned')} {name[noun.end() :]}"
    return _skin(name, tones, chooser.of(("", "", " tone" if len(tones) == 1 else " tones")))


def _skin(name: str, tones: list[str], word: str) -> str:
    return f"{name} {'and' if ' with ' in name else 'with'} {listing(tones)} skin{word}"


def _coloured(name: str, colours: Sequence[str], concept: Concept, chooser: _Chooser) -> str:
    colour = _COLOUR.search(name)
    if not colours or (colour and colour[0].split()[-1] == colours[0].split()[-1]):
        return name
    noun = re.match(r"an? ", name)
    thing = noun and not colour and concept.group != "people-body" and len(colours) < 3
    if noun and thing and chooser.of((True, False)):
        return with_article(f"{' and '.join(colours)} {name[noun.end() :]}")
    ways = _COLOURED[: 3 if " with " in name else 4]
    return chooser.of(ways).format(name, listing(list(colours)))
