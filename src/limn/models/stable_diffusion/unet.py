"""The U-Net in the form a diffusion predictor asks for, with per-row attention edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from limn.kernel.attention import AttentionEdit, AttentionSite, attend
from limn.kernel.predictor import Conditioning

__all__ = ["EditableAttention", "UNet"]


class EditableAttention:
    """An attention processor of diffusers in which every row may carry its own edit.

    Without an edit it computes what diffusers' ``AttnProcessor2_0`` computes, to the last bit.

    Args:
        layer: Which transformer block of the U-Net it is, counted from the input.
        layers: How many there are.
        kind: ``"self"`` or ``"cross"``.
    """

    def __init__(self, layer: int, layers: int, kind: str) -> None:
        self.layer, self.layers, self.kind = layer, layers, kind

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        edits: Sequence[AttentionEdit | None] = (),
        sigma: Tensor | None = None,
    ) -> Tensor:
        """Attend from (rows, queries, width) to itself or to the text (rows, keys, text width)."""
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        rows, keys = source.shape[:2]
        if attention_mask is not None:
            attention_mask = attn.prepare_attention_mask(attention_mask, keys, rows)
            attention_mask = attention_mask.view(rows, attn.heads, -1, attention_mask.shape[-1])
        query, key, value = (
            projected.view(rows, -1, attn.heads, projected.shape[-1] // attn.heads).transpose(1, 2)
            for projected in (attn.to_q(hidden_states), attn.to_k(source), attn.to_v(source))
        )
        out = attend(query, key, value, mask=attention_mask, edits=edits, site=self._site(edits, query, keys, sigma))
        out = out.transpose(1, 2).reshape(rows, -1, query.shape[1] * query.shape[-1])
        out = attn.to_out[1](attn.to_out[0](out))
        out = out + hidden_states if attn.residual_connection else out
        scaled: Tensor = out / attn.rescale_output_factor
        return scaled

    def _site(
        self, edits: Sequence[AttentionEdit | None], query: Tensor, keys: int, sigma: Tensor | None
    ) -> AttentionSite | None:
        if not edits:
            return None
        return AttentionSite(
            layer=self.layer,
            layers=self.layers,
            kind=self.kind,
            text=slice(0, keys) if self.kind == "cross" else None,
            image=slice(0, query.shape[2]),
            sigma=sigma,
        )


class UNet:
    """A ``UNet2DConditionModel`` of diffusers as a network of a diffusion predictor.

    Args:
        model: The U-Net; its attention processors are replaced.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        names = sorted({name.rpartition(".attn")[0] for name in model.attn_processors}, key=_depth)
        place = {name: layer for layer, name in enumerate(names)}
        processors = {}
        for name in model.attn_processors:
            block, _, which = name.rpartition(".attn")
            kind = "self" if which.startswith("1") else "cross"
            processors[name] = EditableAttention(place[block], len(names), kind)
        model.set_attn_processor(processors)

    def __call__(
        self,
        x: Tensor,
        time: Tensor,
        conditioning: Conditioning,
        edits: Sequence[AttentionEdit | None],
        sigma: Tensor,
    ) -> Tensor:
        """Answer rows (rows, channels, height, width); see :class:`limn.predictors.diffusion.Network`."""
        model = self.model
        weight = model.conv_in.weight  # model.device and .dtype search the whole tree: milliseconds a step
        state = x.to(weight.device, weight.dtype)
        extra = {}
        if any(edit is not None for edit in edits):
            extra["cross_attention_kwargs"] = {"edits": tuple(edits), "sigma": sigma.to(state.device)}
        answer: Tensor = model(
            state,
            time.to(state.device),
            encoder_hidden_states=conditioning.tokens.to(state),
            return_dict=False,
            **extra,
        )[0]
        return answer.to(x)


def _depth(name: str) -> tuple[object, ...]:
    """Sort blocks in the order in which a picture passes them."""
    stages = ("down_blocks", "mid_block", "up_blocks")
    return tuple(stages.index(part) if part in stages else int(part) for part in name.split(".") if _counts(part))


def _counts(part: str) -> bool:
    return part.isdigit() or part in ("down_blocks", "mid_block", "up_blocks")
