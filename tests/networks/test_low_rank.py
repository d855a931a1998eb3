"""Low-rank changes: closed forms row by row, and files that are refused in one line."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from limn.kernel.adapter import RowAdapter
from limn.kernel.errors import WeightsError
from limn.networks.low_rank import LowRank, is_low_rank, read_low_rank
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


def written(folder: Path, content: Tensors, metadata: dict[str, str] | None = None) -> Path:
    path = folder / "adapter.safetensors"
    write_tensors(path, content, metadata)
    return path


@given(rows=st.sets(st.integers(0, 4)).map(sorted))
def test_rows_that_carry_it_have_other_weights_and_their_neighbours_do_not(
    rows: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    network = Small()
    adapter = read_low_rank(written(tmp_path_factory.mktemp("rows"), tensors()), network)
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
    first = read_low_rank(written(tmp_path, tensors()), network)
    second = read_low_rank(written(tmp_path, {n: 2 * t for n, t in tensors().items()}), network)
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


@pytest.mark.parametrize("prefix", ["", "base_model.model.", "unet."])
def test_names_of_peft_and_diffusers_are_known(prefix: str, tmp_path: Path) -> None:
    adapter = read_low_rank(written(tmp_path, tensors(prefix)), Small())
    assert len(adapter.updates) == 2
    assert is_low_rank(tmp_path / "adapter.safetensors")
    write_tensors(tmp_path / "plain.safetensors", {"line.weight": drawn(3, 5)})
    assert not is_low_rank(tmp_path / "plain.safetensors")


def strength(path: Path) -> float:
    """Return by what the product of the matrices was multiplied."""
    network = Small()
    change = read_low_rank(path, network).updates[network.line]
    content = tensors()
    product = content["line.lora_B.weight"] @ content["line.lora_A.weight"]
    return float((change.up @ change.down / product).mean())


def test_the_scale_is_alpha_over_rank(tmp_path: Path) -> None:
    path = written(tmp_path, tensors())
    assert strength(path) == pytest.approx(1.0), "alpha is the rank where nothing is said"
    alphas = {"line.alpha": torch.tensor(6.0), "inner.fold.alpha": torch.tensor([1.0])}
    assert strength(written(tmp_path, {**tensors(), **alphas})) == pytest.approx(3.0)
    noted = {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": 8, "unet.r": 2, "unet.use_rslora": False})}
    assert strength(written(tmp_path, tensors("unet."), noted)) == pytest.approx(4.0)
    path = written(tmp_path, tensors("base_model.model."))
    (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": 16, "r": 2, "use_dora": False}))
    assert strength(path) == pytest.approx(8.0)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": 16, "use_rslora": True}))
    assert strength(path) == pytest.approx(16 / 2**0.5)


def without(name: str) -> Callable[[Tensors], Tensors]:
    return lambda content: {key: each for key, each in content.items() if key != name}


def having(**more: Tensor) -> Callable[[Tensors], Tensors]:
    return lambda content: {**content, **{key.replace("__", "."): each for key, each in more.items()}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (having(other__lora_A__weight=drawn(2, 5)), "'other.lora_A.weight' is not the change of a linear layer"),
        (having(line__weight=drawn(3, 5)), "'line.weight' is not the change"),
        (having(inner__lora_A__weight=drawn(2, 5)), "'inner.lora_A.weight' is not the change"),
        (having(line__lora_magnitude_vector=drawn(3)), "'line.lora_magnitude_vector' is not the change"),
        (having(text_encoder__q__lora_A__weight=drawn(2, 5)), "'text_encoder.q.lora_A.weight' is not the change"),
        (having(unet__line__lora_A__weight=drawn(2, 5)), "line.lora_A.weight' is not the change"),
        (without("line.lora_B.weight"), "line has changes of shapes \\(2, 5\\) and None, not \\(rank, 5\\)"),
        (having(line__lora_A__weight=drawn(2, 6)), "line has changes of shapes \\(2, 6\\)"),
        (having(line__lora_A__weight=drawn(0, 5), line__lora_B__weight=drawn(3, 0)), "a rank from 1 to 1024"),
        (having(line__lora_A__weight=drawn(1025, 5), line__lora_B__weight=drawn(3, 1025)), "a rank from 1 to 1024"),
        (having(inner__fold__lora_B__weight=drawn(4, 2)), "inner.fold has changes of shapes"),
        (having(line__alpha=drawn(2)), "line.alpha is not one number"),
        (having(line__alpha=torch.tensor(1e9)), "alpha is 1000000000.0; it must be a number up to a million"),
        (having(line__lora_A__weight=torch.full((2, 5), torch.nan)), "not finite"),
        (lambda content: {}, "holds no low-rank change"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_refused(
    change: Callable[[Tensors], Tensors], message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, change(tensors()))
    with pytest.raises(WeightsError, match=message) as caught:
        read_low_rank(path, Small())
    assert "\n" not in str(caught.value)


def test_notes_that_ask_for_more_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, tensors())
    for name, value in (("use_dora", True), ("bias", "all"), ("alpha_pattern", {"line": 3})):
        (tmp_path / "adapter_config.json").write_text(json.dumps({name: value}))
        with pytest.raises(WeightsError, match=f"{name} is .*, which limn does not know"):
            read_low_rank(path, Small())
    for value in ("much", True, None, 1e7):
        (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": value}))
        with pytest.raises(WeightsError, match="alpha is"):
            read_low_rank(path, Small())
    (tmp_path / "adapter_config.json").unlink()
    path = written(tmp_path, tensors(), {"lora_adapter_metadata": "{"})
    with pytest.raises(WeightsError, match="JSON"):
        read_low_rank(path, Small())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        struct.pack("<Q", 2**40) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        b"\x80\x04" + b"x" * 20,
        struct.pack("<Q", 73) + b'{"line.lora_A.weight":{"dtype":"F32","shape":[2,5],"data_offsets":[0,4]}}',
        struct.pack("<Q", 26) + b'{"__metadata__":{"lora":7}}'[:26],
    ],
)  # fmt: skip
def test_hostile_headers_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "adapter.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        read_low_rank(path, Small())
    assert "\n" not in str(caught.value)


def test_nothing_changed_is_nothing_hooked() -> None:
    network = Small()
    with LowRank({}).among([0]), LowRank({}).on(None):
        assert not network.line._forward_hooks
