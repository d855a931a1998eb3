"""Native models from a folder: what they draw does not depend on company, and damaged folders are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import limn.models
from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.errors import InputError, LimnError, WeightsError
from limn.kernel.generator import Generator, Picture
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger
from limn.networks.autoencoder import Autoencoder, AutoencoderConfig
from limn.networks.transformer import Transformer, TransformerConfig
from limn.networks.weights import write_tensors

Change = Callable[[dict[str, Any]], None]


def build(folder: Path, *, latents: bool = True, change: Change = lambda config: None) -> Path:
    """Write a small native model whose random weights answer something."""
    torch.manual_seed(0)
    codec = AutoencoderConfig(channels=4, widths=(16, 16), blocks=(1, 1))
    shape = {"channels": 4, "grid": 4} if latents else {"channels": 3, "grid": 16, "patch": 4}
    network = Transformer(TransformerConfig(width=32, depth=2, heads=2, text_width=128, **shape))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    write_tensors(folder / "model.safetensors", network.state_dict())
    config = {"family": "native", "size": 16, "transformer": asdict(network.config), "steps": 4, "batch": 3}
    if latents:
        config["autoencoder"] = asdict(codec)
        write_tensors(folder / "autoencoder.safetensors", Autoencoder(codec).state_dict())
    config["styles"] = {"flat": "{}, flat style"}
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(params=[True, False], ids=["latents", "pixels"])
def generator(request: pytest.FixtureRequest, tmp_path: Path) -> Generator:
    return limn.models.load(build(tmp_path, latents=request.param))


def states(generator: Generator, prompts: list[str], seeds: list[int], sampler: str) -> Tensor:
    stage = generator.stages[0]
    request = generator.request(prompts, sampler=sampler)

    walk = stage.walk(
        list(request.prompts), generator.guidance, Streams(seeds), size=(16, 16),
        sampler=request.sampler, steps=4,
    )  # fmt: skip
    return list(walk)[-1].x


@pytest.mark.parametrize("sampler", ["ddim", "ddim:eta=1", "euler_ancestral", "euler", "heun", "dpm"])
def test_a_picture_in_a_batch_is_the_picture_alone(generator: Generator, sampler: str) -> None:
    """The tolerance is 1e-4 of the state's standard deviation: sums are taken in another order."""
    prompts = ["a red heart", "a very long sentence about a small blue house by the sea", "", "☃ and ünïcode"]
    together = states(generator, prompts, [0, 1, 2, 3], sampler)
    for place in range(len(prompts)):
        alone = states(generator, [prompts[place]], [place], sampler)
        assert torch.allclose(together[place], alone[0], atol=1e-4 * float(together.std()))


def test_batches_are_cut_from_the_whole_request_after_a_stop(generator: Generator) -> None:
    request = generator.request(["a", "b"], n=4, seed=3)
    whole = {each.item.index: each for each in generator.draw(request) if isinstance(each, Picture)}
    rest = {each.item.index: each for each in generator.draw(request, done={0, 1, 4}) if isinstance(each, Picture)}
    assert sorted(whole) == list(range(8))
    assert sorted(rest) == [2, 3, 5, 6, 7]
    assert all(np.array_equal(rest[index].pixels, whole[index].pixels) for index in rest)
    assert [whole[index].item.seed for index in range(8)] == [3, 4, 5, 6] * 2


def test_words_style_and_scale_change_the_picture(generator: Generator) -> None:
    def pixels(text: str, **options: Any) -> bytes:
        return generator.generate(text, **options)[0].pixels.tobytes()

    variants = [
        pixels("a red heart"),
        pixels("a blue heart"),
        pixels("a red heart", style="flat"),
        pixels("a red heart", seed=1),
        pixels("a red heart", guidance=["classifier_free:scale=1"]),
        pixels("a red heart", guidance=["classifier_free:scale=4,against=blue"]),
    ]
    assert len(set(variants)) == len(variants)
    assert pixels("a red heart", style="flat") == pixels("a red heart, flat style")


@dataclass(frozen=True, kw_only=True)
class Nothing(AttentionEdit):
    pass


@dataclass(frozen=True, kw_only=True)
class Deaf(AttentionEdit):
    """Hide all words from the picture."""

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor:
        assert site.text is not None
        assert site.sigma is not None
        bias = torch.zeros(key.shape[-2])
        bias[site.text] = -1e4
        return bias


def test_edits_reach_their_row_of_the_transformer(generator: Generator) -> None:
    stage = generator.stages[0]
    from limn.kernel.predictor import Ask
    from limn.kernel.prompt import Prompt

    rows = stage.encoder.encode([Ask(Prompt("a red heart"))] * 3)
    level = stage.schedule.levels(4, stage.sampler)[1]
    x = torch.randn(1, *stage.codec.shape(16, 16)).expand(3, -1, -1, -1)
    plain = stage.predictor(x, level, rows, [None] * 3)
    edited = stage.predictor(x, level, rows, [None, Nothing(), Deaf()])
    assert torch.allclose(edited[:2], plain[:2], atol=1e-5)
    assert not torch.allclose(edited[2], plain[2], atol=1e-3)


def test_not_a_number_is_flagged_and_neighbours_are_not(generator: Generator) -> None:
    predictor = generator.stages[0].predictor

    class Spoiled:
        space = "clean"

        def __call__(self, x: Tensor, *rest: Any) -> Tensor:
            answer = predictor(x, *rest)
            answer[1::3] = torch.nan
            return answer

    import dataclasses

    stage = dataclasses.replace(generator.stages[0], predictor=Spoiled())
    broken = Generator("broken", [stage], size=(16, 16), batch=3)
    pictures = broken.generate(["a", "b", "c"], guidance=[])
    assert [bool(each.flaw) for each in pictures] == [False, True, False]


def set_to(*path: str, value: Any) -> Change:
    def change(config: dict[str, Any]) -> None:
        for name in path[:-1]:
            config = config[name]
        config[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_to("auto_map", value={"AutoModel": "x.py"}), "auto_map"),
        (set_to("trust_remote_code", value=True), "trust_remote_code"),
        (set_to("surprise", value=1), "surprise"),
        (set_to("transformer", "width", value=10**9), "width"),
        (set_to("transformer", "depth", value=3), "missing"),
        (set_to("transformer", "grid", value=2), "do not fit|shape"),
        (set_to("size", value=64), "do not fit"),
        (set_to("scale", value=float("nan")), "NaN|finite|number"),
        (set_to("target", value="magic"), "magic"),
        (set_to("sampler", value="dimm"), "ddim"),
        (set_to("styles", value={"flat": "no place"}), "style"),
        (set_to("family", value="other"), "family"),
    ],
)
def test_configurations_that_are_refused(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(LimnError, match=message) as caught:
        limn.models.load(build(tmp_path, change=change))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_an_unknown_model_has_a_near_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'emoji'"):
        limn.models.load("emojy")
    with pytest.raises(WeightsError, match="neither"):
        limn.models.load(tmp_path)


@pytest.mark.parametrize("name", ["emoji", "shapes"])
def test_what_ships_loads_and_has_a_card(name: str) -> None:
    assert name in limn.models.names()
    card = limn.models.describe(name)
    assert {"draws", "licence", "figures", "parameters"} <= set(card)
    picture = limn.models.load(name).generate("a red heart", steps=2)[0]
    assert picture.pixels.shape == (card["size"], card["size"], 3)
    assert not picture.flaw


def test_words_that_are_not_read_are_told(tmp_path: Path) -> None:
    model = limn.models.load(build(tmp_path))
    long = " ".join(["word"] * 48 + ["red", "dog"])

    def unread(prompts: list[str], **options: Any) -> dict[str, str]:
        list(model.draw(model.request(prompts, steps=1, **options), ledger=(ledger := Ledger())))
        return ledger.unread

    assert unread(["short", long]) == {long: "red dog"}
    assert unread(["short"], negative=long, scale=2) == {long: "red dog"}
    assert unread(["short"], guide=[f"composed:prompts='{long}'"]) == {long: "red dog"}
    weighted = " ".join(["(word:1.2)"] * 40)
    assert unread([weighted]), "brackets are words"
    assert not unread([weighted], guide=["token_weights"]), "the text without them fits"
    assert not unread(["short"], negative=long, scale=1), "what was not asked need not be read"


def test_scale_0_is_no_guidance_and_the_words_keep_their_say(tmp_path: Path) -> None:
    model = limn.models.load(build(tmp_path))

    def pixels(words: str, **options: Any) -> np.ndarray:
        return model.generate(words, steps=2, **options)[0].pixels

    assert np.array_equal(pixels("a heart", scale=0), pixels("a heart", guidance=[]))
    assert np.array_equal(pixels("a heart", scale=0, guide=["apg:eta=0.5"]), pixels("a heart", guidance=[]))
    assert not np.array_equal(pixels("a heart", scale=0), pixels("a moon", scale=0))
    assert model.request("a heart", scale=0, negative="blue").record()["guidance"][0]["against"] == "blue"


def test_larger_pictures_are_drawn_on_places_scaled_to_them(generator: Generator) -> None:
    (wide,) = generator.generate("a red heart", size=(24, 48), seed=1)
    assert wide.pixels.shape == (24, 48, 3)
    network = generator.main.predictor.network.module  # type: ignore[attr-defined]
    places, side = network.places, network.config.side
    assert torch.equal(network._places(side, side), places)
    larger = network._places(2 * side - 1, 2 * side - 1)
    torch.testing.assert_close(larger[::2, ::2], places, rtol=0, atol=1e-6)
    torch.testing.assert_close(larger[1::2, ::2], (places[:-1] + places[1:]) / 2, rtol=0, atol=1e-6)
    for size in (8, 80, 18):
        with pytest.raises(InputError, match="a multiple of 4 from 16 to 64"):
            generator.generate("a red heart", size=size)
