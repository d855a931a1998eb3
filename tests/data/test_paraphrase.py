"""Small words."""

from __future__ import annotations

import numpy as np

from limn.data.paraphrase import Dice, listing


def test_dice_without_randomness_take_the_first() -> None:
    assert [Dice(None).pick(5), Dice(None).choose(("a", "b"))] == [0, "a"]


def test_dice_are_fair_and_run_out_safely() -> None:
    dice = Dice(np.random.default_rng(0), rolls=3000)
    counts = np.bincount([dice.pick(3) for _ in range(3000)], minlength=3)
    assert counts.min() > 900
    assert [dice.pick(3) for _ in range(4)] == [0, 0, 0, 0]


def test_listing() -> None:
    assert [listing(["x"]), listing(["x", "y"]), listing(["x", "y", "z"])] == ["x", "x and y", "x, y and z"]
