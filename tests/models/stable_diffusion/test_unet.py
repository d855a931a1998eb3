"""Attention edits reach the U-Net, and only the rows that carry them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.generator import Generator
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.step import Level
from limn.models.stable_diffusion.unet import UNet

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
    assert {site.layers for site in sites} == {6}
    assert [site.image.stop for site in sites[::2]] == [64, 64, 16, 64, 64, 64]
    assert all(site.text == (slice(0, 77) if site.kind == "cross" else None) for site in sites)
    assert all(site.sigma is not None and site.sigma.tolist() == pytest.approx([0.8 / 0.6]) for site in sites)
    assert all(shape[0] == 1 for _, shape in watch.seen)
