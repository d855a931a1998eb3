"""Attention edits reach the U-Net, and only the rows that carry them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.generator import Generator
from limn.kernel.level import Level
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt
from limn.models.checkpoints.shared.unet import UNet

LEVEL = Level(alpha=0.6, sigma=0.8, time=500.0)


@dataclass(frozen=True)
class Identity(AttentionEdit):
    """Changes nothing, by its own way."""


@dataclass(frozen=True)
class Muted(AttentionEdit):
    """Hides all words but the first."""

    def touches(self, site: AttentionSite) -> bool:
        return site.kind == "cross"

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor:
        assert site.text == slice(0, key.shape[2])
        bias = query.new_full((1, 1, 1, key.shape[2]), -torch.inf)
        bias[..., 0] = 0
        return bias


@dataclass(frozen=True, eq=False)
class Watch(AttentionEdit):
    """Notes where it is asked."""

    seen: list[tuple[AttentionSite, tuple[int, ...]]]

    def values(self, value: Tensor, site: AttentionSite) -> Tensor:
        self.seen.append((site, tuple(value.shape)))
        return value


@pytest.fixture
def rows(loaded: Callable[..., Generator]) -> tuple[Generator, Tensor, Conditioning]:
    generator = loaded()
    asks = [Ask(Prompt(text)) for text in ("a red heart", "a cat", "the dog")]
    x = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    return generator, x, generator.stages[0].encoder.encode(asks)


@dataclass(frozen=True)
class Skipped(AttentionEdit):
    """Passes some layers unchanged."""

    layers: tuple[int, ...]

    def skips(self, site: AttentionSite) -> bool:
        return site.layer in self.layers


@dataclass(frozen=True)
class APG(AttentionEdit):
    """Reads the words' values anew."""

    tokens: Tensor

    def __hash__(self) -> int:
        return 0

    def touches(self, site: AttentionSite) -> bool:
        return site.kind == "cross"

    def values(self, value: Tensor, site: AttentionSite) -> Tensor:
        assert site.project is not None
        return site.project("value", self.tokens)


def answer(rows: tuple[Generator, Tensor, Conditioning], *edits: AttentionEdit | None) -> Tensor:
    generator, x, conditioning = rows
    return generator.stages[0].predictor(x, LEVEL, conditioning, edits)


def test_without_an_edit_it_is_diffusers_own_attention_to_the_last_bit(
    loaded: Callable[..., Generator], rows: tuple[Generator, Tensor, Conditioning]
) -> None:
    from diffusers.models.attention_processor import AttnProcessor2_0

    generator, x, conditioning = rows
    network = generator.stages[0].predictor.network  # type: ignore[attr-defined]
    assert isinstance(network, UNet)
    ours = network(x, torch.full((3,), 500.0), conditioning, [None] * 3, torch.ones(3))
    kept = dict(network.model.attn_processors)
    network.model.set_attn_processor(AttnProcessor2_0())
    try:
        with torch.no_grad():
            theirs = network.model(x, 500, encoder_hidden_states=conditioning.tokens).sample
    finally:
        network.model.set_attn_processor(kept)
    assert torch.equal(ours, theirs)


def test_an_identity_edit_changes_nothing(rows: tuple[Generator, Tensor, Conditioning]) -> None:
    plain = answer(rows, None, None, None)
    for edits in ((Identity(), None, None), (None, Identity(), Identity()), (Identity(),) * 3):
        torch.testing.assert_close(answer(rows, *edits), plain, rtol=0, atol=1e-6)


def test_an_edit_leaves_other_rows_as_they_were(rows: tuple[Generator, Tensor, Conditioning]) -> None:
    plain, edited = answer(rows, None, None, None), answer(rows, None, Muted(), None)
    torch.testing.assert_close(edited[[0, 2]], plain[[0, 2]], rtol=0, atol=1e-6)
    assert (edited[1] - plain[1]).abs().max() > 1e-4


def test_a_row_with_one_word_left_reads_only_that_word(rows: tuple[Generator, Tensor, Conditioning]) -> None:
    generator, x, conditioning = rows
    first = Conditioning(conditioning.tokens[:, :1], conditioning.mask[:, :1])
    want = generator.stages[0].predictor(x, LEVEL, first, [None] * 3)
    torch.testing.assert_close(answer(rows, Muted(), Muted(), Muted()), want, rtol=0, atol=1e-5)


def test_sites_say_where_they_are(rows: tuple[Generator, Tensor, Conditioning]) -> None:
    watch = Watch([])
    answer(rows, None, watch, None)
    sites = [site for site, _ in watch.seen]
    # Two transformer blocks on the way down, one in the middle, three on the way up; self before cross.
    assert [site.layer for site in sites] == [layer for layer in range(6) for _ in range(2)]
    assert [site.kind for site in sites] == ["self", "cross"] * 6
    assert {(site.layers, site.middle) for site in sites} == {(6, 2)}
    assert [site.grid for site in sites[::2]] == [(8, 8), (8, 8), (4, 4), (8, 8), (8, 8), (8, 8)]
    assert all((site.project is None) == (site.kind == "self") for site in sites)
    assert [site.image.stop for site in sites[::2]] == [64, 64, 16, 64, 64, 64]
    assert all(site.text == (slice(0, 77) if site.kind == "cross" else None) for site in sites)
    assert all(site.sigma is not None and site.sigma.tolist() == pytest.approx([0.8 / 0.6]) for site in sites)
    assert all(shape[0] == 1 for _, shape in watch.seen)


def test_the_shape_of_the_picture_is_known_at_every_depth(loaded: Callable[..., Generator]) -> None:
    watch, generator = Watch([]), loaded()
    x = torch.randn(1, 4, 6, 10, generator=torch.Generator().manual_seed(0))
    conditioning = generator.stages[0].encoder.encode([Ask(Prompt("a cat"))])
    generator.stages[0].predictor(x, LEVEL, conditioning, [watch])
    assert [site.grid for site, _ in watch.seen[::2]] == [(6, 10), (6, 10), (3, 5), (6, 10), (6, 10), (6, 10)]


def test_a_row_that_skips_a_layer_leaves_its_neighbours_alone(
    rows: tuple[Generator, Tensor, Conditioning],
) -> None:
    generator = rows[0]
    plain, skipped = answer(rows, None, None, None), answer(rows, None, Skipped((2, 3)), None)
    torch.testing.assert_close(skipped[[0, 2]], plain[[0, 2]], rtol=0, atol=1e-6)
    model = generator.stages[0].predictor.network.model  # type: ignore[attr-defined]
    blocks = [
        model.mid_block.attentions[0].transformer_blocks[0], model.up_blocks[1].attentions[0].transformer_blocks[0]
    ]  # fmt: skip
    hooks = [block.register_forward_hook(lambda block, inputs, after: inputs[0]) for block in blocks]
    try:
        want = answer(rows, None, None, None)
    finally:
        for hook in hooks:
            hook.remove()
    torch.testing.assert_close(skipped[1], want[1], rtol=0, atol=1e-6)
    assert (want[1] - plain[1]).abs().max() > 1e-4


def test_a_row_may_read_its_values_from_other_tokens(rows: tuple[Generator, Tensor, Conditioning]) -> None:
    same = APG(rows[2].tokens[1:2])
    torch.testing.assert_close(answer(rows, None, same, None), answer(rows, None, None, None), rtol=0, atol=1e-6)
    assert (answer(rows, same, None, None)[0] - answer(rows, None, None, None)[0]).abs().max() > 1e-4
