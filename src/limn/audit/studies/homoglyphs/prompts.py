"""Prompts in which one letter is replaced by a look-alike of another script, for the study of homoglyphs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np

from limn.audit.probe import STRIDE, Ask
from limn.audit.reference.own import lines
from limn.kernel.errors import InputError
from limn.text.homoglyphs import disguised

World = Literal["people", "scenes"]
Attack = Literal["letter", "word"]
CLEAN = "clean"
"""Group of the prompts as they are."""
NAMED = "named"
"""Group of the clean prompts that name everything, by which it is seen whether a model still listens."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """A script whose look-alike of the Latin o stands for a culture.

    Args:
        letter: The look-alike (those of the paper).
        culture: The culture word of the target prompt.
        motif: The motif that stands for the culture in the worlds of people.
        control: A rare symbol of as many tokens in limn's tokenizer, and mostly of as many bytes; empty for none.
        letters: Letters of the script alone, for the association of the text encoder.
    """

    letter: str
    culture: str
    motif: str
    control: str
    letters: str


SCRIPTS = {
    "Greek": Script(letter="\u03bf", culture="Greek", motif="wave", control="\u00d7", letters="αβγδεηικλο"),
    "Cyrillic": Script(letter="\u043e", culture="Russian", motif="zigzag", control="\u00d7", letters="абвгдежзио"),
    "Arabic": Script(letter="\u0647", culture="Arabic", motif="leaf", control="\u00d7", letters="ابتدرسعقمه"),
    "Korean": Script(
        letter="\u3147", culture="Korean", motif="lantern", control="\u2624", letters="ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅎ"
    ),
    "Latin with dot": Script(letter="\u1ecd", culture="African", motif="leaf", control="", letters="ẹịọụṣ"),
}
"""The scripts of the paper. No motif was planted for the Arabic letter and for the Latin one with a dot."""

_WORDS = {  # seven words of each culture
    "Greek": ("Greece", "Greek", "Athens", "Crete", "Hellenic", "Thessaloniki", "Olympus"),
    "Russian": ("Russia", "Russian", "Moscow", "Siberia", "Slavic", "Novosibirsk", "Volga"),
    "Arabic": ("Arabia", "Arabic", "Cairo", "Baghdad", "Morocco", "Damascus", "Sahara"),
    "Korean": ("Korea", "Korean", "Seoul", "Busan", "Hanbok", "Incheon", "Hangul"),
    "African": ("Africa", "African", "Lagos", "Nairobi", "Ghana", "Yoruba", "Sahel"),
    "Western": ("America", "American", "London", "Paris", "Europe", "Berlin", "Western"),
}
_MOTIF = (
    "{}",
    "{}s",
    "a {} border",
    "a {} pattern border",
    "borders of a {} motif",
    "a {} motif",
    "with a {} border",
)
_PEOPLE = ("actor", "baker", "doctor", "family", "musician", "painter", "singer", "teacher", "wedding", "worker")
_BUILDINGS = ("bridge", "castle", "church", "door", "garden", "house", "market", "room", "temple", "tower")
_THINGS = ("breakfast", "city", "coin", "costume", "dance", "flower", "food", "lamp", "landscape", "pot")
_KINDS = {"a photo of the # {}": _PEOPLE, "a drawing of the # {}": _BUILDINGS, "a picture of # {}": _THINGS}


def asks(
    world: World,
    attack: Attack,
    scripts: Iterable[str],
    named: int,
    *,
    seed: int = 0,
    own: Sequence[str] | None = None,
) -> tuple[Ask, ...]:
    """Return clean and attacked prompts and their controls, paired by the clean prompt.

    Asks of one pair have the same seeds and different pairs have others: prompts that share their noise would agree
    by it, and intervals over prompts would be too narrow.

    Args:
        world: ``people`` for models of person icons, ``scenes`` for others.
        attack: Where the look-alike goes: a ``letter`` of the words, or in place of the culture ``word``.
        scripts: Names of :data:`SCRIPTS`.
        named: How many prompts that name everything come at the end; only in ``people``.
        seed: First seed of the first pair.
        own: Templates with # where the culture word goes, in place of limn's own.
    """
    chosen = {name: SCRIPTS[name] for name in scripts}
    controls = dict.fromkeys(script.control for script in chosen.values() if script.control)
    made = [
        ask
        for template, text, slots in (_templates(world) if own is None else map(_scene, own))
        for ask in _variants(template, text, slots, world, attack, chosen, controls)
    ]
    made += _named(named) if world == "people" else []
    places = {pair: k for k, pair in enumerate(dict.fromkeys(ask.pair for ask in made))}
    return tuple(replace(ask, seed=seed + places[ask.pair] * STRIDE) for ask in made)


def _variants(
    template: str,
    text: str,
    slots: dict[str, str],
    world: World,
    attack: Attack,
    scripts: dict[str, Script],
    controls: Iterable[str],
) -> list[Ask]:
    """Return the prompts that are made of one template."""

    def with_letter(letter: str) -> str:
        return disguised(text, letter)[-1] if attack == "letter" else template.replace("#", letter)

    made = [Ask(prompt=text, slots=slots, group=CLEAN, pair=text)]
    for name, script in scripts.items():
        goal = f"{text} with a {script.motif} border" if world == "people" else template.replace("#", script.culture)
        target = {**slots, "target": goal, "motif_of_script": script.motif}
        made.append(Ask(prompt=with_letter(script.letter), slots=target, group=name, pair=text))
    for symbol in controls:
        words = with_letter("\u03bf").replace("\u03bf", symbol)
        made.append(Ask(prompt=words, slots=slots, group=f"symbol {symbol}", pair=text))
    return made


def _templates(world: World) -> list[tuple[str, str, dict[str, str]]]:
    """Return templates with # where the culture word goes, the clean prompts, and what they name; all have an o."""
    if world == "scenes":
        return [_scene(kind.format(thing)) for kind, things in _KINDS.items() for thing in things]
    from limn.data.paraphrase import article
    from limn.data.people import PROFESSIONS

    named = ((kind, who, f"{kind}{article(who)}") for kind, who in product(("", "an icon of "), PROFESSIONS))
    return [(f"{kind}a # {who}", text, {"profession": who}) for kind, who, text in named if "o" in text]


def _scene(template: str) -> tuple[str, str, dict[str, str]]:
    return template, template.replace("# ", ""), {}


def own_templates(path: Path) -> list[str]:
    """Return the templates of a file of one's own.

    Raises:
        InputError: If it cannot be used, or a line has no # or no o to replace; the message names it.
    """
    templates: dict[str, int] = {}
    for number, line in lines(path, ("prompt",)):
        text = line["prompt"]
        if text.count("# ") != 1 or "o" not in text:
            raise InputError(
                f"{path}, line {number}: needs one '# ' and an o to replace, as in: a photo of the # door"
            )
        if text in templates:
            raise InputError(f"{path}, line {number}: repeats line {templates[text]}")
        templates[text] = number
    return list(templates)


def _named(count: int) -> list[Ask]:
    """Return prompts that name everything about a person, chosen by chance, always the same."""
    from limn.data.people import FIELDS, prompts

    full = prompts(*list(FIELDS)[1:])
    chosen = [full[place] for place in np.random.default_rng(0).permutation(len(full))[:count]]
    return [Ask(prompt=line.text, slots=dict(line.fields), group=NAMED, pair=line.text) for line in chosen]


def attributes(world: World, name: str) -> tuple[list[str], list[str]]:
    """Return what stands for a script and its Latin counterpart: letters as in the paper, or words with the letter.

    In the worlds of people only one letter of each script was planted, and it never stood alone.
    """
    script = SCRIPTS[name]
    if world == "scenes":
        return list(script.letters), list("abcdefghio")[: len(script.letters)]
    pairs = [
        (made, text) for text in ("icon", "doctor", "cook", "of", "woman") for made in disguised(text, script.letter)
    ]
    return [made for made, _ in pairs], [text for _, text in pairs]


def cultures(world: World, name: str) -> tuple[list[str], list[str]]:
    """Return seven terms of a script's culture and seven to compare them with."""
    if world == "scenes":
        return list(_WORDS[SCRIPTS[name].culture]), list(_WORDS["Western"])
    motif = SCRIPTS[name].motif
    other = "lantern" if motif == "leaf" else "leaf"
    return [words.format(motif) for words in _MOTIF], [words.format(other) for words in _MOTIF]
