from __future__ import annotations

import numpy as np

from limn.data.toys3d.toy import ACCENTS, COLOURS, PARTS, draw, held_out, pairs


def test_held_out_pairs_are_never_learned_from() -> None:
    assert set(pairs("learned")) & set(pairs("held_out")) == set()
    assert len(pairs("learned")) + len(pairs("held_out")) == len(PARTS) * len(COLOURS)
    assert {kind for kind, _ in pairs("held_out")} == set(PARTS)
    rng = np.random.default_rng(0)
    for split in ("learned", "held_out"):
        for _ in range(50):
            toy = draw(rng, split)  # type: ignore[arg-type]
            assert held_out(toy.kind, toy.colour) == (split == "held_out")
            assert all(toy.parts[slot] in names for slot, names in PARTS[toy.kind].items())


def test_every_kind_has_an_accent() -> None:
    assert ACCENTS.keys() == PARTS.keys()
