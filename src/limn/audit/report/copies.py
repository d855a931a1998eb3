"""Shares of copied training pictures, as every study that looks for them tells them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from limn.audit.replication import FEW, Copies, Memory
from limn.audit.report.parts import Figure, Figures

KINDS = {"similarity": "copied", "adaptive ratio": "by_ratio", "adaptive ratio at most 1": "extracted"}


def copies_figures(copies: Mapping[tuple[str, str], Copies], memory: Memory) -> Figures:
    """Return the shares of copies, by model and group, with each score."""
    models, groups = (list(dict.fromkeys(key[k] for key in copies)) for k in (0, 1))
    rows = []
    for (kind, score), group, model in product(KINDS.items(), groups, models):
        name, part = f"{kind}; {group}" if len(groups) > 1 else kind, copies[model, group]
        where = {"model": model} | ({"group": group} if len(groups) > 1 else {})
        rows.append(Figure.of(name, getattr(part, score), part.account, model=model, where=where))
    note = (
        f"Threshold {memory.cut} on {len(memory.held.similar)} held-out pictures; {len(memory.known.pictures)} "
        f"training pictures; features: {memory.how}. Ratio at most 1 among held-out pictures: "
        f"{memory.held.extracted}."
    )
    unit = f"held-out pictures and prompts (pictures where there are fewer than {FEW} prompts)"
    return Figures(title="Copies", rows=tuple(rows), axis="share of pictures drawn", zero=0, note=note, unit=unit)
