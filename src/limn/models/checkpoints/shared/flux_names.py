"""Layers of FLUX.1 and FLUX.2 by their names in the original code, as kohya's scripts, ComfyUI and XLabs write them.

The original code has one matrix where diffusers has several; a change of it is cut along its rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor, nn

from limn.networks.low_rank import Change, Factors, Matrix

_QKV: Final = ("attn.to_q", "attn.to_k", "attn.to_v")
_ADDED: Final = ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj")
_DOUBLE: Final[Mapping[str, Sequence[tuple[str, ...]]]] = {
    "img_attn_qkv": [_QKV],
    "img_attn_proj": [("attn.to_out.0",)],
    "img_mlp_0": [("ff.net.0.proj",), ("ff.linear_in",)],
    "img_mlp_2": [("ff.net.2",), ("ff.linear_out",)],
    "img_mod_lin": [("norm1.linear",)],
    "txt_attn_qkv": [_ADDED],
    "txt_attn_proj": [("attn.to_add_out",)],
    "txt_mlp_0": [("ff_context.net.0.proj",), ("ff_context.linear_in",)],
    "txt_mlp_2": [("ff_context.net.2",), ("ff_context.linear_out",)],
    "txt_mod_lin": [("norm1_context.linear",)],
    "qkv_lora1": [_QKV],
    "proj_lora1": [("attn.to_out.0",)],
    "qkv_lora2": [_ADDED],
    "proj_lora2": [("attn.to_add_out",)],
}
_SINGLE: Final[Mapping[str, Sequence[tuple[str, ...]]]] = {
    "linear1": [("attn.to_qkv_mlp_proj",), (*_QKV, "proj_mlp")],
    "linear2": [("proj_out",), ("attn.to_out",)],
    "modulation_lin": [("norm.linear",)],
    "qkv": [_QKV],
    "proj": [("proj_out",)],
}
_TOLD: Final = "time_text_embed."
_TOLD2: Final = "time_guidance_embed."
_OUTSIDE: Final[Mapping[str, Sequence[tuple[str, ...]]]] = {
    "img_in": [("x_embedder",)],
    "txt_in": [("context_embedder",)],
    "time_in_in_layer": [(f"{_TOLD}timestep_embedder.linear_1",), (f"{_TOLD2}timestep_embedder.linear_1",)],
    "time_in_out_layer": [(f"{_TOLD}timestep_embedder.linear_2",), (f"{_TOLD2}timestep_embedder.linear_2",)],
    "vector_in_in_layer": [(f"{_TOLD}text_embedder.linear_1",)],
    "vector_in_out_layer": [(f"{_TOLD}text_embedder.linear_2",)],
    "guidance_in_in_layer": [(f"{_TOLD}guidance_embedder.linear_1",), (f"{_TOLD2}guidance_embedder.linear_1",)],
    "guidance_in_out_layer": [(f"{_TOLD}guidance_embedder.linear_2",), (f"{_TOLD2}guidance_embedder.linear_2",)],
    "single_stream_modulation_lin": [("single_stream_modulation.linear",)],
    "double_stream_modulation_img_lin": [("double_stream_modulation_img.linear",)],
    "double_stream_modulation_txt_lin": [("double_stream_modulation_txt.linear",)],
    "final_layer_linear": [("proj_out",)],
    "final_layer_adaLN_modulation_1": [("norm_out.linear",)],
}
_BLOCK: Final = re.compile(r"(double|single)_blocks_(\d+)_(.+)")
_SWAPPED: Final = "norm_out.linear"  # the original has shift before scale, diffusers scale before shift


def modern(changes: Mapping[str, Change], network: nn.Module) -> dict[str, Change]:
    """Return changes by the names of diffusers' layers, where they have those of the original code.

    Args:
        changes: By layer, with dots or underscores between the parts of a name.
        network: A ``FluxTransformer2DModel`` or ``Flux2Transformer2DModel``.
    """
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Linear)}
    renamed: dict[str, Change] = {}
    for name, change in changes.items():
        targets = next((own for own in _targets(name) if all(part in layers for part in own)), None)
        rows = [layers[target].out_features for target in targets or ()]
        if targets is None or sum(rows) != change.shape()[0] or not _cut(change, targets):
            renamed[name] = change
            continue
        order = torch.arange(sum(rows))
        order = order.roll(len(order) // 2) if targets == (_SWAPPED,) else order
        for target, places in zip(targets, torch.split(order, rows), strict=True):
            renamed[target] = _rows(change, places)
    return renamed


def _targets(name: str) -> list[tuple[str, ...]]:
    """Return which layers of diffusers a layer of the original code may be."""
    plain = name.replace(".", "_")
    match = _BLOCK.fullmatch(plain)
    if match is None:
        return list(_OUTSIDE.get(plain, ()))
    double = match[1] == "double"
    block = f"{'transformer_blocks' if double else 'single_transformer_blocks'}.{match[2]}"
    table = _DOUBLE if double else _SINGLE
    return [tuple(f"{block}.{part}" for part in own) for own in table.get(match[3], ())]


def _cut(change: Change, targets: Sequence[str]) -> bool:
    """Say whether a change can be cut along its rows: not where the lengths of whole columns are kept."""
    columns = isinstance(change, Factors) and change.magnitude is not None and change.magnitude.ndim > 1
    return isinstance(change, Factors | Matrix) and not (columns and len(targets) > 1)


def _rows(change: Change, places: Tensor) -> Change:
    """Return some rows of a change."""
    if isinstance(change, Factors):
        own = change.magnitude
        own = own[places] if own is not None and own.ndim == 1 else own
        return replace(change, up=change.up[places], magnitude=own)
    assert isinstance(change, Matrix)
    return replace(change, delta=change.delta[places])
