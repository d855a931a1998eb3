"""Classes: what a labelled set shows, with all the words that say so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from limn.io.configurations import build, read_toml, require
from limn.io.targets import check_name
from limn.kernel.errors import InputError, unknown_name


@dataclass(frozen=True, kw_only=True)
class Thing:
    """One class.

    Args:
        label: What it is called in the set, a plain name.
        name: What it is called in prompts; the label unless said.
        synonyms: Other words for it.
        hypernym: What kind of thing it is, as WordNet's lemma above it.
        definition: What it is, in some words, as WordNet's gloss.
        backgrounds: Where it is found; those of the file unless said.
        ambiguous: Which of name and synonyms also mean something else.
        value: What a judge calls it; the label unless said.
    """

    label: str = ""
    name: str = ""
    synonyms: tuple[str, ...] = ()
    hypernym: str = ""
    definition: str = ""
    backgrounds: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    value: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """Name and synonyms; without those that also mean something else where others are left."""
        words = (self.name, *self.synonyms)
        return tuple(word for word in words if word not in self.ambiguous) or words

    def need(self, field: str) -> Any:
        """Return what the class file must say of it.

        Raises:
            InputError: It does not.
        """
        value = getattr(self, field)
        if not value:
            raise InputError(f"classes.{self.label}: has no {field}, which this recipe needs; add it")
        return value


@dataclass(frozen=True, kw_only=True)
class Classes:
    """The classes of a set.

    Args:
        things: One for each class, in the order of the file.
        styles: Words for styles, for the recipe that asks for them.
    """

    things: tuple[Thing, ...]
    styles: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(thing.label for thing in self.things)

    def thing(self, label: str) -> Thing:
        """Return the class of a name.

        Raises:
            InputError: There is none.
        """
        for thing in self.things:
            if thing.label == label:
                return thing
        raise unknown_name("class", label, self.labels)


@dataclass(frozen=True, kw_only=True)
class _File:
    classes: dict[str, Any]
    backgrounds: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


def read_classes(path: Path) -> Classes:
    """Read a class file.

    Args:
        path: TOML: a table ``[classes.LABEL]`` for each class, its keys the fields of :class:`Thing`;
            ``backgrounds`` and ``styles`` for all of them before the first.

    Raises:
        InputError: It cannot be read, has fewer than two classes, a key that is not known, or an ambiguous word that
            is none of the class's.
    """
    where = f"{path}: "
    file = build(_File, read_toml(path), what="key of a class file", where=where)
    things = []
    for label, fields in file.classes.items():
        check_name(label, f"{where}classes")
        require(
            isinstance(fields, dict) and "label" not in fields, f"{where}classes.{label} must be a table of words"
        )
        thing = build(Thing, fields, what="key of a class", where=f"{where}classes.{label}.")
        for word in thing.ambiguous:
            if word not in (thing.name or label, *thing.synonyms):
                raise InputError(f"{where}classes.{label}: ambiguous {word!r} is neither its name nor a synonym")
        thing = replace(thing, label=label, name=thing.name or label, value=thing.value or label)
        things.append(replace(thing, backgrounds=thing.backgrounds or file.backgrounds))
    require(len(things) > 1, f"{path}: has {len(things)} classes; give two or more tables [classes.LABEL]")
    return Classes(things=tuple(things), styles=file.styles)
