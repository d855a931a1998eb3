"""The U-Net in the form a diffusion predictor asks for, with per-row attention edits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from limn.guidance.embedded import KNOB
from limn.kernel.attention import AttentionEdit, AttentionSite, attend
from limn.kernel.known import KNOWN
from limn.kernel.predictor import Conditioning

Hook = Callable[[Any, tuple[Tensor, ...], Mapping[str, Any], Tensor], Tensor]
Projection = Callable[..., Tensor]

POOLED, REFINER = "pooled", "pooled_refiner"
"""Pooled words, as extras of conditioning: of the network, and of one that refines what it drew."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """What the transformer blocks are told of the rows of one forward pass.

    Args:
        edits: One attention edit or ``None`` for each row.
        sigma: Noise level over signal level (rows,).
        size: Height and width of the state.
        columns: Which numbers of a word's vector the network reads.
    """

    edits: Sequence[AttentionEdit | None]
    sigma: Tensor
    size: tuple[int, int]
    columns: slice

    def grid(self, cells: int) -> tuple[int, int] | None:
        """Return the height and width at the depth where the picture has so many cells."""
        height, width = self.size
        while height * width > cells:
            height, width = (height + 1) // 2, (width + 1) // 2
        return (height, width) if height * width == cells else None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which transformer block of the U-Net it is, counted from the input; how many, and which is in the middle."""

    layer: int
    layers: int
    middle: int | None

    def site(self, kind: str, rows: Rows, *, queries: int, keys: int, project: Projection | None) -> AttentionSite:
        """Return the site of an attention in this block."""
        return AttentionSite(
            layer=self.layer,
            layers=self.layers,
            kind=kind,
            text=slice(0, keys) if kind == "cross" else None,
            image=slice(0, queries),
            sigma=rows.sigma,
            grid=rows.grid(queries),
            middle=self.middle,
            project=project if kind == "cross" else None,
        )


class EditableAttention:
    """An attention processor of diffusers in which every row may carry its own edit.

    Without an edit it computes what diffusers' ``AttnProcessor2_0`` computes, to the last bit.

    Args:
        place: Which transformer block it is part of.
        kind: ``"self"`` or ``"cross"``.
    """

    def __init__(self, place: Place, kind: str) -> None:
        self.place, self.kind = place, kind

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
        rows: Rows | None = None,
    ) -> Tensor:
        """Attend from (rows, queries, width) to itself or to the text (rows, keys, text width)."""
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        count, keys = source.shape[:2]
        if attention_mask is not None:
            attention_mask = attn.prepare_attention_mask(attention_mask, keys, count)
            attention_mask = attention_mask.view(count, attn.heads, -1, attention_mask.shape[-1])

        def heads(flat: Tensor) -> Tensor:
            return flat.view(*flat.shape[:2], attn.heads, -1).transpose(1, 2)

        query, key, value = heads(attn.to_q(hidden_states)), heads(attn.to_k(source)), heads(attn.to_v(source))
        if rows is None:
            out = attend(query, key, value, mask=attention_mask)
        else:

            def project(which: str, tokens: Tensor, rows: Sequence[int]) -> Tensor:
                layer = attn.to_k if which == "key" else attn.to_v
                # Rows may carry weights of their own, so the layer always sees all of them in their places.
                return heads(layer(tokens[..., columns].to(source).expand(count, -1, -1))[rows])

            columns = rows.columns
            site = self.place.site(self.kind, rows, queries=query.shape[2], keys=keys, project=project)
            out = attend(query, key, value, mask=attention_mask, edits=rows.edits, site=site)
        out = out.transpose(1, 2).reshape(count, -1, query.shape[1] * query.shape[-1])
        out = attn.to_out[1](attn.to_out[0](out))
        out = out + hidden_states if attn.residual_connection else out
        scaled: Tensor = out / attn.rescale_output_factor
        return scaled


# diffusers asks for the signature at every call; where it stands ready, a step is a few percent shorter.
EditableAttention.__call__.__signature__ = signature(EditableAttention.__call__)  # type: ignore[attr-defined]


class UNet:
    """A ``UNet2DConditionModel`` of diffusers as a network of a diffusion predictor.

    Args:
        model: The U-Net; its attention processors are replaced, and its blocks let rows pass unchanged.
        factor: Pixels along one side of a latent cell, for a network that is told the picture's size.
        refines: Whether it is a second network, whose words stand behind those of the first
            (:mod:`limn.models.checkpoints.shared.refiner`).
    """

    def __init__(self, model: Any, factor: int = 8, *, refines: bool = False) -> None:
        self.model, self.factor, width = model, factor, model.config.cross_attention_dim
        self.columns = slice(-width, None) if refines else slice(0, width)
        self.pooled = REFINER if refines else POOLED
        names = sorted({name.rpartition(".attn")[0] for name in model.attn_processors}, key=_depth)
        middle = next((layer for layer, name in enumerate(names) if name.startswith("mid_block")), None)
        places = {name: Place(layer=layer, layers=len(names), middle=middle) for layer, name in enumerate(names)}
        processors = {}
        for name in model.attn_processors:
            block, _, which = name.rpartition(".attn")
            processors[name] = EditableAttention(places[block], "self" if which.startswith("1") else "cross")
        model.set_attn_processor(processors)
        for name, place in places.items():
            model.get_submodule(name).register_forward_hook(_skipping(place), with_kwargs=True)

    @property
    def module(self) -> Any:
        """The network inside."""
        return self.model

    def __call__(
        self,
        x: Tensor,
        time: Tensor,
        conditioning: Conditioning,
        edits: Sequence[AttentionEdit | None],
        sigma: Tensor,
    ) -> Tensor:
        """Answer rows (rows, channels, height, width); see :class:`limn.predictors.diffusion.Network`."""
        model, known = self.model, conditioning.extras.get(KNOWN)
        weight = model.conv_in.weight  # model.device and .dtype search the whole tree: milliseconds a step
        if known is not None:  # its mask says what is to be drawn
            x = torch.cat([x, 1 - known[:, :1].to(x), known[:, 1:].to(x)], 1)
        state = x.to(weight.device, weight.dtype)
        extra: dict[str, Any] = {}
        if any(edit is not None for edit in edits):
            rows = Rows(
                edits=tuple(edits), sigma=sigma.to(state.device), size=(x.shape[2], x.shape[3]), columns=self.columns
            )
            extra["cross_attention_kwargs"] = {"rows": rows}
        extra |= self._further(state, conditioning)
        lengths = conditioning.extras.get("length")
        if (
            lengths is not None and int(lengths.min()) < conditioning.tokens.shape[1]
        ):  # rows of other lengths are alone
            places = torch.arange(conditioning.tokens.shape[1], device=state.device)
            extra["encoder_attention_mask"] = places < lengths.to(state.device)[:, None]
        answer: Tensor = model(
            state,
            time.to(state.device),
            encoder_hidden_states=conditioning.tokens[..., self.columns].to(state),
            return_dict=False,
            **extra,
        )[0]
        return answer.to(x)

    def _further(self, state: Tensor, conditioning: Conditioning) -> dict[str, Any]:
        """Return what else the network reads: sizes and pooled words (SDXL), or a guidance scale (LCM)."""
        config, extras = self.model.config, conditioning.extras
        given: dict[str, Any] = {}
        if config.addition_embed_type == "text_time":
            pooled = extras[self.pooled].to(state)
            count = (
                config.projection_class_embeddings_input_dim - pooled.shape[1]
            ) // config.addition_time_embed_dim
            side = [self.factor * cells for cells in state.shape[2:]]
            sizes = state.new_tensor([*side, 0, 0, *side]).expand(len(state), -1)
            if count == 5:  # the refiner reads a score in place of the size wanted
                sizes = torch.cat([sizes[:, :4], extras["score"][:, None].to(state)], 1)
            given["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": sizes}
        if config.time_cond_proj_dim:
            scale = extras.get(KNOB, state.new_zeros(len(state)))
            given["timestep_cond"] = _waves(scale.to(state.device) - 1, config.time_cond_proj_dim).to(state)
        return given


def _waves(scale: Tensor, width: int) -> Tensor:
    """Return what a network reads of scales less one (rows,), as (rows, width) (Luo et al. 2023, section 4.2)."""
    half = width // 2
    rates = torch.exp(torch.arange(half, dtype=torch.float32) * -(math.log(10_000) / (half - 1))).to(scale.device)
    angles = 1000 * scale.float()[:, None] * rates
    return torch.nn.functional.pad(torch.cat([angles.sin(), angles.cos()], 1), (0, width % 2))


def _skipping(place: Place) -> Hook:
    """Return a hook that gives the rows that skip this block what they had before it."""

    def hook(block: Any, inputs: tuple[Tensor, ...], named: Mapping[str, Any], after: Tensor) -> Tensor:
        rows: Rows | None = (named.get("cross_attention_kwargs") or {}).get("rows")
        if rows is None:
            return after
        queries = after.shape[1]
        site = place.site("self", rows, queries=queries, keys=queries, project=None)
        skip = [edit is not None and edit.skips(site) for edit in rows.edits]
        if not any(skip):
            return after
        return torch.where(torch.tensor(skip, device=after.device)[:, None, None], inputs[0], after)

    return hook


def _depth(name: str) -> tuple[object, ...]:
    """Sort blocks in the order in which a picture passes them."""
    stages = ("down_blocks", "mid_block", "up_blocks")
    return tuple(stages.index(part) if part in stages else int(part) for part in name.split(".") if _counts(part))


def _counts(part: str) -> bool:
    return part.isdigit() or part in ("down_blocks", "mid_block", "up_blocks")
