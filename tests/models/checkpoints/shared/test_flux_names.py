"""LoRA files of FLUX by kohya's scripts, ComfyUI and XLabs mean what diffusers' own conversion says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from limn.models.checkpoints.shared.flux_names import modern
from limn.networks.low_rank import Factors, fit
from limn.personalise.layers import read

conversions = pytest.importorskip("diffusers.loaders.lora_conversion_utils")
WIDTH, TEXT = 3072, 4096
DOUBLE = {
    "img_attn_proj": (WIDTH, WIDTH), "img_attn_qkv": (3 * WIDTH, WIDTH), "img_mlp_0": (4 * WIDTH, WIDTH),
    "img_mlp_2": (WIDTH, 4 * WIDTH), "img_mod_lin": (6 * WIDTH, WIDTH), "txt_attn_proj": (WIDTH, WIDTH),
    "txt_attn_qkv": (3 * WIDTH, WIDTH), "txt_mlp_0": (4 * WIDTH, WIDTH), "txt_mlp_2": (WIDTH, 4 * WIDTH),
    "txt_mod_lin": (6 * WIDTH, WIDTH),
}  # fmt: skip
SINGLE = {"linear1": (7 * WIDTH, WIDTH), "linear2": (WIDTH, 5 * WIDTH), "modulation_lin": (3 * WIDTH, WIDTH)}


def flux(**changes: Any) -> Any:
    from diffusers import FluxTransformer2DModel

    with torch.device("meta"):
        return FluxTransformer2DModel(num_layers=1, num_single_layers=1, guidance_embeds=True, **changes)


def pair(start: str, shape: tuple[int, int], ends: tuple[str, str]) -> dict[str, Tensor]:
    out, into = shape
    return {f"{start}.{ends[0]}.weight": torch.randn(2, into), f"{start}.{ends[1]}.weight": torch.randn(out, 2)}


def same(path: Path, state: dict[str, Tensor], theirs: dict[str, Tensor], network: Any) -> None:
    """Check that the same layers grow by the same products, each applied to one vector."""
    found, rest = read(path, state, lambda network: {})
    assert not rest
    changes = modern({name: change for own in found.values() for name, change in own.items()}, network)
    fits = fit(changes, network)
    assert not fits.unknown
    assert not fits.misshapen
    wanted = {
        name.removesuffix(".lora_A.weight").removeprefix("transformer."): name for name in theirs if "_A." in name
    }
    assert set(changes) == set(wanted)
    for layer, name in wanted.items():
        change = changes[layer]
        assert isinstance(change, Factors)
        x = torch.randn(change.down.shape[1], generator=torch.Generator().manual_seed(0))
        product = theirs[name.replace("_A.", "_B.")] @ (theirs[name] @ x)
        torch.testing.assert_close(change.scale * (change.up @ (change.down @ x)), product, rtol=1e-4, atol=1e-3)


def test_kohya(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state: dict[str, Tensor] = {}
    for name, shape in {f"double_blocks_0_{k}": v for k, v in DOUBLE.items()}.items() | {
        f"single_blocks_0_{k}": v for k, v in SINGLE.items()
    }.items():
        state |= pair(f"lora_unet_{name}", shape, ("lora_down", "lora_up"))
        state[f"lora_unet_{name}.alpha"] = torch.tensor(0.5)
    for name, into in (("txt_in", TEXT), ("img_in", 64)):
        state |= pair(f"lora_unet_{name}", (WIDTH, into), ("lora_down", "lora_up"))
    state |= pair("lora_unet_guidance_in_in_layer", (WIDTH, 256), ("lora_down", "lora_up"))
    state |= pair("lora_unet_final_layer_adaLN_modulation_1", (2 * WIDTH, WIDTH), ("lora_down", "lora_up"))
    state |= pair("lora_unet_final_layer_linear", (64, WIDTH), ("lora_down", "lora_up"))
    theirs = conversions._convert_kohya_flux_lora_to_diffusers(dict(state))
    same(tmp_path / "x.safetensors", state, theirs, flux())


def test_comfyui_with_flux2(tmp_path: Path) -> None:
    from diffusers import Flux2Transformer2DModel

    with torch.device("meta"):
        network = Flux2Transformer2DModel(
            in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=48, timestep_guidance_channels=16, axes_dims_rope=(4, 4, 4, 4),
        )  # fmt: skip
    layers = dict(network.named_modules())
    fused = {"double_blocks.0.img_attn.qkv": (96, 32), "double_blocks.0.txt_attn.qkv": (96, 32)}
    whole = {
        "double_blocks.0.img_attn.proj": "transformer_blocks.0.attn.to_out.0",
        "double_blocks.0.txt_mlp.0": "transformer_blocks.0.ff_context.linear_in",
        "double_blocks.0.img_mlp.2": "transformer_blocks.0.ff.linear_out",
        "single_blocks.0.linear1": "single_transformer_blocks.0.attn.to_qkv_mlp_proj",
        "single_blocks.0.linear2": "single_transformer_blocks.0.attn.to_out",
        "img_in": "x_embedder",
        "txt_in": "context_embedder",
        "time_in.in_layer": "time_guidance_embed.timestep_embedder.linear_1",
        "single_stream_modulation.lin": "single_stream_modulation.linear",
    }
    shapes = fused | {name: tuple(layers[own].weight.shape) for name, own in whole.items()}
    torch.manual_seed(0)
    state: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        state |= pair(f"diffusion_model.{name}", shape, ("lora_A", "lora_B"))
    theirs = conversions._convert_non_diffusers_flux2_lora_to_diffusers(dict(state))
    same(tmp_path / "x.safetensors", state, theirs, network)


@pytest.mark.parametrize("prefix", ["", "diffusion_model."])
def test_xlabs(prefix: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    state: dict[str, Tensor] = {}
    shapes = {"qkv_lora1": (3 * WIDTH, WIDTH), "qkv_lora2": (3 * WIDTH, WIDTH), "proj_lora1": (WIDTH, WIDTH)}
    for name, shape in {**shapes, "proj_lora2": (WIDTH, WIDTH)}.items():
        state |= pair(f"{prefix}double_blocks.0.processor.{name}", shape, ("down", "up"))
    for name, shape in {"qkv_lora": (3 * WIDTH, WIDTH), "proj_lora": (WIDTH, 5 * WIDTH)}.items():
        state |= pair(f"{prefix}single_blocks.0.processor.{name}", shape, ("down", "up"))
    theirs = conversions._convert_xlabs_flux_lora_to_diffusers(dict(state))
    same(tmp_path / "x.safetensors", state, theirs, flux())


def test_what_does_not_fit_keeps_its_name() -> None:
    change = Factors(down=torch.zeros(1, 4), up=torch.zeros(5, 1))
    names = ("double_blocks_0_img_attn_qkv", "double_blocks_0_elsewhere", "transformer_blocks_0_attn_to_q")
    assert set(modern(dict.fromkeys(names, change), flux())) == set(names)
