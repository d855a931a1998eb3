"""Person icons, drawn on the fly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from limn.data import people
from limn.data.paraphrase import Dice
from limn.data.people.captions import phrase
from limn.data.people.worlds import WORLDS
from limn.networks.token_embeddings import TokenVectors
from limn.train.batches import DrawnWorld
from limn.train.recipe import Recipe


class People(DrawnWorld):
    """Icons of one of the worlds of people; pairs are of all kinds, each with some of what it shows."""

    shows = "icons of people that can be read back exactly and resemble nobody"
    people = "People are icons that resemble nobody."
    source = "people: procedural pictures with exact captions"
    portion = "drawn without end"

    def __init__(self, recipe: Recipe, words: TokenVectors) -> None:
        super().__init__(recipe, words)
        world, letters = WORLDS[recipe.data.people], recipe.data.look_alikes
        self.world = replace(world, letters=letters) if letters else world

    def draw(self, rng: np.random.Generator, rows: int) -> tuple[NDArray[np.uint8], Sequence[str]]:
        """Draw icons with a caption each."""
        return self.world.draw(rng, rows)

    def draw_pairs(self, rng: np.random.Generator, rows: int) -> tuple[Tensor, Sequence[str], NDArray[np.bool_]]:
        """Draw icons of all kinds; a caption is true of whoever has all that it names."""
        pictures, persons = people.batch(rng, rows, population=people.Population())
        facts = [
            {name: getattr(person, name) for name in people.FIELDS if name == "profession" or rng.random() < 0.5}
            for person in persons
        ]
        clean = self.jittered(pictures, rng)  # before the captions: the order of draws is that of runs to resume
        captions = [phrase(named, Dice(rng)) for named in facts]
        true = [
            [all(getattr(person, name) == value for name, value in named.items()) for person in persons]
            for named in facts
        ]
        return clean, captions, np.array(true)
