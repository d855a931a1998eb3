"""Models that draw from more than words, small and hardly trained: what they read, and that weights weigh."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import limn
import small_models
import streams
from limn.encoders.streams import COUNTS
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.predictor import Ask
from limn.kernel.prompt import PLACE, Neighbour, Prompt
from limn.networks.conditioned import EMBEDDING, NEIGHBOUR, PICTURE

GUIDES = [
    name for name in registry.names("guidance")
    if registry.find("guidance", name).space in ("any", "clean", "noise")  # type: ignore[attr-defined]
]  # fmt: skip
NAMES = ("vader", "reimagen", "dalle2", "dalle2_prior", "ediffi")


def png(seed: int) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


CAT, RED = png(1), png(2)
NEAR = tuple(Neighbour(name=f"row {k}", caption="a thing", image=png(k)) for k in (3, 4))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Generator]:
    folders = streams.family(tmp_path_factory.mktemp("family"))
    loaded = {name: limn.load(folder) for name, folder in folders.items()}
    for model in loaded.values():  # a few steps have hardly moved them: let every stream have a say
        network: Any = model.main.predictor.network.module  # type: ignore[attr-defined]
        for block in network.streams.blocks:
            torch.nn.init.normal_(block.out.weight, std=0.3, generator=torch.Generator().manual_seed(0))
        torch.nn.init.normal_(network.streams.pool.weight, std=0.3, generator=torch.Generator().manual_seed(1))
    return loaded


def pixels(model: Generator, prompt: Prompt | str, **given: Any) -> Any:
    return model.generate(prompt, seed=3, **given)[0].pixels.astype(int)


def fits(name: str) -> Prompt:
    if name == "vader":
        return Prompt(f"{PLACE} in the style of {PLACE}", (CAT, RED), weights=(1.0, 0.8, 1.0))
    return Prompt("a cat", neighbours=NEAR) if name == "reimagen" else Prompt("a cat")


@pytest.mark.parametrize("name", NAMES)
def test_it_draws_the_same_from_its_record(models: Mapping[str, Generator], name: str) -> None:
    model = models[name]
    request = model.request(fits(name), n=2, seed=1)
    again = limn.kernel.request.Request.from_record(request.record())
    one, two = ([p.pixels for p in model.draw(asked) if hasattr(p, "pixels")] for asked in (request, again))
    assert request.key() == again.key()
    assert all(map(np.array_equal, one, two))


def test_a_picture_counts_as_much_as_its_weight(models: Mapping[str, Generator]) -> None:
    vader = models["vader"]
    without = pixels(vader, "a cat")
    at = {weight: pixels(vader, Prompt("a cat", (CAT,), weights=(1.0, weight))) for weight in (0.0, 1e-6, 0.3, 1.0)}
    assert np.array_equal(at[0.0], without), "weight 0 takes it away exactly"
    assert np.abs(at[1e-6] - without).max() <= 1
    assert not np.array_equal(at[1.0], without)
    assert np.abs(at[0.3] - without).sum() != np.abs(at[1.0] - without).sum()


def test_words_of_weight_0_are_not_there(models: Mapping[str, Generator]) -> None:
    vader = models["vader"]
    silent = pixels(vader, Prompt("a cat", (CAT,), weights=(0.0, 1.0)), scale=1)
    assert np.array_equal(silent, pixels(vader, Prompt("", (CAT,)), scale=1))


def test_order_and_place_count(models: Mapping[str, Generator]) -> None:
    vader = models["vader"]
    one, two = (Prompt(f"{PLACE} like {PLACE}", pair) for pair in ((CAT, RED), (RED, CAT)))
    first, second = (vader.main.encoder.encode([Ask(prompt)]).extras[PICTURE] for prompt in (one, two))
    assert first.shape == (1, 32, 128)
    assert not torch.equal(first, second)
    after = vader.main.encoder.encode([Ask(replace(one, text="like"))]).extras[PICTURE]
    assert not torch.equal(first, after)


def test_rows_do_not_depend_on_what_stands_beside_them(models: Mapping[str, Generator]) -> None:
    vader = models["vader"]
    prompts = [Prompt("a cat", (CAT,)), Prompt("a long story of a small dog"), Prompt("", (CAT, RED))]
    together = [picture.pixels for picture in vader.generate(prompts, seed=3)]
    for prompt, picture in zip(prompts, together, strict=True):
        assert np.abs(pixels(vader, prompt) - picture).max() <= 1


@pytest.mark.parametrize(("part", "left"), [("text", {NEIGHBOUR}), ("neighbours", set()), ("words", {NEIGHBOUR})])
def test_what_is_dropped_is_not_read(models: Mapping[str, Generator], part: str, left: set[str]) -> None:
    rows = models["reimagen"].main.encoder.encode([Ask(fits("reimagen"), frozenset({part}))])
    assert {kind for kind in (NEIGHBOUR,) if bool(rows.extras[kind + COUNTS].any())} == left
    assert bool(rows.mask.any()) == (part == "neighbours")


def test_neighbours_in_any_order_and_absent_ones_change_nothing(models: Mapping[str, Generator]) -> None:
    reimagen = models["reimagen"]
    one, two = Prompt("a cat", neighbours=NEAR), Prompt("a cat", neighbours=NEAR[::-1])
    assert np.abs(pixels(reimagen, one) - pixels(reimagen, two)).max() <= 1
    assert not np.array_equal(pixels(reimagen, one), pixels(reimagen, "a cat"))


def test_embeddings_add_up(models: Mapping[str, Generator]) -> None:
    encoder = models["dalle2"].main.encoder

    def embedded(prompt: Prompt) -> torch.Tensor:
        return encoder.encode([Ask(prompt)]).extras[EMBEDDING][0, 0]

    cat, red = embedded(Prompt("", (CAT,))), embedded(Prompt("", (RED,)))
    middle = embedded(Prompt("", (CAT, RED), weights=(1.0, 0.5, 0.5)))
    torch.testing.assert_close(middle, torch.nn.functional.normalize(cat + red, dim=0))
    taken = embedded(Prompt("", (CAT, RED), weights=(1.0, 1.0, -0.5)))
    torch.testing.assert_close(taken, torch.nn.functional.normalize(cat - 0.5 * red, dim=0))
    with pytest.raises(InputError, match="take each other away"):
        embedded(Prompt("", (CAT, CAT), weights=(1.0, 1.0, -1.0)))


def test_the_same_words_have_the_same_embedding_by_either_map(models: Mapping[str, Generator]) -> None:
    for name in ("dalle2", "dalle2_prior"):
        encoder = models[name].main.encoder
        one, two = (encoder.encode([Ask(Prompt("a cat"))]).extras[EMBEDDING] for _ in range(2))
        assert torch.equal(one, two)
        assert float(one.norm()) == pytest.approx(1)
        assert not encoder.encode([Ask(Prompt("a cat"))]).mask.any(), "words are read as an embedding only"


def test_exactly_one_expert_answers_a_step(models: Mapping[str, Generator], monkeypatch: pytest.MonkeyPatch) -> None:
    predictor: Any = models["ediffi"].main.predictor
    asked = list[int]()
    place = type(predictor).place
    monkeypatch.setattr(type(predictor), "place", lambda self, time: asked.append(place(self, time)) or asked[-1])
    models["ediffi"].generate("a cat", steps=6, scale=1)
    assert len(asked) == 6
    assert asked == sorted(asked, reverse=True), "from high noise to low"
    assert set(asked) == {0, 1}


def test_what_a_model_does_not_read_is_refused(models: Mapping[str, Generator]) -> None:
    with pytest.raises(InputError, match="reads words only"):
        limn.load("emoji").request(Prompt("a cat", (CAT,)))
    with pytest.raises(InputError, match="reads no neighbours"):
        models["vader"].request(Prompt("a cat", neighbours=NEAR))
    with pytest.raises(InputError, match="is negative"):
        models["vader"].generate(Prompt("a cat", (CAT,), weights=(1.0, -1.0)))


def test_a_picture_is_given_by_its_file(models: Mapping[str, Generator], tmp_path: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(CAT)
    request = models["vader"].request("[A] in blue", picture=[f"A={path}:0.5"])
    assert request.prompts[0].text == f"{PLACE} in blue"
    assert request.prompts[0].weights == (1.0, 0.5)
    assert "picture" not in request.record()


@pytest.mark.parametrize("guide", GUIDES)
def test_every_guidance_steers_every_model(models: Mapping[str, Generator], guide: str, tmp_path: Path) -> None:
    part = small_models.usual(guide, small_models.files(tmp_path))
    for name in NAMES:
        request = models[name].request(fits(name), guidance=[part], steps=2)
        again = limn.kernel.request.Request.from_record(request.record())
        (drawn,) = (picture for picture in models[name].draw(again) if hasattr(picture, "pixels"))
        assert drawn.flaw == ""
