from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.errors import InputError, WeightsError
from limn.networks.transformer import Transformer, TransformerConfig
from limn.networks.trunk import Cache, Trunk

SMALL = TransformerConfig(width=32, depth=2, heads=2, channels=3, grid=8, patch=2, text_width=12, text_limit=8)


def awake(config: TransformerConfig = SMALL) -> Transformer:
    """A transformer whose silent layers speak."""
    torch.manual_seed(0)
    network = Transformer(config)
    for each in network.parameters():
        if not each.any():
            torch.nn.init.normal_(each, std=0.2)
    return network.eval().requires_grad_(False)


def inputs(rows: int = 3, words: int = 5) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    mask = torch.arange(words) < torch.tensor([words, 2, 0])[:rows, None]
    text = torch.randn(rows, words, 12, generator=torch.Generator().manual_seed(1)) * mask[..., None]
    return torch.randn(rows, 3, 8, 8), torch.rand(rows), text, mask


def test_a_fresh_network_answers_zero_in_the_shape_of_the_state() -> None:
    state, *rest = inputs()
    answer = Transformer(SMALL)(state, *rest)
    assert answer.shape == state.shape
    assert not answer.any()


def test_a_row_depends_on_nothing_but_itself() -> None:
    network, (state, time, text, mask) = awake(), inputs()
    together = network(state, time, text, mask)
    for row in range(3):
        words = max(1, int(mask[row].sum()))  # alone, the padding is shorter
        alone = network(state[[row]], time[[row]], text[[row], :words], mask[[row], :words])
        torch.testing.assert_close(alone, together[[row]], atol=1e-5, rtol=1e-5)


def test_padded_words_are_not_read_and_real_ones_are() -> None:
    network, (state, time, text, mask) = awake(), inputs()
    answer = network(state, time, text, mask)
    torch.testing.assert_close(network(state, time, text + 9 * ~mask[..., None], mask), answer)
    assert (network(state, time, text + mask[..., None], mask) - answer).abs().amax((1, 2, 3))[:2].min() > 1e-3


def test_the_order_of_the_words_and_the_noise_level_matter() -> None:
    network, (state, time, text, mask) = awake(), inputs()
    answer = network(state, time, text, mask)
    assert (network(state, time, text[:, [1, 0, 2, 3, 4]], mask) - answer)[:2].abs().max() > 1e-4
    assert (network(state, 1 - time, text, mask) - answer).abs().max() > 1e-4


def test_lines_of_a_picture_keep_their_places() -> None:
    """All lines in order are the whole picture; in another order they give the same answers in that order."""
    network, (state, time, text, mask) = awake(), inputs()
    whole = network(state, time, text, mask)
    assert torch.equal(network(state, time, text, mask, lines=torch.arange(4)), whole)
    order = torch.tensor([2, 0, 3, 1])
    moved = state.unflatten(2, (4, 2))[:, :, order].flatten(2, 3)
    answer = network(moved, time, text, mask, lines=order)
    expected = whole.unflatten(2, (4, 2))[:, :, order].flatten(2, 3)
    torch.testing.assert_close(answer, expected, atol=1e-5, rtol=1e-5)
    some = network(moved[:, :, :4], time, text, mask, lines=order[:2])
    assert some.shape == (3, 3, 4, 8)
    assert not torch.allclose(some, network(moved[:, :, :4], time, text, mask))


def test_training_and_inference_compute_the_same() -> None:
    network, batch = awake(), inputs()
    quiet = network(*batch)
    torch.testing.assert_close(network.requires_grad_()(*batch), quiet, atol=1e-5, rtol=1e-5)


def test_every_parameter_learns() -> None:
    network = awake().requires_grad_()
    network(*inputs()).square().mean().backward()
    still = [name for name, each in network.named_parameters() if each.grad is None or not each.grad.any()]
    assert still == []


@dataclass(frozen=True)
class _Identity(AttentionEdit):
    """Every token attends to itself alone."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, site: AttentionSite) -> Tensor:
        assert site.text == slice(0, 5)
        assert site.kind == "joint"
        assert site.sigma is not None
        assert site.sigma.shape == (query.shape[0],)
        return value


def test_an_edit_changes_its_own_row_only() -> None:
    network, (state, time, text, mask) = awake(), inputs()
    plain = network(state, time, text, mask)
    edited = network(state, time, text, mask, edits=(None, _Identity(), None), sigma=time)
    torch.testing.assert_close(edited[[0, 2]], plain[[0, 2]], atol=1e-5, rtol=1e-5)
    assert (edited[1] - plain[1]).abs().max() > 1e-3


TOKENS = TransformerConfig(
    width=32, depth=2, heads=2, grid=4, vocabulary=11, causal=True, text_width=12, text_limit=8
)


@dataclass(frozen=True)
class _Watch(AttentionEdit):
    """Notes the shapes of the picture."""

    seen: list[tuple[int, int] | None]

    def __hash__(self) -> int:
        return 0

    def touches(self, site: AttentionSite) -> bool:
        self.seen.append(site.grid)
        return False


@pytest.mark.parametrize(
    ("changes", "state", "grid"),
    [
        ({}, torch.zeros(1, 3, 8, 6), (4, 3)),
        ({"vocabulary": 11, "patch": 1, "grid": 4}, torch.zeros(1, 16, dtype=torch.long), (4, 4)),
        ({"vocabulary": 11, "patch": 1, "grid": 4}, torch.zeros(1, 5, dtype=torch.long), None),
        ({"vocabulary": 11, "patch": 1, "grid": 4, "causal": True}, torch.zeros(1, 16, dtype=torch.long), None),
    ],
)
def test_edits_know_the_shape_of_the_picture(
    changes: dict[str, Any], state: Tensor, grid: tuple[int, int] | None
) -> None:
    watch = _Watch([])
    text, mask = torch.zeros(1, 2, 12), torch.ones(1, 2, dtype=torch.bool)
    network = Transformer(replace(SMALL, **changes))
    network(state, torch.ones(1), text, mask, edits=[watch], sigma=torch.ones(1))
    assert watch.seen == [grid, grid]


def test_a_causal_token_model_does_not_look_ahead() -> None:
    network, (_, _, text, mask) = awake(TOKENS), inputs()
    tokens = torch.randint(11, (3, 16))
    logits = network(tokens, None, text, mask)
    assert logits.shape == (3, 16, 11)
    other = tokens.clone()
    other[:, 9:] = (other[:, 9:] + 1) % 11
    torch.testing.assert_close(network(other, None, text, mask)[:, :9], logits[:, :9], atol=1e-5, rtol=1e-5)


def test_a_causal_model_reads_all_words_at_every_token_and_needs_none() -> None:
    network, (_, _, text, mask) = awake(TOKENS), inputs()
    tokens = torch.randint(11, (3, 16))
    logits = network(tokens, None, text, mask)
    assert logits.isfinite().all(), "the last row has no words"
    swapped = network(tokens, None, text[:, [1, 0, 2, 3, 4]], mask)
    assert (swapped - logits)[:2, 0].abs().amax(-1).min() > 1e-4
    alone = network(tokens[1:2], None, text[1:2, :2], mask[1:2, :2])
    torch.testing.assert_close(alone, logits[1:2], atol=1e-5, rtol=1e-5)
    learning = network.requires_grad_()(tokens, None, text, mask)
    torch.testing.assert_close(learning, logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("pieces", [[16], [1] * 16, [3, 1, 12]])
def test_cached_equals_uncached(pieces: list[int]) -> None:
    network, (_, _, text, mask) = awake(TOKENS), inputs()
    tokens = torch.randint(11, (3, 16))
    cache, parts = Cache(), []
    for part in tokens.split(pieces, dim=1):
        parts.append(network(part, None, text, mask, cache=cache))
    assert cache.length == 5 + 16
    torch.testing.assert_close(torch.cat(parts, 1), network(tokens, None, text, mask), atol=1e-5, rtol=1e-5)


def test_floating_point_operations_are_counted_as_torch_counts_them() -> None:
    """While learning, for torch does not count the fused attention of CPUs."""
    state, time, text, mask = inputs()
    network = awake().requires_grad_()
    with FlopCounterMode(display=False) as counted:
        network(state, time, text, mask)
    assert counted.get_total_flops() == network.flops(3, 5, 16, timed=True)
    network, cache = awake(TOKENS).requires_grad_(), Cache()
    tokens = torch.randint(11, (3, 16))
    for seen, part in ((0, tokens[:, :7]), (12, tokens[:, 7:8])):
        with FlopCounterMode(display=False) as counted:
            network(part, None, text, mask, cache=cache)
        assert counted.get_total_flops() == network.flops(3, 5, part.shape[1], seen=seen)


def test_the_trunk_takes_any_sequence() -> None:
    trunk = Trunk(32, 2, 2)
    assert trunk(torch.randn(2, 7, 32), torch.randn(2, 32)).shape == (2, 7, 32)


@pytest.mark.parametrize(
    ("field", "value"),
    [("width", 10**9), ("depth", 0), ("heads", 3), ("grid", 7), ("vocabulary", 10**9), ("channels", True)],
)
def test_hostile_sizes_are_refused_before_allocation(field: str, value: int) -> None:
    with pytest.raises(InputError):
        TransformerConfig(**{"width": 32, "heads": 2, "patch": 2, "grid": 8, field: value})
    with pytest.raises(WeightsError):
        Transformer.from_config({"width": 32, "heads": 2, "patch": 2, "grid": 8, field: value})


def test_unknown_fields_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(WeightsError, match="width"):
        Transformer.from_config({"widht": 32})
