"""Per-row attention edits in the transformers of diffusers: one mutable object that all their processors hold.

A processor of diffusers projects, normalises and rotates in its own way, and then calls torch's fused attention.
Where a row's edit acts, that call is answered by :func:`limn.kernel.attention.attend`; elsewhere nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from limn.kernel.attention import AttentionEdit, AttentionSite, attend
from limn.kernel.errors import InputError
from limn.kernel.predictor import Conditioning

Layout = Callable[[int, int], tuple[slice, slice]]
"""Where picture and text stand in a sequence, by how many tokens of each there are."""


def picture_first(cells: int, words: int, multiple: int = 1) -> tuple[slice, slice]:
    """Return the places of picture and text where the picture comes first, filled up to a multiple.

    >>> picture_first(20, 7, multiple=16)
    (slice(0, 20, None), slice(32, 39, None))
    """
    start = -(-cells // multiple) * multiple
    return slice(0, cells), slice(start, start + words)


def text_first(cells: int, words: int) -> tuple[slice, slice]:
    """Return the places of picture and text where the text comes first."""
    return slice(words, words + cells), slice(0, words)


def apart(cells: int, words: int) -> tuple[slice, slice]:
    """Return the places of picture and text where the one attends to the other across."""
    return slice(0, cells), slice(0, words)


def packed(x: Tensor, patch: int) -> Tensor:
    """Return a state (rows, channels, height, width) as tokens (rows, tokens, channels * patch * patch)."""
    return F.pixel_unshuffle(x, patch).flatten(2).transpose(1, 2)


def unpacked(tokens: Tensor, like: Tensor, patch: int) -> Tensor:
    """Return tokens as a state of the size of another."""
    rows, _, height, width = like.shape
    return F.pixel_shuffle(tokens.transpose(1, 2).reshape(rows, -1, height // patch, width // patch), patch)


@dataclass(eq=False)
class Rows:
    """What the processors of one network are told of the rows of a forward pass, set before it.

    Args:
        edits: One attention edit or ``None`` for each row; empty where no row has one.
        sigma: Noise level over signal level (rows,).
        grid: Rows and columns of the picture's tokens.
        image: Where the picture stands among them.
        text: Where the text does.
        words: Maps the encoder's vectors of one text (1, tokens, width) to what cross-attention reads.
    """

    edits: Sequence[AttentionEdit | None] = ()
    sigma: Tensor | None = None
    grid: tuple[int, int] = (0, 0)
    image: slice = field(default_factory=lambda: slice(0))
    text: slice = field(default_factory=lambda: slice(0))
    words: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """Which attention it is.

    Args:
        rows: What is told of the rows.
        layer: Index of its block, counted from the input.
        layers: How many blocks there are.
        kind: ``"joint"``, ``"self"``, ``"cross"`` or ``"linear"``, self-attention without a matrix of scores.
    """

    rows: Rows
    layer: int
    layers: int
    kind: str

    def site(self, attn: Any = None) -> AttentionSite:
        """Return the site of an attention."""
        rows, joint = self.rows, self.kind == "joint"
        cells = rows.grid[0] * rows.grid[1]
        reads = self.kind == "cross" and rows.words is not None and attn is not None
        return AttentionSite(
            layer=self.layer, layers=self.layers, kind="self" if self.kind == "linear" else self.kind,
            text=rows.text if self.kind in ("joint", "cross") else None,
            image=rows.image if joint else slice(0, cells), sigma=rows.sigma, grid=rows.grid,
            project=partial(_projected, attn, rows) if reads else None,
        )  # fmt: skip


class Editable:
    """An attention processor in which every row may carry its own edit.

    Args:
        inner: The processor of diffusers; without an edit it answers alone.
        place: Which attention it is.
    """

    def __init__(self, inner: Any, place: Place) -> None:
        self.inner, self.place = inner, place

    def __call__(self, attn: Any, *args: Any, **named: Any) -> Any:
        """Attend as the inner processor does, with the edits that act here."""
        edits = self.place.rows.edits
        if not edits or not any(edit.touches(self.place.site(attn)) for edit in edits if edit is not None):
            return self.inner(attn, *args, **named)
        if self.place.kind == "linear":
            raise InputError(
                "guidance: this model's self-attention is linear and has no matrix of scores to change; "
                "use one that leaves layers out (pag:mode=skip) or asks other questions"
            )
        with _Attending(edits, self.place.site(attn)):
            return self.inner(attn, *args, **named)

    @classmethod
    def around(cls, inner: Any, place: Place) -> Editable:
        """Return a processor with the inner one's signature, by which diffusers chooses what it is told."""
        kind = type(cls.__name__, (cls,), {"__call__": wraps(type(inner).__call__)(cls.__call__)})
        return kind(inner, place)  # type: ignore[no-any-return]


class _Attending(TorchFunctionMode):
    """Answers torch's fused attention with edits."""

    def __init__(self, edits: Sequence[AttentionEdit | None], site: AttentionSite) -> None:
        super().__init__()
        self.edits, self.site = edits, site

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not F.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))

        def edited(
            query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, *_: Any, **__: Any
        ) -> Tensor:
            return attend(query, key, value, mask=attn_mask, edits=self.edits, site=self.site)

        return edited(*args, **(kwargs or {}))


class Transformer:
    """A transformer of diffusers as a network of a diffusion predictor.

    Args:
        model: The network; its attention processors are wrapped, and its blocks let rows pass unchanged.
        blocks: The blocks that a picture passes, in order, and the kind of each attention in one by its name.
        layout: Where picture and text stand.
        ask: Asks the model: ``ask(model, x, time, conditioning)`` gives (rows, channels, height, width).
        patch: Cells of the state along one side of a token.
        flat: Beginnings of the names of layers that are given all rows in one, which no row can have changed alone.
        words: As in :class:`Rows`.
    """

    def __init__(
        self,
        model: Any,
        blocks: Sequence[tuple[Any, Mapping[str, str]]],
        layout: Layout,
        ask: Callable[[Any, Tensor, Tensor, Conditioning], Tensor],
        *,
        patch: int,
        flat: tuple[str, ...] = (),
        words: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.model, self.layout, self.ask, self.patch, self.flat = model, layout, ask, patch, flat
        self.rows = Rows(words=words)
        for layer, (block, attentions) in enumerate(blocks):
            for name, kind in attentions.items():
                place = Place(rows=self.rows, layer=layer, layers=len(blocks), kind=kind)
                attn = getattr(block, name)
                attn.set_processor(Editable.around(attn.processor, place))
            block.register_forward_hook(_skipping(place), with_kwargs=True)
        self._weight: Tensor = next(model.parameters())

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
        weight, rows = self._weight, self.rows
        rows.grid = (x.shape[2] // self.patch, x.shape[3] // self.patch)
        rows.image, rows.text = self.layout(rows.grid[0] * rows.grid[1], conditioning.tokens.shape[1])
        rows.sigma = sigma.to(weight.device)
        rows.edits = tuple(edits) if any(edit is not None for edit in edits) else ()
        try:
            own = Conditioning(
                conditioning.tokens.to(weight.device, weight.dtype),
                conditioning.mask.to(weight.device),
                {name: value.to(weight.device, weight.dtype) for name, value in conditioning.extras.items()},
            )
            return self.ask(self.model, x.to(weight.device, weight.dtype), time.to(weight.device), own).to(x)
        finally:
            rows.edits = ()


def _projected(attn: Any, told: Rows, which: str, tokens: Tensor, rows: Sequence[int]) -> Tensor:
    """Return a layer's keys or values (rows, heads, tokens, width) of one text, for the rows at hand."""
    assert told.words is not None
    layer = attn.to_k if which == "key" else attn.to_v
    # Rows may carry weights of their own, so the layer always sees all of them in their places.
    flat = layer(told.words(tokens.to(layer.weight)).expand(len(told.edits), -1, -1))
    if which == "key" and attn.norm_k is not None:
        flat = attn.norm_k(flat)
    picked: Tensor = flat[list(rows)]
    return picked.view(*picked.shape[:2], attn.heads, -1).transpose(1, 2)


def _skipping(place: Place) -> Callable[..., Any]:
    """Return a hook that gives the rows that skip this block what they had before it."""

    def hook(block: Any, inputs: tuple[Tensor, ...], named: Mapping[str, Any], after: Any) -> Any:
        edits = place.rows.edits
        skip = [edit is not None and edit.skips(place.site()) for edit in edits]
        if not any(skip):
            return after
        rows = torch.tensor(skip)[:, None, None]

        def kept(name: str, index: int, new: Tensor | None) -> Tensor | None:
            old = named[name] if name in named else inputs[index]
            return new if new is None else torch.where(rows.to(new.device), old, new)

        if isinstance(after, tuple):
            return kept("encoder_hidden_states", 1, after[0]), kept("hidden_states", 0, after[1])
        return kept("hidden_states", 0, after)

    return hook
