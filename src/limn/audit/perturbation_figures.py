"""Figures of the study of look-alike letters, for its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from limn.audit.perturbation import Effect, accuracy
from limn.audit.report.parts import Figure, Figures, Listing, Points, Section, Sheet
from limn.audit.scripts import NAMED, SCRIPTS, World, attributes, cultures
from limn.audit.statistics.associations import weat
from limn.audit.statistics.multiple_testing import holm
from limn.audit.table import Table
from limn.audit.text_embeddings import texts_of
from limn.data.people.worlds import LETTERS

__all__ = ["association", "bias", "seen", "sheets"]


def bias(table: Table, found: Sequence[Effect], p: Mapping[int, float | None]) -> Section:
    """Return relative bias and plain difference of every model, letter and control.

    Args:
        table: The audit.
        found: Effects, in order.
        p: Corrected p-values by ``id`` of the effect.
    """
    relative, plain = [], []
    for each in found:
        account, model = table.of(model=each.model, group=each.group).account(), _model(table, each)
        relative.append(Figure.of(_name(each), each.relative, account, model=model))
        plain.append(Figure.of(_name(each), each.difference, account, model=model, p=p.get(id(each))))
    return Section(
        title="Bias by script",
        parts=(
            Figures(title="Relative bias", rows=tuple(relative), axis="per cent", percent=False, zero=0),
            Figures(title="Difference of cosines", rows=tuple(plain), axis="cosine", percent=False, zero=0),
        ),
    )


def seen(table: Table, found: Sequence[Effect], planted: float) -> Section:
    """Return what the pictures show: motifs, relative bias against their true shift, and obeyed clean prompts.

    Args:
        table: The audit, with a reader of motifs.
        found: Effects, in order.
        planted: The share that was planted, 0 for unknown.
    """
    shares, shifts, points = [], [], []
    for each in found:
        account, model = table.of(model=each.model, group=each.group).account("motif"), _model(table, each)
        mark = planted if planted and each.group == each.script and SCRIPTS[each.script].letter in LETTERS else None
        shares.append(Figure.of(_name(each), each.share, account, model=model, reference=mark))
        shifts.append(Figure.of(_name(each), each.shift, account, model=model, note=f"clean {each.clean}"))
        one, two = each.shift, each.relative
        if one.value is not None and two.value is not None:
            ends = [one.low, one.high, two.low, two.high]
            known = tuple(float(end) for end in ends if end is not None)
            whole = (known[0], known[1], known[2], known[3]) if len(known) == len(ends) else None
            points.append((_name(each), one.value, two.value, whole, each.model))
    obeyed = accuracy(table)
    kept = [Figure.of("fields obeyed", share, model=model) for model, share, _ in obeyed]
    drop = [Figure.of("change from the first model", change, model=model) for model, _, change in obeyed[1:]]
    return Section(
        title="What the pictures show",
        parts=(
            Figures(title="Pictures that show the script's motif", rows=tuple(shares), axis="share", bounds=(0, 1)),
            Figures(title="True shift of that share", rows=tuple(shifts), axis="attacked less clean", zero=0),
            Points(title="Relative bias against the true shift", points=tuple(points), x="true shift of the share",
                   y="relative bias, per cent"),
            Figures(title="Clean prompts that name everything", rows=(*kept, *drop), axis="share of fields"),
        ),
    )  # fmt: skip


def association(encoders: Sequence[str], world: World, scripts: Sequence[str]) -> Section:
    """Return WEAT of each encoder and script: are its letters nearer to its culture's words than Latin ones are?"""
    rows: list[tuple[str | float | None, ...]] = []
    ps: list[float | None] = []
    for name in encoders:
        texts = texts_of(name)
        for script in scripts:
            found = weat(*(texts(each) for each in (*cultures(world, script), *attributes(world, script))))
            rows.append((name, script, str(found.effect), str(found.raw), found.bound))
            ps.append(found.test.p)
    columns = ("encoder", "script", "effect d", "difference of cosines", "largest d", "p (Holm)")
    listed = tuple((*row, p) for row, p in zip(rows, holm(ps).p, strict=True))
    title = "Association of letters and cultures (WEAT)"
    return Section(title="Text encoder", parts=(Listing(title=title, columns=columns, rows=listed),))


def sheets(table: Table) -> Section:
    """Return the first pictures of each group, a sheet for each model."""
    groups = [each for each in table.groups if each != NAMED]
    return Section(
        title="Pictures",
        parts=tuple(
            Sheet(title=model, most=8, groups={g: table.of(model=model, group=g).pictures()[:8] for g in groups})
            for model in table.models
        ),
    )


def _name(each: Effect) -> str:
    return each.script if each.group == each.script else f"{each.script}: {each.group}"


def _model(table: Table, each: Effect) -> str:
    return each.model if len(table.models) > 1 else ""
