from __future__ import annotations

import torch

from limn.networks.interleaved import CELLS, Interleaved, InterleavedConfig


def network() -> Interleaved:
    torch.manual_seed(0)
    made = Interleaved(InterleavedConfig(width=16, heads=2, text_width=8, picture_width=8))
    torch.nn.init.normal_(made.places)
    for block in made.blocks:  # gates that are open
        torch.nn.init.ones_(block.table[2::3])  # type: ignore[index]
    return made.eval()


def test_adapters_begin_near_identity() -> None:
    made = network()
    x = torch.randn(2, 5, 16)
    for adapter in made.adapters:
        assert ((adapter(x) - x).norm() / x.norm()).item() < 1e-2


def test_padding_changes_nothing_and_weight_0_is_padding() -> None:
    made, x = network(), torch.randn(1, 6, 16)
    with torch.no_grad():
        short = made(x[:, :4], torch.ones(1, 4))
        padded = made(torch.cat([x[:, :4], 100 * torch.randn(1, 2, 16)], 1), torch.tensor([[1.0] * 4 + [0.0] * 2]))
        masked = made(x, torch.tensor([[True] * 4 + [False] * 2]))
    torch.testing.assert_close(padded[:, :4], short)
    torch.testing.assert_close(masked[:, :4], short)


def test_a_weight_moves_attention_towards_its_part() -> None:
    made, x = network(), torch.randn(1, 6, 16)
    states = []
    with torch.no_grad():
        for weight in (1e-6, 0.3, 1.0, 3.0, 1e6):
            states.append(made(x, torch.tensor([[1.0] * 3 + [weight] * 3]))[0, 0])
    ends = states[-1] - states[0]
    along = [float((state - states[0]) @ ends / (ends @ ends)) for state in states]
    assert along[0] == 0
    assert along[-1] == 1
    assert 0 < along[2] < 1


def test_a_picture_becomes_so_many_tokens() -> None:
    assert network().picture(torch.randn(3, CELLS, 8)).shape == (3, CELLS, 16)
