"""Attention with per-row edits: the seam through which guidance reaches inside a network.

A network calls :func:`attend` instead of a bare fused attention. Rows without an edit take the fused path
together; rows that share an edit are computed together by that edit, in the same forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class AttentionSite:
    """Where in the network, and when, an attention takes place.

    Args:
        layer: Index of the attention layer, counted from the input.
        layers: How many such layers the network has.
        kind: ``"self"`` (picture to picture), ``"cross"`` (picture to text) or ``"joint"`` (one sequence of both).
        text: Which keys are text tokens; ``None`` when there are none.
        image: Which queries are picture tokens.
        sigma: Noise level over signal level, one value a row (rows,), or ``None`` for token models.
        grid: Rows and columns of the picture queries; ``None`` where they are not all there.
        middle: Index of the layer in the middle of the network; ``None`` means half of ``layers``.
        project: Maps ``"key"`` or ``"value"`` and the tokens of one text (1, tokens, width) to this layer's keys or
            values (rows, heads, tokens, width) of the rows at hand, each by the weights it has; ``None`` where the
            text changes from layer to layer.
        edits: Those of the rows at hand, where an edit computes its rows.
    """

    layer: int
    layers: int
    kind: str
    text: slice | None
    image: slice
    sigma: Tensor | None = None
    grid: tuple[int, int] | None = None
    middle: int | None = None
    project: Callable[..., Tensor] | None = None
    edits: tuple[AttentionEdit, ...] = ()


class AttentionEdit:
    """A change to the attention of one row; subclasses are frozen dataclasses, so equal edits share a batch.

    The default methods change nothing. Most edits override :meth:`bias` (re-weighting words, painting with words,
    identity attention) or :meth:`values` (structured conditioning); such edits can be joined. One whose ``group`` is
    another edit is computed by that, with all rows of the group.
    """

    group: AttentionEdit | None = None

    def skips(self, site: AttentionSite) -> bool:
        """Say whether the row passes the whole layer of this site unchanged, as in skip-layer guidance."""
        return False

    def touches(self, site: AttentionSite) -> bool:
        """Say whether the edit acts at this site; elsewhere its rows take the fused path."""
        return True

    def joined(self, other: AttentionEdit) -> AttentionEdit:
        """Return this edit and, after it, another one."""
        return Joined.of(self, other) if other.group is None else other.before(self)

    def before(self, earlier: AttentionEdit) -> AttentionEdit:
        """Return the edit after an earlier one; for those that are computed in a group."""
        raise TypeError(f"{type(self).__name__} does not say how it follows another edit")

    def acts(self, site: AttentionSite | None) -> None:
        """Be told that it acted, at a site or in a network without any."""

    def check(self) -> None:
        """Be asked after a forward whether that went as it should.

        Raises:
            InputError: It did not.
        """

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor | None:
        """Return what is added to the attention logits.

        Args:
            query: (rows, heads, queries, width).
            key: (rows, heads, keys, width).
            site: Where this attention takes place.

        Returns:
            A tensor that broadcasts to (rows, heads, queries, keys), or ``None``.
        """
        return None

    def values(self, value: Tensor, site: AttentionSite) -> Tensor:
        """Return the values to attend to; ``value`` is (rows, heads, keys, width)."""
        return value

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, site: AttentionSite) -> Tensor:
        """Compute the attention of the rows that carry this edit.

        Args:
            query: (rows, heads, queries, width).
            key: (rows, heads, keys, width).
            value: (rows, heads, keys, width).
            mask: Additive logits that broadcast to (rows, heads, queries, keys), ``-inf`` where forbidden.
            site: Where this attention takes place.

        Returns:
            (rows, heads, queries, width).
        """
        extra = self.bias(query, key, site)
        if extra is not None:
            mask = extra if mask is None else mask + extra
        return F.scaled_dot_product_attention(query, key, self.values(value, site), attn_mask=mask)


@dataclass(frozen=True)
class Joined(AttentionEdit):
    """Several edits of one row: biases add up, values pass through one edit after another."""

    parts: tuple[AttentionEdit, ...]

    @classmethod
    def of(cls, *edits: AttentionEdit) -> Joined:
        """Join edits, each of which may itself be joined."""
        return cls(tuple(part for edit in edits for part in (edit.parts if isinstance(edit, Joined) else (edit,))))

    def skips(self, site: AttentionSite) -> bool:
        """Say whether any part skips the layer."""
        return any(part.skips(site) for part in self.parts)

    def touches(self, site: AttentionSite) -> bool:
        """Say whether any part acts at this site."""
        return any(part.touches(site) for part in self.parts)

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor | None:
        """Return the sum of the parts' biases."""
        found = [part.bias(query, key, site) for part in self.parts if part.touches(site)]
        biases = [each for each in found if each is not None]
        return sum(biases[1:], biases[0]) if biases else None

    def values(self, value: Tensor, site: AttentionSite) -> Tensor:
        """Return the values after every part."""
        for part in self.parts:
            value = part.values(value, site) if part.touches(site) else value
        return value


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    mask: Tensor | None = None,
    causal: bool = False,
    edits: Sequence[AttentionEdit | None] = (),
    site: AttentionSite | None = None,
) -> Tensor:
    """Scaled dot-product attention in which every row may carry its own edit.

    Args:
        query: (rows, heads, queries, width).
        key: (rows, heads, keys, width).
        value: (rows, heads, keys, width).
        mask: Additive logits that broadcast to (rows, heads, queries, keys), ``-inf`` where forbidden, or whether a
            query sees a key.
        causal: Let a query see only the keys at or before its own place, counted from the end.
        edits: One edit or ``None`` for each row; empty when no row has one.
        site: Where this attention takes place; needed when a row has an edit.

    Returns:
        (rows, heads, queries, width).
    """
    if causal:
        mask = _causal(query, key) if mask is None else mask + _causal(query, key)
    groups: dict[AttentionEdit, list[int]] = {}
    if site is not None:
        for row, edit in enumerate(edits):
            if edit is not None and edit.touches(site):
                groups.setdefault(edit.group or edit, []).append(row)
                edit.acts(site)
    edited = sum(len(rows) for rows in groups.values())
    if site is None or not edited:
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    out = torch.empty_like(query)
    plain = sorted(set(range(query.shape[0])).difference(*groups.values()))
    if plain:
        picked = _rows(plain, query, key, value, mask)
        out[plain] = F.scaled_dot_product_attention(*picked[:3], attn_mask=picked[3])
    for edit, rows in groups.items():
        q, k, v, m = _rows(rows, query, key, value, mask)
        if m is not None and m.dtype == torch.bool:
            m = torch.zeros_like(m, dtype=q.dtype).masked_fill_(~m, -torch.inf)
        out[rows] = edit.attend(q, k, v, m, _site_of(rows, site, edits))
    return out


def _causal(query: Tensor, key: Tensor) -> Tensor:
    queries, keys = query.shape[-2], key.shape[-2]
    allowed = torch.ones(queries, keys, dtype=torch.bool, device=query.device).tril(keys - queries)
    return torch.zeros(queries, keys, dtype=query.dtype, device=query.device).masked_fill(~allowed, -torch.inf)


def _rows(
    rows: list[int], query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    if mask is not None and mask.ndim == 4 and mask.shape[0] > 1:
        mask = mask[rows]
    return query[rows], key[rows], value[rows], mask


def _site_of(rows: list[int], site: AttentionSite, edits: Sequence[AttentionEdit | None]) -> AttentionSite:
    site = replace(site, edits=tuple(edit for row in rows if (edit := edits[row]) is not None))
    if site.project is not None:
        outer = getattr(site.project, "keywords", {}).get("rows")  # of a group within which others are found
        site = replace(site, project=partial(site.project, rows=[outer[row] for row in rows] if outer else rows))
    if site.sigma is None or site.sigma.ndim == 0 or site.sigma.shape[0] == 1:
        return site
    return replace(site, sigma=site.sigma[rows])
