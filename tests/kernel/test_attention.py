"""Attention with per-row edits against PyTorch's own attention."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from limn.kernel.attention import AttentionEdit, AttentionSite, attend

SITE = AttentionSite(layer=2, layers=4, kind="joint", text=slice(0, 3), image=slice(3, 8))


@dataclass(frozen=True, kw_only=True)
class Nothing(AttentionEdit):
    pass


@dataclass(frozen=True, kw_only=True)
class Identity(AttentionEdit):
    """Every token keeps its own value (perturbed attention)."""

    last: int = 9

    def touches(self, site: AttentionSite) -> bool:
        return site.layer <= self.last

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, site: AttentionSite) -> Tensor:
        return value


@dataclass(frozen=True, kw_only=True)
class Swapped(AttentionEdit):
    """Values of the first text token stand in for all text (structured conditioning)."""

    def values(self, value: Tensor, site: AttentionSite) -> Tensor:
        value = value.clone()
        value[:, :, site.text] = value[:, :, site.text][:, :, :1]
        return value


@pytest.fixture
def tensors() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(5, 2, 8, 4, generator=generator) for _ in range(3)]


@pytest.mark.parametrize("shape", [None, (1, 1, 1, 8), (5, 1, 1, 8), (5, 1, 8, 8)])
def test_plain_rows_equal_the_fused_attention(tensors: list[Tensor], shape: tuple[int, ...] | None) -> None:
    mask = None if shape is None else torch.randn(shape, generator=torch.Generator().manual_seed(1))
    expected = F.scaled_dot_product_attention(*tensors, attn_mask=mask)
    assert torch.equal(attend(*tensors, mask=mask), expected)
    edits = [None, Nothing(), None, Nothing(), Nothing()]
    assert torch.allclose(attend(*tensors, mask=mask, edits=edits, site=SITE), expected, atol=1e-6)


def test_each_row_has_its_own_edit(tensors: list[Tensor]) -> None:
    query, key, value = tensors
    out = attend(*tensors, edits=[None, Identity(), Swapped(), Identity(last=1), Identity()], site=SITE)
    plain = F.scaled_dot_product_attention(*tensors)
    swapped = value.clone()
    swapped[:, :, :3] = swapped[:, :, :1]
    expected = F.scaled_dot_product_attention(query, key, swapped)
    assert torch.allclose(out[[0, 3]], plain[[0, 3]], atol=1e-6)
    assert torch.equal(out[[1, 4]], value[[1, 4]])
    assert torch.allclose(out[2], expected[2], atol=1e-6)


def test_sigma_follows_its_rows(tensors: list[Tensor]) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Level(AttentionEdit):
        def attend(
            self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, site: AttentionSite
        ) -> Tensor:
            assert site.sigma is not None
            return site.sigma[:, None, None, None].expand_as(query)

    site = AttentionSite(
        layer=0, layers=1, kind="self", text=None, image=slice(0, 8), sigma=torch.arange(5, dtype=torch.float32)
    )
    out = attend(*tensors, edits=[None, Level(), None, Level(), None], site=site)
    assert (out[1] == 1).all()
    assert (out[3] == 3).all()


def test_causal_counts_from_the_end(tensors: list[Tensor]) -> None:
    query, key, value = tensors
    whole = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    assert torch.allclose(attend(query, key, value, causal=True), whole, atol=1e-6)
    last = attend(query[:, :, -2:], key, value, causal=True)
    assert torch.allclose(last, whole[:, :, -2:], atol=1e-6)
