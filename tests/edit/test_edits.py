"""Editing with tokens: what is known stays, to the bit; what cannot be used is refused in one line."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from limn.codecs.tokens import Tokens
from limn.edit.inpaint import Inpaint
from limn.edit.mask_free import MaskFree
from limn.edit.outpaint import Outpaint
from limn.edit.pictures import packed, unpacked
from limn.edit.sdedit import SDEdit
from limn.encoders.prompt import PromptEncoder
from limn.kernel import registry
from limn.kernel.codec import HIDDEN
from limn.kernel.edit import Edit, Pixels
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator, Picture, Progress
from limn.kernel.known import touched
from limn.kernel.request import Request
from limn.kernel.stage import Stage
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer, TransformerConfig
from limn.predictors.autoregressive import Autoregressive
from limn.predictors.masked import Masked
from limn.samplers.decoding import Masking, Raster
from limn.samplers.next_token import NextToken
from limn.samplers.resample import Resample
from limn.samplers.unmask import Unmask


@dataclass
class Greys:
    """Each block of 4 pixels is a token: one of 8 levels of grey. Decoding undoes encoding exactly."""

    codes: int = 8
    factor: int = 4

    def encode(self, image: Tensor) -> Tensor:
        return ((image[:, 0, ::4, ::4] + 1) * 3.5).round().long().clamp(0, 7)

    def decode(self, ids: Tensor) -> Tensor:
        grey = ids[:, None] / 3.5 - 1
        return grey.repeat_interleave(4, 2).repeat_interleave(4, 3).expand(-1, 3, -1, -1)


@pytest.fixture(scope="module")
def generator() -> Generator:
    return made()


def made(*, causal: bool = False) -> Generator:
    torch.manual_seed(0)
    network = Transformer(
        TransformerConfig(
            width=32, depth=1, heads=2, channels=1, grid=4, vocabulary=9, text_width=128, causal=causal
        )
    )
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    network.eval().requires_grad_(False)
    stage = Stage(
        encoder=PromptEncoder(TokenVectors()),
        predictor=Autoregressive(network=network) if causal else Masked(network=network),
        codec=Tokens(Greys()),
        schedule=Raster(tokens=16) if causal else Masking(),
        sampler=NextToken() if causal else Unmask(),
        steps=16 if causal else 4,
    )
    return Generator("toy", [stage], size=(16, 16))


def picture() -> Pixels:
    """Every block of its own grey."""
    levels = np.random.default_rng(0).integers(0, 8, (4, 4)) * (255 / 7)
    grey = levels.round().astype(np.uint8).repeat(4, 0).repeat(4, 1)
    return np.stack([grey] * 3, -1)


def tokens(drawn: Pixels) -> Tensor:
    return Greys().encode(torch.from_numpy(drawn.copy()).permute(2, 0, 1)[None] / 127.5 - 1).flatten(1)


def draw(generator: Generator, edit: Edit, **options: object) -> list[Picture]:
    request = generator.request("a red circle", edit=edit, **options)  # type: ignore[arg-type]
    assert Request.from_record(json.loads(json.dumps(request.record()))) == request
    return [each for each in generator.draw(request) if isinstance(each, Picture)]


def corner() -> Pixels:
    mask = np.zeros((16, 16), np.uint8)
    mask[0:6, 10:16] = 255
    return mask


def test_a_mask_touches_the_tokens_it_overlaps() -> None:
    inside = torch.from_numpy(corner() > 127)[None]
    assert touched(inside, 4).view(4, 4).int().tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [0] * 4, [0] * 4]


def test_what_is_outside_the_mask_stays(generator: Generator) -> None:
    before = tokens(picture())[0]
    hidden = touched(torch.from_numpy(corner() > 127)[None], 4).flatten()
    changed = torch.zeros(16, dtype=torch.bool)
    for step in generator.draw(generator.request("a star", n=6, edit=Inpaint.of(picture(), corner()))):
        if isinstance(step, Progress):
            x = step.state.x
            assert torch.equal(x[:, ~hidden], before[~hidden].expand(len(x), -1)), "at every step"
        else:
            after = tokens(step.pixels)[0]
            assert torch.equal(after[~hidden], before[~hidden])
            cells = hidden.view(4, 4).numpy().repeat(4, 0).repeat(4, 1)
            assert np.array_equal(step.pixels[~cells], picture()[~cells])
            changed |= after != before
    assert changed[hidden].all()


def test_pictures_of_an_edit_have_seeds_and_steps_like_any_other(generator: Generator) -> None:
    edit = Inpaint.of(picture(), corner())
    first, second = draw(generator, edit, n=2, seed=5, steps=2)
    assert not np.array_equal(first.pixels, second.pixels)
    (again,) = draw(generator, edit, seed=6, steps=2)
    assert np.array_equal(again.pixels, second.pixels)


def test_a_white_mask_draws_all_anew_and_a_black_one_is_refused(generator: Generator) -> None:
    white = np.full((16, 16), 255, np.uint8)
    (drawn,) = draw(generator, Inpaint.of(picture(), white))
    assert drawn.pixels.shape == (16, 16, 3)
    assert (Inpaint.of(picture(), white).start(generator.stages[0], (16, 16)) == HIDDEN).all()
    with pytest.raises(InputError, match="black all over"):
        Inpaint.of(picture(), white * 0)


def test_a_box_is_a_mask() -> None:
    assert Inpaint.box(picture(), (0.625, 0, 1, 0.375)) == Inpaint.of(picture(), corner())
    one = unpacked(Inpaint.box(picture(), (0.999, 0.999, 1, 1)).mask, "mask")
    assert (one > 0).sum() == 3, "at least one pixel"
    for box in [(0.5, 0, 0.5, 1), (0.6, 0, 0.4, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.5), (float("nan"), 0, 1, 1)]:
        with pytest.raises(InputError, match="left < right"):
            Inpaint.box(picture(), box)


def test_what_does_not_fit_is_refused(generator: Generator) -> None:
    with pytest.raises(InputError, match="another size than the picture"):
        Inpaint.of(picture(), corner()[:8])
    with pytest.raises(InputError, match="16x12 pixels, the model edits 16x16"):
        draw(generator, Inpaint.of(picture()[:12], corner()[:12]))
    with pytest.raises(InputError, match="blind to what comes after a region; use emoji, or"):
        draw(made(causal=True), Inpaint.of(picture(), corner()))
    with pytest.raises(InputError, match="hexadecimal"):
        Inpaint(picture=packed(picture()), mask="zz")
    with pytest.raises(InputError, match="picture"):
        Inpaint(picture="00ff", mask=packed(corner()))


@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
@pytest.mark.parametrize("pixels", [4, 6, 12])
def test_a_picture_grows_on_one_side(generator: Generator, side: str, pixels: int) -> None:
    (drawn,) = draw(generator, Outpaint.of(picture(), side, pixels))  # type: ignore[arg-type]
    tall = side in ("top", "bottom")
    assert drawn.pixels.shape == ((16 + pixels, 16, 3) if tall else (16, 16 + pixels, 3))
    offset = pixels if side in ("left", "top") else 0
    kept = drawn.pixels[offset : offset + 16] if tall else drawn.pixels[:, offset : offset + 16]
    assert np.array_equal(kept, picture())


def test_a_picture_can_grow_again(generator: Generator) -> None:
    (first,) = draw(generator, Outpaint.of(picture(), "right", 8))
    (second,) = draw(generator, Outpaint.of(first.pixels, "right", 8))
    assert second.pixels.shape == (16, 32, 3)
    assert np.array_equal(second.pixels[:, :24], first.pixels)


@pytest.mark.parametrize("pixels", [0, -3, 13, 100])
def test_something_of_the_picture_must_be_seen(generator: Generator, pixels: int) -> None:
    with pytest.raises(InputError, match="extend"):
        draw(generator, Outpaint.of(picture(), "left", pixels))


def test_without_a_mask_a_picture_goes_as_far_as_its_steps(generator: Generator) -> None:
    before, edit = tokens(picture())[0], MaskFree.of(picture())
    kept = []
    for steps in (1, 5, 40):
        drawn = draw(generator, edit, n=8, steps=steps, sampler=Resample())
        kept.append(torch.stack([tokens(each.pixels)[0] == before for each in drawn]).float().mean().item())
    assert kept[0] >= 15 / 16
    assert kept[0] > kept[1] > kept[2]


@pytest.mark.parametrize("name", registry.names("edit"))
def test_edits_are_data(name: str) -> None:
    edit = {
        "inpaint": Inpaint.of(picture(), corner()),
        "outpaint": Outpaint.of(picture(), "top", 4),
        "mask_free": MaskFree.of(picture()),
        "sdedit": SDEdit.of(picture(), strength=0.3, invert=True, source="a star"),
    }[name]
    assert registry.build("edit", json.loads(json.dumps(registry.record(edit)))) == edit
    assert hash(edit) == hash(registry.build("edit", registry.record(edit)))


def test_a_request_without_an_edit_has_the_key_it_always_had(generator: Generator) -> None:
    assert "edit" not in generator.request("a red circle").record()
