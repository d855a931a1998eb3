"""Muon: PyTorch's own as the oracle, and singular values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from limn.train.muon import Muon, orthogonal

SHAPES = [(8, 8), (8, 32), (32, 8), (8, 32)]


def weights() -> list[torch.nn.Parameter]:
    rng = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=rng)) for shape in SHAPES]


def in_float32(
    gradient: torch.Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> torch.Tensor:
    a, b, c = coefficients
    x = gradient.T if gradient.shape[0] > gradient.shape[1] else gradient
    x = x / (x.norm() + eps)
    for _ in range(steps):
        x = a * x + (b * x @ x.T + c * x @ x.T @ x @ x.T) @ x
    return x.T if gradient.shape[0] > gradient.shape[1] else x


def test_moves_as_pytorchs_own_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.optim._muon._zeropower_via_newtonschulz", in_float32)
    ours, theirs = weights(), weights()
    mine = Muon(ours, lr=0.02, weight_decay=0.1)
    oracle = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    rng = torch.Generator().manual_seed(1)
    for _ in range(4):
        for own, other in zip(ours, theirs, strict=True):
            own.grad = torch.randn(own.shape, generator=rng)
            other.grad = own.grad.clone()
        mine.step()
        oracle.step()  # type: ignore[no-untyped-call]
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(mine.state[own]["momentum_buffer"], oracle.state[other]["momentum_buffer"])


def test_a_matrix_without_a_gradient_stays() -> None:
    matrices = weights()
    before = [matrix.detach().clone() for matrix in matrices]
    matrices[1].grad = torch.ones_like(matrices[1])
    Muon(matrices, lr=0.1).step()
    moved = [not torch.equal(matrix, old) for matrix, old in zip(matrices, before, strict=True)]
    assert moved == [False, True, False, False]


@given(rows=st.integers(1, 24), columns=st.integers(1, 24), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_large_singular_values_come_near_one(rows: int, columns: int, seed: int) -> None:
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    before, after = torch.linalg.svdvals(matrix), torch.linalg.svdvals(orthogonal(matrix))
    large = before > 0.05 * before.norm()
    assert ((after[large] > 0.3) & (after[large] < 1.3)).all()


def test_nothing_to_move_along_moves_nothing() -> None:
    assert torch.equal(orthogonal(torch.zeros(4, 6)), torch.zeros(4, 6))
