"""Changes to layers: closed forms row by row."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from learned_files import low_rank_of
from limn.kernel.adapter import RowAdapter
from limn.networks.low_rank import Factors, LowRank, Matrix, fit, fitted
from limn.networks.weights import write_tensors

Tensors = dict[str, Tensor]


class Small(nn.Module):
    """A linear layer, and a convolution that strides."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(5, 3)
        self.inner = nn.ModuleDict({"fold": nn.Conv2d(3, 4, 3, stride=2, padding=1)})
        self.double()


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def tensors(prefix: str = "", rank: int = 2) -> Tensors:
    return {
        f"{prefix}line.lora_A.weight": drawn(rank, 5, seed=1),
        f"{prefix}line.lora_B.weight": drawn(3, rank, seed=2),
        f"{prefix}inner.fold.lora_A.weight": drawn(rank, 3, 3, 3, seed=3),
        f"{prefix}inner.fold.lora_B.weight": drawn(4, rank, 1, 1, seed=4),
    }


def written(folder: Path, content: Tensors) -> Path:
    path = folder / "adapter.safetensors"
    write_tensors(path, content)
    return path


@given(rows=st.sets(st.integers(0, 4)).map(sorted))
def test_rows_that_carry_it_have_other_weights_and_their_neighbours_do_not(
    rows: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    network = Small()
    adapter = low_rank_of(written(tmp_path_factory.mktemp("rows"), tensors()), network)
    line, fold = network.line, network.inner["fold"]
    x, picture = drawn(5, 7, 5), drawn(5, 3, 6, 6)
    plain = line(x), fold(picture)
    with adapter.among(rows):
        found = line(x), fold(picture)
    content = tensors()
    matrix = line.weight + content["line.lora_B.weight"] @ content["line.lora_A.weight"]
    up, down = content["inner.fold.lora_B.weight"], content["inner.fold.lora_A.weight"]
    kernel = fold.weight + torch.einsum("or,rihw->oihw", up[:, :, 0, 0], down)
    changed = (
        nn.functional.linear(x, matrix, line.bias),
        nn.functional.conv2d(picture, kernel, fold.bias, stride=2, padding=1),
    )
    for row in range(5):
        for have, before, after in zip(found, plain, changed, strict=True):
            if row in rows:
                torch.testing.assert_close(have[row], after[row])
            else:
                assert torch.equal(have[row], before[row])
    assert torch.equal(line(x), plain[0]), "undone when the context ends"


def test_all_rows_two_adapters_and_slopes(tmp_path: Path) -> None:
    network = Small().requires_grad_(False)
    first = low_rank_of(written(tmp_path, tensors()), network)
    second = low_rank_of(written(tmp_path, {n: 2 * t for n, t in tensors().items()}), network)
    assert isinstance(first, RowAdapter)
    x = drawn(3, 5).requires_grad_(True)
    with first.on(None), torch.no_grad():
        alone = network.line(x)
    with second.on(None), torch.no_grad():
        other = network.line(x)
    with first.among([0]), second.among([2]):
        mixed = network.line(x)
    wanted = torch.stack([alone[0], network.line(x)[1], other[2]])
    torch.testing.assert_close(mixed, wanted)
    (slope,) = torch.autograd.grad(mixed.sum(), x)
    content = tensors()
    change = content["line.lora_B.weight"] @ content["line.lora_A.weight"]
    own = [network.line.weight + share * change for share in (1, 0, 4)]
    torch.testing.assert_close(slope, torch.stack([each.sum(0) for each in own]))


def test_a_magnitude_keeps_the_length_of_rows_or_columns() -> None:
    network = Small()
    for layer, shapes in ((network.line, ((2, 5), (3, 2))), (network.inner["fold"], ((2, 3, 3, 3), (4, 2, 1, 1)))):
        assert isinstance(layer, nn.Linear | nn.Conv2d)
        down, up = drawn(*shapes[0], seed=1), drawn(*shapes[1], seed=2)
        changed = layer.weight + 0.5 * torch.einsum("or,r...->o...", up.flatten(1), down)
        for axis in (0, 1):
            lengths = drawn(layer.weight.shape[axis], seed=3).abs()
            others = [each for each in range(layer.weight.ndim) if each != axis]
            unit = changed / changed.square().sum(others, keepdim=True).sqrt()
            wanted = unit * lengths.view([-1 if each == axis else 1 for each in range(layer.weight.ndim)])
            factors = Factors(down=down, up=up, scale=0.5, magnitude=lengths if axis == 0 else lengths[None])
            x = drawn(2, 5) if layer is network.line else drawn(2, 3, 6, 6)
            plain = layer(x)
            with LowRank({layer: factors.update(layer, 1.0)}).on(None):
                found = layer(x)
            same = nn.Linear(5, 3) if layer is network.line else nn.Conv2d(3, 4, 3, stride=2, padding=1)
            same.double().load_state_dict({"weight": wanted, "bias": layer.bias})
            torch.testing.assert_close(found, same(x))
            with LowRank({layer: factors.update(layer, 0.25)}).on(None):
                torch.testing.assert_close(layer(x), plain + 0.25 * (found - plain))


def test_a_matrix_may_be_flat_and_weights_scale_it() -> None:
    network = Small()
    fold, delta = network.inner["fold"], drawn(4, 3, 3, 3, seed=5)
    picture = drawn(2, 3, 6, 6)
    plain = fold(picture)
    with LowRank({fold: Matrix(delta=delta).update(fold, 1.0)}).on(None):
        whole = fold(picture)
    with LowRank({fold: Matrix(delta=delta.flatten(1)).update(fold, 0.5)}).on(None):
        half = fold(picture)
    torch.testing.assert_close(half, (plain + whole) / 2)


def test_what_fits_and_what_does_not_is_told_apart() -> None:
    network = Small()
    right, wrong = Matrix(delta=drawn(3, 5)), Matrix(delta=drawn(3, 4))
    fits = fit({"line": right, "inner_fold": wrong, "other": right}, network)
    assert dict(fits.layers) == {"line": network.line}
    assert fits.unknown == ("other",)
    assert fits.misshapen == {"inner_fold": "(3, 4) for a layer of (4, 3, 3, 3)"}
    assert set(fitted({"line": right}, fits.layers).updates) == {network.line}


def test_nothing_changed_is_nothing_hooked() -> None:
    network = Small()
    with LowRank({}).among([0]), LowRank({}).on(None):
        assert not network.line._forward_hooks
