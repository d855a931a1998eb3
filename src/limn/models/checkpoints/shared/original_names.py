"""Layers of U-Nets by their names in the original code, as trainers of SDXL's LoRA files write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_RESNET: Final = {
    "in_layers_2": "conv1", "emb_layers_1": "time_emb_proj", "out_layers_3": "conv2",
    "skip_connection": "conv_shortcut",
}  # fmt: skip
_OUTSIDE: Final = {
    "time_embed_0": "time_embedding_linear_1", "time_embed_2": "time_embedding_linear_2",
    "label_emb_0_0": "add_embedding_linear_1", "label_emb_0_2": "add_embedding_linear_2",
    "input_blocks_0_0": "conv_in", "out_2": "conv_out",
}  # fmt: skip
_BLOCK: Final = re.compile(r"(?P<way>input_blocks|output_blocks)_(?P<block>\d+)_(?P<part>\d)_(?P<rest>.+)")
_MIDDLE: Final = re.compile(r"middle_block_(?P<part>[012])_(?P<rest>.+)")


def modern(config: Mapping[str, Any]) -> Callable[[str], str]:
    """Return what turns a layer's name in the original code, with underscores, into that of diffusers.

    Args:
        config: Configuration of the U-Net.

    >>> modern({"layers_per_block": 2})("input_blocks_4_1_transformer_blocks_0_attn1_to_q")
    'down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q'
    """
    depth = config["layers_per_block"]
    layers = depth[0] if isinstance(depth, list | tuple) else int(depth)

    def rename(name: str) -> str:
        plain = name.replace(".", "_")
        if plain in _OUTSIDE:
            return _OUTSIDE[plain]
        if match := _MIDDLE.fullmatch(plain):
            part = int(match["part"])
            inner = "attentions_0" if part == 1 else f"resnets_{part // 2}"
            return f"mid_block_{inner}_{_inside(match['rest'])}"
        match = _BLOCK.fullmatch(plain)
        if match is None:
            return name
        down, block, part, rest = (
            match["way"] == "input_blocks",
            int(match["block"]),
            int(match["part"]),
            match["rest"],
        )
        place, layer = divmod(block - 1, layers + 1) if down else divmod(block, layers + 1)
        way = "down_blocks" if down else "up_blocks"
        if rest in ("op", "conv"):  # the last of a level: fewer pixels, or more
            return f"{way}_{place}_{'downsamplers' if down else 'upsamplers'}_0_conv"
        return f"{way}_{place}_{'attentions' if part == 1 else 'resnets'}_{layer}_{_inside(rest)}"

    return rename


def _inside(rest: str) -> str:
    return _RESNET.get(rest, rest)
