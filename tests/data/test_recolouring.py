from __future__ import annotations

import re

import numpy as np
import pytest

from limn.data.colours import NAMES, colours_of, from_oklab, oklab
from limn.data.picture_set import PictureSet
from limn.data.recolouring import recoloured, turned

COLOUR = re.compile(r"\b(?:" + "|".join(sorted({name.split()[-1] for name in NAMES})) + r")\b")


def test_oklab_has_an_inverse() -> None:
    levels = np.arange(0, 256, 17)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).astype(np.uint8)
    assert np.abs(from_oklab(oklab(grid)).astype(int) - grid).max() <= 1


@pytest.mark.parametrize("turn", [0, 0.2, 0.5, 0.8, 1])
def test_greys_transparency_and_whole_turns_stay(sample: PictureSet, turn: float) -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 4, axis=-1)
    assert np.abs(turned(grey, turn).astype(int) - grey).max() <= 1
    picture = sample.pictures[0]
    after = turned(picture, turn)
    assert (after[..., 3] == picture[..., 3]).all()
    if turn in (0, 1):
        assert np.abs(after.astype(int) - picture).max() <= 1


def test_captions_say_what_is_measured_and_no_other_colour(sample: PictureSet) -> None:
    copies = recoloured(sample, np.random.default_rng(0))
    originals = dict(zip(sample.columns["key"], sample.pictures, strict=True))
    assert len(copies) > 90
    assert set(copies.columns["group"]).isdisjoint({"people-body"})
    for place, picture in enumerate(copies.pictures):
        colours = colours_of(picture)
        assert colours != colours_of(originals[copies.columns["key"][place]])
        shades = {colour.split()[-1] for colour in colours}
        for caption in copies.columns["captions"][place]:
            assert set(COLOUR.findall(caption)) == shades, caption


def test_a_set_of_people_alone_has_no_copies(sample: PictureSet) -> None:
    assert len(recoloured(sample.where(group="people-body"), np.random.default_rng(0))) == 0


def test_the_same_stream_gives_the_same_copies(sample: PictureSet) -> None:
    first, second = (recoloured(sample, np.random.default_rng(3)) for _ in range(2))
    assert (first.pictures == second.pictures).all()
    assert first.columns == second.columns
