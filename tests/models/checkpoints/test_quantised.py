"""Folders that diffusers and transformers saved in four or eight bits draw as unpacked ones do in diffusers.

bitsandbytes packs on the CPU too; diffusers asks for a GPU before it does, and that alone is left out here. The
library is installed for these tests by hand (``pip install -c constraints.txt bitsandbytes``): diffusers imports it
where it is, which takes seconds.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from agreement import STEPS, TEXTS, Pair, adapted, close, tuned
from limn import models
from limn.kernel.errors import WeightsError
from limn.models import memory
from limn.models.checkpoints import flux
from tiny_families import FAMILIES, built

bitsandbytes = pytest.importorskip("bitsandbytes")
WAYS: dict[str, dict[str, Any]] = {
    "nf4": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
    "fp4": {"load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
    "int8": {"load_in_8bit": True},
}
pytestmark = pytest.mark.filterwarnings("ignore")  # of bitsandbytes and of the libraries about it


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Any, Path], Any]:
    """Save a network of a library with packed weights, in its place; returns it as the library packed it."""
    import diffusers
    import transformers
    from diffusers.quantizers.bitsandbytes import bnb_quantizer

    for kind in (bnb_quantizer.BnB4BitDiffusersQuantizer, bnb_quantizer.BnB8BitDiffusersQuantizer):
        monkeypatch.setattr(kind, "validate_environment", lambda self, *_, **__: None)
        monkeypatch.setattr(kind, "update_device_map", lambda self, device_map: {"": "cpu"})

    def save(way: str, kind: Any, folder: Path) -> Any:
        library = diffusers if hasattr(diffusers, kind.__name__) else transformers
        packing = library.BitsAndBytesConfig(**WAYS[way])
        named = {"torch_dtype" if library is diffusers else "dtype": torch.float32}
        network = kind.from_pretrained(folder, quantization_config=packing, local_files_only=True, **named)
        shutil.rmtree(folder)
        network.save_pretrained(folder)
        assert (
            json.loads((folder / "config.json").read_text())["quantization_config"]["quant_method"] == "bitsandbytes"
        )
        return network

    return save


def unpack(network: nn.Module, packed: nn.Module) -> int:
    """Give a network the weights of a packed one as bitsandbytes unpacks them; returns how many those are."""
    count = 0
    for name, layer in packed.named_modules():
        weight: Any = getattr(layer, "weight", None)
        if isinstance(layer, bitsandbytes.nn.Linear4bit):
            numbers = bitsandbytes.functional.dequantize_4bit(weight.data, weight.quant_state)
        elif isinstance(layer, bitsandbytes.nn.Linear8bitLt):
            numbers = bitsandbytes.functional.int8_vectorwise_dequant(weight.data, weight.SCB)
        else:
            continue
        own: Any = network.get_submodule(name)
        assert not torch.equal(own.weight, numbers)
        own.weight.data = numbers.float()
        count += 1
    return count


@pytest.mark.parametrize("way", WAYS)
def test_latents_are_those_of_the_unpacked_weights(
    way: str, saved: Callable[[str, Any, Path], Any], tmp_path: Path
) -> None:
    pair = Pair(FAMILIES["flux"], tmp_path / "flux")
    pipe = pair.pipe = built("flux")
    pipe.save_pretrained(pair.folder)
    files = sorted(pair.folder.rglob("*.safetensors"))
    size = memory.weights(files, 4)
    for part in ("transformer", "text_encoder_2"):
        network = getattr(pipe, part)
        assert unpack(network, saved(way, type(network), pair.folder / part)) > 5
    assert memory.weights(sorted(pair.folder.rglob("*.safetensors")), 4) == size
    pair.generators = {torch.float32: flux.load(pair.folder)}
    noise = pair.noise(2)
    close(pair.ours(TEXTS[:2], [], noise), pair.family.theirs(pipe, TEXTS[:2], None, noise, STEPS))
    if way == "nf4":
        pytest.importorskip("peft")
        changed, state = tuned(pipe, {"transformer": "to_q"})
        changed.save_lora_weights(tmp_path, weight_name="lora.safetensors", **state)
        adapted(pair, changed, [str(tmp_path / "lora.safetensors")])


def test_a_unet_is_read_and_other_ways_of_packing_are_refused(
    checkpoint: Callable[..., Path], saved: Callable[[str, Any, Path], Any], tmp_path: Path
) -> None:
    from diffusers import UNet2DConditionModel

    folder = tmp_path / "sd"
    shutil.copytree(checkpoint(), folder)
    wanted = UNet2DConditionModel.from_pretrained(folder / "unet", local_files_only=True)
    assert unpack(wanted, saved("nf4", UNet2DConditionModel, folder / "unet")) > 5
    unet: Any = models.load(folder).main.predictor.network.module  # type: ignore[attr-defined]
    for name, tensor in wanted.state_dict().items():
        torch.testing.assert_close(unet.state_dict()[name], tensor, rtol=1e-6, atol=1e-7)
    config = folder / "unet" / "config.json"
    fields = json.loads(config.read_text())
    config.write_text(json.dumps({**fields, "quantization_config": {"quant_method": "torchao"}}))
    with pytest.raises(WeightsError, match=f"{config}: says that its weights are quantised by 'torchao'"):
        models.load(folder)
