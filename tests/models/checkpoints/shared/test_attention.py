"""Edits reach the transformers of diffusers: sites say where they are, and keys and values can be read anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from agreement import TEXTS, Pair
from limn.guidance.pag import Identity
from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.models.checkpoints.shared.attention import apart, picture_first, text_first
from tiny_families import FAMILIES


@dataclass(frozen=True, eq=False)
class Watch(AttentionEdit):
    """Notes where it is asked."""

    seen: list[tuple[AttentionSite, tuple[int, ...]]]

    def values(self, value: Tensor, site: AttentionSite) -> Tensor:
        self.seen.append((site, tuple(value.shape)))
        return value


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Pair(FAMILIES["z_image"], Path(tmp_path_factory.mktemp("attention")) / "model")


def test_layouts() -> None:
    assert text_first(6, 4) == (slice(4, 10), slice(0, 4))
    assert apart(6, 4) == (slice(0, 6), slice(0, 4))
    assert picture_first(64, 4, 32) == (slice(0, 64), slice(64, 68))


def test_sites_say_where_they_are(pair: Pair) -> None:
    watch = Watch([])
    pair.answers(None, watch, None)
    sites = [site for site, _ in watch.seen]
    assert [(site.layer, site.layers, site.kind) for site in sites] == [(layer, 3, "joint") for layer in range(3)]
    assert {site.grid for site in sites} == {(8, 12)}
    longest = len(pair.generators[torch.float32].stages[0].encoder.spans(TEXTS[1]))
    assert {(site.image.stop, site.text.start, site.text.stop) for site in sites if site.text} == {
        (96, 96, 96 + longest)
    }
    assert all(shape[0] == 1 for _, shape in watch.seen)


def test_perturbed_attention_cuts_picture_from_picture_alone() -> None:
    site = AttentionSite(layer=0, layers=1, kind="joint", text=slice(4, 7), image=slice(0, 4))
    bias = Identity(layers=()).bias(torch.zeros(1, 1, 8, 2), torch.zeros(1, 1, 8, 2), site)
    assert torch.equal(
        bias == 0, ~torch.eye(8).bool().logical_not() | (torch.arange(8) >= 4) | (torch.arange(8)[:, None] >= 4)
    )


def test_rows_are_forgotten_after_a_forward(pair: Pair) -> None:
    pair.answers(None, Watch([]), None)
    network = pair.generators[torch.float32].stages[0].predictor.network  # type: ignore[attr-defined]
    assert network.rows.edits == ()
