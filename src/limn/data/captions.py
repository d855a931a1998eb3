"""Captions that name every factor of a pictogram, in varied plain English."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Final

from limn.data.catalogue import Concept

__all__ = ["captions_of", "join_words", "subject", "with_article"]

_STYLED: Final = {
    "3d": (
        "a glossy 3d icon of {}", "a 3d render of {}", "{}, 3d render", "a shiny 3d emoji of {}",
        "{} in glossy 3d style", "a 3d picture of {}", "a smooth, rounded 3d model of {}",
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
        "a flat picture of {} without shading", "a flat vector icon of {}",
    ),
}  # fmt: skip

_COLOURS: Final = re.compile(
    r"\b(?:light |dark )?(?:red|orange|yellow|green|blue|purple|brown|black|white|pink|grey)\b ?"
)
_UNCOUNTED: Final = set(
    [
        "sushi",
        "bread",
        "garlic",
        "popcorn",
        "butter",
        "salt",
        "bacon",
        "broccoli",
        "spaghetti",
        "oden",
        "falafel",
        "fondue",
        "tennis",
        "softball",
        "cricket",
        "badminton",
        "lacrosse",
        "hockey",
        "pong",
        "baseball",
        "basketball",
        "volleyball",
        "football",
        "bowling",
        "fog",
        "fire",
        "ice",
        "soap",
        "coral",
        "ginger",
        "custard",
        "candy",
        "shrimp",
        "cooking",
        "rice",
        "milk",
        "toast",
        "camping",
        "sake",
        "wood",
        "fireworks",
        "yarn",
        "thread",
        "graffiti",
        "leafy",
        "green",
        "construction",
        "lightning",
        "food",
        "kohl",
        "dna",
        "money",
        "lotion",
        "cheese",
        "ZZZ",
        "makeup",
        "luggage",
        "customs",
        "water",
        "control",
        "claim",
        "bubbles",
        "racing",
        "wrestling",
        "laughing",
        "arts",
        "fuji",
        "moai",
        "OK",
        "poo",
        "hands",
        "gibbous",
        "Japan",
        "Americas",
        "Liberty",
        "David",
        "dharma",
        "Aries",
        "Taurus",
        "Gemini",
        "Cancer",
        "Leo",
        "Virgo",
        "Libra",
        "Scorpio",
        "Sagittarius",
        "Capricorn",
        "Aquarius",
        "Pisces",
        "Ophiuchus",
    ]
)
_SINGULAR_S: Final = ("ss", "us", "is", "as", "os", "ics", "x-rays")
_AN_DESPITE: Final = ("one", "unicorn", "euro", "ufo", "uni", "use", "ewe")
_A_DESPITE: Final = ("hourglass", "hour", "honest", "x-ray", "ng ", "sos", "8")

_WORDS: Final = {
    "health worker": ("doctor", "nurse"),
    "student": ("graduate",),
    "teacher": ("professor", "instructor"),
    "judge": ("judge in a robe",),
    "farmer": ("gardener",),
    "cook": ("chef",),
    "mechanic": ("plumber", "repairer"),
    "factory worker": ("welder", "industrial worker"),
    "office worker": ("business person", "manager"),
    "scientist": ("chemist", "researcher"),
    "technologist": ("programmer", "software developer"),
    "singer": ("rock star", "musician"),
    "artist": ("painter",),
    "pilot": ("airline pilot",),
    "astronaut": ("space traveller",),
    "firefighter": ("fire fighter",),
    "police officer": ("cop",),
    "detective": ("private investigator",),
    "guard": ("royal guard",),
    "construction worker": ("builder",),
}
_GENDERED: Final = {"woman": "female", "man": "male"}


def join_words(words: Sequence[str]) -> str:
    """Write a list as English does.

    >>> join_words(["red", "green", "blue"])
    'red, green and blue'
    """
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def with_article(phrase: str) -> str:
    """Put ``a`` or ``an`` before a phrase, or nothing before plurals and what is not counted.

    >>> [with_article(phrase) for phrase in ("umbrella", "dog", "bubbles", "unicorn", "hourglass done")]
    ['an umbrella', 'a dog', 'bubbles', 'a unicorn', 'an hourglass done']
    """
    head = re.split(r" (?:with|of|in|on|and|behind|without|to|from|at|pointing|showing|holding|facing) ", phrase)[0]
    last = head.split()[-1]
    if last in _UNCOUNTED or (last.endswith("s") and not last.endswith(_SINGULAR_S)) or last in ("people", "men"):
        return phrase
    start = phrase.lower()
    vowel = start[0] in "aeiou" and not start.startswith(_AN_DESPITE)
    return f"an {phrase}" if vowel or start.startswith(_A_DESPITE) else f"a {phrase}"


def subject(concept: Concept) -> str:
    """Say what a concept shows as a noun phrase without article, from its label."""
    label = concept.label
    if ": " not in label:
        if concept.subgroup == "zodiac":
            return f"{label} zodiac sign"
        if concept.subgroup == "time" and ("clock" in label or "thirty" in label) and " clock" not in label:
            return f"clock showing {label}"
        return re.sub(r" \(blood type\)", "", label).replace("“", "").replace("”", "")
    head, rest = label.split(": ", 1)
    parts = rest.split(", ")
    if head == "keycap":
        return f"keycap {rest}"
    if head in ("kiss", "couple with heart", "family"):
        people = join_words([f"a {part}" for part in parts])
        return {"kiss": f"kiss between {people}", "family": f"family of {people}"}.get(
            head, f"couple of {people} with a heart"
        )
    if rest == "bald":
        return f"bald {head}"
    if rest == "facing right":
        return f"{head} facing right"
    return f"{head} with a beard" if rest == "beard" else f"{head} with {rest}"


def captions_of(key: str, concept: Concept, style: str, colours: Sequence[str]) -> tuple[str, ...]:
    """Write the captions of one picture; the same key always gets the same ones.

    Args:
        key: The picture's key, which seeds the choice of words.
        concept: What it shows.
        style: The set it is from.
        colours: Its main colours, the largest first.

    Returns:
        Six to ten distinct captions: half of them name the style, two are as short as people type.
    """
    rng = random.Random(key)
    templates = rng.sample(_STYLED[style], 4)
    plain = subject(concept)
    names = _names(concept, plain)
    tone = _tone(concept, rng)
    shade = join_words(colours) if colours else "clear"
    full = [with_article(name) + tone for name in names]
    pick = lambda: rng.choice(full)  # noqa: E731
    found = [
        templates[0].format(full[0]) + f", {shade}",
        templates[1].format(full[0]),
        templates[2].format(pick()),
        templates[3].format(pick())
        + rng.choice((f", coloured {shade}", f" in {shade}", f", mostly {colours[0] if colours else shade}")),
        pick() + f", {shade}",
        full[0],
        pick(),
        plain,
    ]
    if concept.profession:
        found.append(with_article(rng.choice((concept.profession, *_WORDS.get(concept.profession, ())))))
    bare = _COLOURS.sub("", plain).strip()
    if bare and bare != plain and not concept.gender:
        found.append(rng.choice((bare, with_article(bare))))
    tags = [tag for tag in concept.tags if tag not in plain]
    if tags:
        found.append(
            ", ".join([plain + tone, *rng.sample(tags, min(2, len(tags))), style.replace("flat", "flat icon")])
        )
    return tuple(dict.fromkeys(found))[:10]


def _names(concept: Concept, plain: str) -> list[str]:
    """Different noun phrases for one concept; the first is the usual one."""
    role = concept.profession
    if not role:
        return [plain]
    words = _WORDS.get(role)
    if words is None:
        return [plain]
    gender = _GENDERED.get(concept.gender)
    if gender is None:
        return [plain, *words, f"person working as {with_article(role)}"]
    return [
        plain,
        f"{gender} {role}",
        *(f"{gender} {word}" for word in words),
        f"{concept.gender} working as {with_article(role)}",
    ]


def _tone(concept: Concept, rng: random.Random) -> str:
    if not concept.tone:
        return ""
    words = concept.tone.split("+")
    return f" with {join_words(words)} skin" + rng.choice(("", "", " tone" if len(words) == 1 else " tones"))
