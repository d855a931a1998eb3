from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from limn.data.toys3d.building import build
from limn.data.toys3d.rendering import PAINTS, render
from limn.data.toys3d.toy import COLOURS, PARTS, Toy
from limn.scene3d.camera import Camera


def every() -> list[Toy]:
    return [
        Toy(kind=kind, colour="red", accent="blue", parts=dict(zip(slots, chosen, strict=True)), sizes=(a, a, 1 - a))
        for kind, slots in PARTS.items()
        for chosen in product(*slots.values())
        for a in (0.0, 1.0)
    ]


def test_every_toy_fits_into_the_cube_and_shows_its_paints() -> None:
    for toy in every():
        pieces = build(toy)
        assert {piece.paint for piece in pieces} >= {"main", "accent"}, toy
        view = render(toy, Camera(azimuth=30, elevation=20, fov=40), 32)
        assert not view.mask[[0, -1]].any(), toy
        assert not view.mask[:, [0, -1]].any(), toy
        assert {1, 2} <= set(np.unique(view.paint)), toy


def test_masks_depths_and_colours_agree() -> None:
    toy = every()[0]
    view = render(toy, Camera(), 32)
    clear, solid = view.mask == 0, view.mask == 255
    assert (view.picture[clear] == 255).all()
    assert (view.depth[clear] == 0).all()
    assert ((view.depth[solid] > 2) & (view.depth[solid] < 6)).all()
    main = solid & (view.paint == 1 + PAINTS.index("main"))
    shares = view.picture[main].astype(float) / view.picture[main].sum(-1, keepdims=True)
    wanted = np.array(COLOURS["red"]) / sum(COLOURS["red"])
    assert np.abs(np.median(shares, 0) - wanted).max() < 0.02


def test_a_house_shows_its_door_in_front_only() -> None:
    toy = next(toy for toy in every() if toy.kind == "house")
    dark = 1 + PAINTS.index("dark")
    front, back = (render(toy, Camera(azimuth=azimuth, elevation=5), 32).paint for azimuth in (0, 180))
    assert (front == dark).any()
    assert not (back == dark).any()


@pytest.mark.parametrize("pattern", ["plain", "striped"])
def test_only_stripes_dim(pattern: str) -> None:
    toy = Toy(
        kind="lamp", colour="red", accent="red", pattern=pattern, parts={"foot": "one foot", "shade": "round shade"}
    )
    view = render(toy, Camera(elevation=0), 64)
    column = view.picture[view.mask[:, 32] == 255, 32, 0].astype(float)
    steps = np.abs(np.diff(column)).max()
    assert (steps > 40) == (pattern == "striped")
