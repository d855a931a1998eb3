"""Weights in four and eight bits against bitsandbytes itself, which made ``sample/packed.safetensors``.

Where the library is installed (``pip install -c constraints.txt bitsandbytes``) it is asked anew. It is no part of
``dev``: where it is, diffusers imports it, which takes seconds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from limn.kernel.errors import WeightsError
from limn.models import memory
from limn.networks.bitsandbytes import check_settings, find, outlines

SAMPLE = Path(__file__).parents[1] / "sample" / "packed.safetensors"
SHAPES = ((5, 24), (3, 33), (33, 512), (20, 48))
FOUR = [
    (kind, twice, block, dtype)
    for kind in ("nf4", "fp4")
    for twice in (False, True)
    for block, dtype in ((64, torch.float32), (128, torch.bfloat16))
]


def made() -> dict[str, Tensor]:
    """Return what bitsandbytes packs, and under ``numbers`` what it unpacks again."""
    import bitsandbytes

    random, tensors = torch.Generator().manual_seed(0), {}
    for place, (kind, twice, block, dtype) in enumerate(FOUR):
        name = f"{kind}{place}.weight"
        values = torch.randn(SHAPES[place % len(SHAPES)], generator=random).to(dtype)
        packed, state = bitsandbytes.functional.quantize_4bit(
            values, blocksize=block, compress_statistics=twice, quant_type=kind
        )
        own = {f"{name}.{part}": tensor for part, tensor in state.as_dict(packed=True).items()}
        state.dtype = torch.float32
        numbers = bitsandbytes.functional.dequantize_4bit(packed, state)
        tensors |= {name: packed, **own, f"{name}.numbers": numbers}
    layer = torch.nn.Linear(24, 7)
    layer.weight.data = torch.randn(7, 24, generator=random)
    own_layer = bitsandbytes.nn.Linear8bitLt(24, 7, has_fp16_weights=False, bias=False)
    own_layer.load_state_dict({"weight": layer.weight.data.half()})
    state = own_layer.to("cpu").state_dict()
    numbers = bitsandbytes.functional.int8_vectorwise_dequant(state["weight"], state["SCB"])
    return {**tensors, **{f"rows.{name}": t for name, t in state.items()}, "rows.weight.numbers": numbers}


def parted() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the sample's packed tensors, and the numbers that bitsandbytes makes of them."""
    tensors = load_file(SAMPLE)
    numbers = {name.removesuffix(".numbers"): tensors.pop(name) for name in list(tensors) if "numbers" in name}
    return tensors, numbers


@pytest.mark.parametrize("shards", [1, 3])
def test_numbers_are_those_of_the_library(shards: int, tmp_path: Path) -> None:
    tensors, numbers = parted()
    names, paths = list(tensors), [tmp_path / f"{place}.safetensors" for place in range(shards)]
    for place, path in enumerate(paths):
        save_file({name: tensors[name] for name in names[place::shards]}, path)
    packed = find(paths)
    assert packed.keys() == numbers.keys()
    for name, wanted in numbers.items():
        torch.testing.assert_close(packed[name].unpacked(None), wanted, rtol=1e-6, atol=1e-7)
        assert torch.equal(packed[name].unpacked(torch.bfloat16), packed[name].unpacked(None).bfloat16())
    known = {name: about for own in outlines(paths) for name, about in own.items()}
    assert known == {name: (torch.float32, tuple(wanted.shape)) for name, wanted in numbers.items()}
    assert memory.weights(paths, 2) == 2 * sum(wanted.numel() for wanted in numbers.values())


def test_the_sample_is_what_the_library_makes_today() -> None:
    pytest.importorskip("bitsandbytes")
    now, before = made(), load_file(SAMPLE)
    assert now.keys() == before.keys()
    for name, tensor in now.items():
        torch.testing.assert_close(tensor, before[name].view(tensor.shape), msg=name)


def test_storage_in_other_types_is_read_as_bytes(tmp_path: Path) -> None:
    tensors, numbers = parted()
    name = next(name for name in numbers if tensors[name].numel() % 4 == 0)
    tensors[name] = tensors[name].view(-1).view(torch.float16).view(-1, 1)
    save_file(tensors, tmp_path / "x.safetensors")
    torch.testing.assert_close(find([tmp_path / "x.safetensors"])[name].unpacked(None), numbers[name])


def notes(**fields: Any) -> Callable[[dict[str, Tensor]], object]:
    """Return a change of the notes of a weight whose scales are packed too."""

    def change(tensors: dict[str, Tensor]) -> None:
        own = "nf42.weight.quant_state.bitsandbytes__nf4"
        said = {**json.loads(bytes(tensors[own].tolist())), **fields}
        said = {field: value for field, value in said.items() if value != "absent"}
        tensors[own] = torch.tensor(list(json.dumps(said).encode()), dtype=torch.uint8)

    return change


def part(ending: str, change: Callable[[Tensor], Tensor | None]) -> Callable[[dict[str, Tensor]], object]:
    """Return a change of the first tensor with such a name; without a result it is taken out."""

    def act(tensors: dict[str, Tensor]) -> None:
        name = next(name for name in tensors if name.endswith(ending))
        new = change(tensors.pop(name))
        tensors |= {} if new is None else {name: new.contiguous()}

    return act


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (notes(blocksize=0), "blocksize is 0; limn takes 32 or 64"),
        (notes(blocksize=32), "absmax is not .* bytes; get the file again"),
        (notes(nested_blocksize=32), "nested_absmax is not .* numbers; get the file again"),
        (notes(nested_offset="absent"), "say nothing of the scales' scales"),
        (notes(nested_offset=1e300), "nested_offset is 1e\\+300"),
        (notes(quant_type="nf3"), "quant_type is 'nf3'; limn takes 'nf4' or 'fp4'"),
        (notes(quant_type="fp4"), "are about fp4"),
        (notes(shape=[10**6, 10**6]), "has not the bytes of \\(1000000, 1000000\\) in four bits"),
        (notes(shape=[0, 5]), "shape is"),
        (notes(shape=[2**31] * 4), "has not the bytes"),
        (notes(evil="x"), "unknown field 'evil'"),
        (part("bitsandbytes__nf4", lambda old: old[:20]), "is damaged, not sound JSON"),
        (part("bitsandbytes__nf4", lambda old: old.repeat(100)), "are no text"),
        (part("nested_quant_map", lambda old: old[:255]), "nested_quant_map is not 256 numbers"),
        (part("quant_map", lambda old: None), "quant_map is not 16 numbers"),
        (part("quant_map", lambda old: old * math.nan), "not finite"),
        (part("nested_absmax", lambda old: old * math.inf), "not finite"),
        (part("SCB", lambda old: old[:-1]), "is not one scale for each row"),
        (part("SCB", lambda old: old * math.nan), "not finite"),
        (part("weight_format", lambda old: old + 1), "is laid out for a kind of GPU"),
        (part("rows.weight", lambda old: None), "is not one scale for each row"),
        (part("nf40.weight", lambda old: None), "has not the bytes"),
    ],
)
def test_what_is_damaged_is_refused(
    change: Callable[[dict[str, Tensor]], object], says: str, tmp_path: Path
) -> None:
    tensors, _ = parted()
    change(tensors)
    path = tmp_path / "x.safetensors"
    save_file(tensors, path)
    with pytest.raises(WeightsError, match=says) as raised:
        [packed.unpacked(torch.float32) for packed in find([path]).values()]
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_settings_are_closed_and_other_ways_of_packing_are_named(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    check_settings(path, {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"})
    for other in ("torchao", "quanto", "gptq", "awq", "compressed-tensors"):
        with pytest.raises(
            WeightsError, match=f"are quantised by '{other}', which limn does not read; get its weigh"
        ):
            check_settings(path, {"quant_method": other})
    with pytest.raises(WeightsError, match="in a way that is not named"):
        check_settings(path, ["x"])
    with pytest.raises(WeightsError, match="unknown field 'evil'"):
        check_settings(path, {"quant_method": "bitsandbytes", "evil": 1})
