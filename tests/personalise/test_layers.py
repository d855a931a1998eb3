"""Changes to layers as other tools write them: their own results are the oracles, what does not fit is refused."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from learned_files import low_rank_of
from limn.kernel.errors import WeightsError
from limn.networks.low_rank import Factors, LowRank, Whole
from limn.networks.weights import write_tensors
from limn.personalise.learned import read

Tensors = dict[str, Tensor]
LAYERS = ["line", "fold"]


class Inner(nn.Module):
    """A convolution that strides, one of single pixels, and what reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.fold = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.point = nn.Conv2d(4, 6, 1)


class Small(nn.Module):
    """A linear layer, and two convolutions further in."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.line = nn.Linear(5, 3)
        self.inner = Inner()

    def forward(self, x: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
        return self.line(x), self.inner.point(self.inner.fold(picture))


def asked() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(3)
    return torch.randn(2, 5, generator=random), torch.randn(2, 3, 8, 8, generator=random)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tensors(prefix: str = "", rank: int = 2) -> Tensors:
    return {
        f"{prefix}line.lora_A.weight": drawn(rank, 5, seed=1),
        f"{prefix}line.lora_B.weight": drawn(3, rank, seed=2),
        f"{prefix}inner.fold.lora_A.weight": drawn(rank, 3, 3, 3, seed=3),
        f"{prefix}inner.fold.lora_B.weight": drawn(4, rank, 1, 1, seed=4),
    }


def written(folder: Path, content: Tensors, metadata: dict[str, str] | None = None, *, peft: bool = False) -> Path:
    path = folder / ("adapter_model.safetensors" if peft else "adapter.safetensors")
    write_tensors(path, content, metadata)
    return path


def scrambled(network: nn.Module) -> None:
    """Give everything that peft added values of its own."""
    for place, (name, weight) in enumerate(network.named_parameters()):
        if any(part in name for part in ("lora_", "hada_", "lokr_")):
            with torch.no_grad():
                values = drawn(*weight.shape, seed=place)
                weight.copy_(values.abs() + 0.1 if "magnitude" in name else 0.3 * values)


CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "lora": ("LoraConfig", {"r": 2, "lora_alpha": 6}),
    "rslora": ("LoraConfig", {"r": 4, "lora_alpha": 6, "use_rslora": True}),
    "patterns": ("LoraConfig", {
        "r": 2, "lora_alpha": 6, "rank_pattern": {"line": 3, "inner.fold": 1}, "alpha_pattern": {"fold": 5},
    }),
    "dora": ("LoraConfig", {"r": 2, "lora_alpha": 3, "use_dora": True}),
    "loha": ("LoHaConfig", {"r": 2, "alpha": 3}),
    "loha of kernels": ("LoHaConfig", {"r": 2, "alpha": 3, "use_effective_conv2d": True}),
    "lokr": ("LoKrConfig", {"r": 2, "alpha": 3}),
    "lokr of kernels": ("LoKrConfig", {"r": 1, "alpha": 3, "use_effective_conv2d": True, "decompose_both": True}),
}  # fmt: skip


@pytest.mark.parametrize("name", CONFIGS)
def test_a_folder_of_peft_does_what_peft_does(name: str, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    kind, options = CONFIGS[name]
    start = {"init_lora_weights": False} if kind == "LoraConfig" else {"init_weights": False}
    config = getattr(peft, kind)(target_modules=["line", "inner.fold", "inner.point"], **start, **options)
    theirs = peft.get_peft_model(Small(), config)
    scrambled(theirs)
    theirs.save_pretrained(tmp_path)
    with torch.no_grad():
        wanted = theirs.eval()(*asked())
        network = Small()
        plain = network(*asked())
        change = low_rank_of(tmp_path, network)
        with change.on(None):
            found = network(*asked())
    assert len(change.updates) == 3
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    assert (found[0] - plain[0]).abs().max() > 1e-2
    assert all(isinstance(update, Whole) for update in change.updates.values()) == (
        name not in ("lora", "rslora", "patterns")
    )


def test_rows_of_one_batch_are_what_peft_makes_of_mixed_batches(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, lora_alpha=6, target_modules=["line", "fold"], init_lora_weights=False)
    theirs = peft.get_peft_model(Small(), config, adapter_name="one")
    theirs.add_adapter("two", config)
    scrambled(theirs)
    theirs.save_pretrained(tmp_path)
    names = ["one", "__base__", "two", "two", "one"]
    x, picture = asked()
    x, picture = x[:1].expand(5, -1) + drawn(5, 1), picture[:1].expand(5, -1, -1, -1) + drawn(5, 1, 1, 1)
    with torch.no_grad():
        wanted = theirs.eval()(x, picture, adapter_names=names)
        network = Small()
        one, two = (low_rank_of(tmp_path / name, network) for name in ("one", "two"))
        with one.among([0, 4]), two.among([2, 3]):
            found = network(x, picture)
        alone = []
        for row, name in enumerate(names):
            with {"one": one, "two": two, "__base__": LowRank({})}[name].on(None):
                alone.append(network(x[row : row + 1], picture[row : row + 1]))
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)
    for row, outputs in enumerate(alone):
        for mixed, single in zip(found, outputs, strict=True):
            torch.testing.assert_close(mixed[row : row + 1], single, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("prefix", "network"),
    [
        ("", ""),
        ("base_model.model.", ""),
        ("unet.", "unet"),
        ("text_encoder.", "text_encoder"),
        ("text_encoder.text_model.", "text_encoder"),
        ("text_encoder_2.", "text_encoder_2"),
        ("transformer.", "transformer"),
    ],
)
def test_prefixes_say_which_network(prefix: str, network: str, tmp_path: Path) -> None:
    learned = read(written(tmp_path, tensors(prefix)))
    assert {name: sorted(own) for name, own in learned.changes.items()} == {network: ["inner.fold", "line"]}


@pytest.mark.parametrize(
    ("key", "network", "layer"),
    [
        ("lora_unet_a_b_to_out_0.lora_down.weight", "unet", "a_b_to_out_0"),
        ("lora_te_text_model_a_q_proj.lora_down.weight", "text_encoder", "a_q_proj"),
        ("lora_te1_text_model_a_q_proj.lora_down.weight", "text_encoder", "a_q_proj"),
        ("lora_te2_text_model_a_q_proj.lora_down.weight", "text_encoder_2", "a_q_proj"),
        ("unet.a.attn1.processor.to_q_lora.down.weight", "unet", "a.attn1.to_q"),
        ("unet.a.attn1.processor.to_out_lora.down.weight", "unet", "a.attn1.to_out.0"),
        ("unet.a.conv1.lora.down.weight", "unet", "a.conv1"),
        ("text_encoder.text_model.a.to_q_lora.down.weight", "text_encoder", "a.q_proj"),
        ("text_encoder.text_model.a.to_out_lora.down.weight", "text_encoder", "a.out_proj"),
        ("text_encoder.a.q_proj.lora_linear_layer.down.weight", "text_encoder", "a.q_proj"),
        ("base_model.model.a.lora_A.default.weight", "", "a"),
    ],
)
def test_names_of_other_tools_are_known(key: str, network: str, layer: str, tmp_path: Path) -> None:
    other = key.replace("lora_down", "lora_up").replace(".down.", ".up.").replace("lora_A", "lora_B")
    path = written(tmp_path, {key: drawn(2, 5), other: drawn(3, 2)})
    assert {name: list(own) for name, own in read(path).changes.items()} == {network: [layer]}


def strength(path: Path) -> float:
    """Return by what the product of the matrices is multiplied."""
    change = next(own for changes in read(path).changes.values() for name, own in changes.items() if "line" in name)
    assert isinstance(change, Factors)
    return change.scale


def test_the_scale_is_alpha_over_rank(tmp_path: Path) -> None:
    assert strength(written(tmp_path, tensors())) == 1.0, "alpha is the rank where nothing is said"
    alphas = {"line.alpha": torch.tensor(6.0), "inner.fold.alpha": torch.tensor([1.0])}
    assert strength(written(tmp_path, {**tensors(), **alphas})) == 3.0
    noted = {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": 8, "unet.r": 2, "unet.use_rslora": False})}
    assert strength(written(tmp_path, tensors("unet."), noted)) == 4.0
    path = written(tmp_path, tensors("base_model.model."), peft=True)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": 16, "r": 2, "peft_type": "LORA"}))
    assert strength(path) == strength(tmp_path) == 8.0


def test_lycoris_has_columns_of_lengths_cores_and_whole_factors(tmp_path: Path) -> None:
    network = Small()
    line, fold = network.line, network.inner.fold
    start, lengths = "lora_unet_line", drawn(5, seed=9).abs()
    pair = {f"{start}.lora_down.weight": drawn(2, 5, seed=1), f"{start}.lora_up.weight": drawn(3, 2, seed=2)}
    changed = line.weight + pair[f"{start}.lora_up.weight"] @ pair[f"{start}.lora_down.weight"]
    columns = written(tmp_path, {**pair, f"{start}.dora_scale": lengths[None]})
    (update,) = low_rank_of(columns, network).updates.values()
    assert isinstance(update, Whole)
    torch.testing.assert_close(update.delta, (changed * lengths / changed.norm(dim=0) - line.weight).detach())
    rows = written(tmp_path, {**pair, f"{start}.dora_scale": lengths[:3, None]})
    (update,) = low_rank_of(rows, network).updates.values()
    assert isinstance(update, Whole)
    wanted = changed * lengths[:3, None] / changed.norm(dim=1, keepdim=True) - line.weight
    torch.testing.assert_close(update.delta, wanted.detach())
    kernels = {
        "lora_unet_inner_fold.lora_down.weight": drawn(2, 3, 1, 1, seed=1),
        "lora_unet_inner_fold.lora_mid.weight": drawn(2, 2, 3, 3, seed=2),
        "lora_unet_inner_fold.lora_up.weight": drawn(4, 2, 1, 1, seed=3),
    }
    _, picture = asked()
    down, mid, up = kernels.values()
    thrice = nn.functional.conv2d(picture, down)
    thrice = nn.functional.conv2d(nn.functional.conv2d(thrice, mid, stride=2, padding=1), up)
    with low_rank_of(written(tmp_path, kernels), network).on(None), torch.no_grad():
        grown = fold(picture)
    torch.testing.assert_close(grown, fold(picture).detach() + thrice)
    whole = {
        "lora_unet_line.lokr_w1": drawn(1, 1),
        "lora_unet_line.lokr_w2": drawn(3, 5),
        "lora_unet_line.alpha": torch.tensor(9.0),
    }
    (update,) = low_rank_of(written(tmp_path, whole), network).updates.values()
    assert isinstance(update, Whole)
    torch.testing.assert_close(update.delta, drawn(1, 1) * drawn(3, 5))


def without(name: str) -> Callable[[Tensors], Tensors]:
    return lambda content: {key: each for key, each in content.items() if key != name}


def having(**more: Tensor) -> Callable[[Tensors], Tensors]:
    return lambda content: {**content, **{key.replace("__", "."): each for key, each in more.items()}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("line.lora_B.weight"), r"line: has down \(2, 5\), but 'up' is missing"),
        (having(line__lora_A__weight=drawn(0, 5), line__lora_B__weight=drawn(3, 0)), "they do not fit"),
        (having(line__lora_A__weight=drawn(1025, 5), line__lora_B__weight=drawn(3, 1025)), "they do not fit"),
        (having(line__lora_A__weight=drawn(3, 5)), r"down \(3, 5\), up \(3, 2\), but they do not fit"),
        (having(line__lora_down__weight=drawn(2, 5)), "has down of line twice"),
        (having(line__alpha=drawn(2)), "alpha is not one number"),
        (having(line__alpha=torch.tensor(1e9)), r"alpha is 1000000000\.0; it must be a number up to a million"),
        (having(line__lora_A__weight=torch.full((2, 5), torch.nan)), "not finite"),
        (having(other__hada_w1_a=drawn(2, 5)), "'hada_w1_b' is missing"),
        (having(other__lokr_w1=drawn(2, 5)), "'lokr_w2_a' is missing"),
        (lambda content: {}, "holds no learned word and no change"),
    ],
)  # fmt: skip
def test_files_that_are_not_whole_are_refused(
    change: Callable[[Tensors], Tensors], message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, change(tensors()))
    with pytest.raises(WeightsError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_notes_that_ask_for_more_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, tensors(), peft=True)
    for name, value in (("bias", "all"), ("peft_type", "VERA"), ("modules_to_save", ["line"])):
        (tmp_path / "adapter_config.json").write_text(json.dumps({name: value}))
        with pytest.raises(WeightsError, match=f"{name} is .*, which limn does not know"):
            read(path)
    for value in ("much", True, 1e7):
        (tmp_path / "adapter_config.json").write_text(json.dumps({"lora_alpha": value}))
        with pytest.raises(WeightsError, match="alpha is"):
            read(path)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"init_lora_weights": "pissa_niter_4"}))
    with pytest.raises(WeightsError, match="pissa_niter_4, which changes the model's own weights"):
        read(path)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"alpha_pattern": {"(a+)+$": 3}}))
    with pytest.raises(WeightsError, match="is no plain name"):
        read(path)
    path = written(tmp_path, tensors(), {"lora_adapter_metadata": "{"})
    with pytest.raises(WeightsError, match="JSON"):
        read(path)


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
        read(path)
    assert "\n" not in str(caught.value)
