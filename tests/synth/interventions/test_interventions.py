"""Each intervention changes what it says and keeps what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fresh import NATIVE
from limn.audit.probe import Ask
from limn.audit.sources import FromGenerator
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.store import write_png
from limn.synth.intervention import asks_of
from limn.synth.interventions.background import ground
from limn.synth.labelled import Labelled
from made_sets import picture

SHAPE = picture("circle", 1)


@pytest.fixture(scope="module")
def source() -> FromGenerator:
    return FromGenerator(model=str(NATIVE))


def ask(place: int = 0) -> Ask:
    return Ask(prompt="a red heart", slots={"class": "circle", "from": "a", "place": str(place)}, group="circle")


def test_little_strength_stays_near_and_text_alone_forgets_the_picture(source: FromGenerator) -> None:
    drawn = {
        how: registry.parse("interventions", how).draw(source, SHAPE, ask(), 5).pixels
        for how in ("sdedit:strength=0.3", "edit:strength=1", "text")
    }
    other = registry.parse("interventions", "text").draw(source, picture("square", 3), ask(), 5).pixels
    assert np.array_equal(drawn["text"], other)
    assert not np.array_equal(drawn["sdedit:strength=0.3"], drawn["text"])
    assert drawn["text"].shape == drawn["edit:strength=1"].shape


def test_behind_the_thing_alone_is_drawn(source: FromGenerator) -> None:
    size = source.generator.size[0]
    scene = np.full((size, size, 3), 255, np.uint8)
    scene[size // 4 : size // 2, size // 4 : size // 2] = (200, 30, 30)
    inside = ground(scene, 24)
    assert inside.sum() == size**2 - (size // 4) ** 2
    result = registry.parse("interventions", "background").draw(source, scene, ask(), 1)
    assert np.array_equal(result.pixels[~inside], scene[~inside])
    assert not np.array_equal(result.pixels[inside], scene[inside])
    plain = registry.parse("interventions", "background").draw(source, np.zeros_like(scene), ask(), 1)
    assert plain.pixels is None
    assert "plain ground" in plain.flaw


def test_a_hole_in_the_thing_is_no_ground() -> None:
    scene = np.full((32, 32, 3), 255, np.uint8)
    scene[8:24, 8:24] = 0
    scene[14:18, 14:18] = 255
    assert not ground(scene, 24)[15, 15]


def test_the_nearest_of_the_pool_comes_first_and_each_once(tmp_path: Path, source: FromGenerator) -> None:
    (tmp_path / "pool").mkdir()
    for seed in range(4):
        write_png(tmp_path / "pool" / f"{seed}.png", picture("circle", seed), {})
        (tmp_path / "pool" / f"{seed}.txt").write_text("a shape")
    way = registry.parse("interventions", f"retrieval:pool={tmp_path / 'pool'}")
    taken = [way.draw(source, SHAPE, ask(place), 0) for place in range(5)]
    assert len({one.record["retrieved"] for one in taken[:4]}) == 4
    assert taken[4].pixels is None
    assert "only 4" in taken[4].flaw
    similar = [float(way._vectors[way._keys.index(one.record["retrieved"])] @ way._encoder.texts(["a red heart"])[0])
               for one in taken[:4]]  # fmt: skip
    assert similar == sorted(similar, reverse=True)


def test_words_must_say_the_class_and_pictures_are_known_by_their_content() -> None:
    known = Labelled(pictures=[SHAPE, SHAPE], labels=("a", "a"), keys=("1", "2"), domains=("", ""))
    asks = asks_of(known, "a flat {class}", {"a": "apple"}, n=2)
    assert [one.prompt for one in asks] == ["a flat apple"] * 4
    assert [one.seed for one in asks] == [0, 1, 2, 3]
    with pytest.raises(InputError, match="does not say the class"):
        asks_of(known, "a flat drawing", {})
