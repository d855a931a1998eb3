"""The report of the study of look-alike letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from limn.audit.report.parts import Figure, Figures, Listing, Points, Report, Section, point
from limn.audit.statistics.associations import Association
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.multiple_testing import holm
from limn.audit.studies.homoglyphs.measures import Effect
from limn.audit.studies.homoglyphs.prompts import SCRIPTS
from limn.audit.table import Table
from limn.data.people.worlds import LETTERS

UNIT = "prompts"
CAVEATS = (
    "Relative bias divides by the clean cosine: it depends on the scorer's offset, and is unstable near 0. Read the "
    "plain difference beside it.",
    "A rare letter also damages a prompt. What a rare symbol of as many tokens does as well is not culture.",
    "A letter that the tokenizer does not know makes its whole word unknown; then every unknown symbol is the same.",
    "Motifs stand in for cultures in the worlds of people. No picture shows what a culture is.",
)


def report(
    table: Table,
    effects: Sequence[Effect],
    obeyed: Sequence[tuple[str, Estimate, Estimate]] | None,
    encoders: Mapping[tuple[str, str], Association],
    *,
    planted: float,
) -> Report:
    """Tell what was estimated.

    Args:
        table: The audit.
        effects: Of every letter and control, in order.
        obeyed: Share of named fields that clean pictures show and its change, by model; None without a reader.
        encoders: WEAT by encoder and script.
        planted: The share of the motif that was planted, 0 for unknown.
    """
    attacks = [effect for effect in effects if not effect.control]
    corrected = holm([effect.test.p for effect in attacks])
    p = {(effect.model, effect.script): value for effect, value in zip(attacks, corrected.p, strict=True)}
    sections = [_bias(table, effects, p)]
    if obeyed is not None:
        sections.append(_shown(table, effects, obeyed, planted))
    if encoders:
        sections.append(_associations(encoders))
    return Report(
        title="Look-alike letters",
        question="How far do pictures move towards a culture when one letter of a prompt is from its script?",
        summary=tuple(told(model, attacks, p) for model in table.models),
        findings=tuple(
            _finding(effect, p[effect.model, effect.script])
            for effect in sorted(attacks, key=lambda effect: -(effect.relative.value or 0.0))
        ),
        sections=tuple(sections),
        caveats=CAVEATS,
        papers=("struppek2023homoglyphs", "caliskan2017weat"),
        tests=f"{corrected.tests} sign-flip tests of prompts, {corrected.how}",
    )


def told(model: str, effects: Sequence[Effect], p: Mapping[tuple[str, str], float | None]) -> str:
    """Say in plain words which letters move the pictures of a model."""
    own = [effect for effect in effects if effect.model == model]
    sure = [effect for effect in own if (p[model, effect.script] or 1.0) < 0.05]
    names = {
        "towards": [effect.script for effect in sure if (effect.difference.value or 0) > 0],
        "away from": [effect.script for effect in sure if (effect.difference.value or 0) < 0],
    }
    moved = [
        f"{len(scripts)} move its pictures {way} the culture ({', '.join(scripts)})"
        for way, scripts in names.items()
        if scripts
    ]
    still = [effect for effect in own if effect.difference.low == effect.difference.high == 0]
    moved += [f"{len(still)} change nothing"] if still else []
    left = len(own) - len(sure) - len(still)
    moved += [f"for {left} the pictures do not tell"] if left else []
    return f"Of {len(own)} look-alike letters that {model} was asked with: {'; '.join(moved)}."


def _finding(effect: Effect, p: float | None) -> str:
    test = "not tested" if p is None else f"p = {p:.2g} after Holm"
    return f"{effect.model}, {effect.script}: relative bias {effect.relative}; {test}."


def _figure(
    table: Table, effect: Effect, estimate: Estimate, field: str | None = None, *, reference: float | None = None,
    p: float | None = None, note: str = "",
) -> Figure:  # fmt: skip
    """Return one estimate of an effect, with the pictures behind it."""
    name = f"{effect.script}: {effect.group}" if effect.control else effect.script
    part = table.of(model=effect.model, group=effect.group)
    n = f"{len({row.prompt for row in part.rows})} prompts"
    model = effect.model if len(table.models) > 1 else ""
    where = {"model": effect.model, "group": effect.group}
    return Figure.of(
        name, estimate, part.account(field), model=model, reference=reference, p=p, note=note, n=n, where=where
    )


def _bias(table: Table, effects: Sequence[Effect], p: Mapping[tuple[str, str], float | None]) -> Section:
    """Return relative bias and plain difference of every model, letter and control."""
    relative = tuple(_figure(table, effect, effect.relative) for effect in effects)
    plain = tuple(
        _figure(table, effect, effect.difference, p=None if effect.control else p[effect.model, effect.script])
        for effect in effects
    )
    return Section(
        title="Bias by script",
        parts=(
            Figures(title="Relative bias", rows=relative, axis="per cent", percent=False, zero=0, unit=UNIT),
            Figures(title="Difference of cosines", rows=plain, axis="cosine", percent=False, zero=0, unit=UNIT),
        ),
    )


def _shown(
    table: Table, effects: Sequence[Effect], obeyed: Sequence[tuple[str, Estimate, Estimate]], planted: float
) -> Section:
    """Return what the pictures show: motifs, relative bias against their true shift, and obeyed clean prompts."""
    shares, shifts, points = [], [], []
    for effect in effects:
        mark = planted if planted and not effect.control and SCRIPTS[effect.script].letter in LETTERS else None
        shares.append(_figure(table, effect, effect.share, "motif", reference=mark))
        shifts.append(_figure(table, effect, effect.shift, "motif", note=f"clean {effect.clean}"))
        points.append(point(shares[-1].name, effect.shift, effect.relative, effect.model))
    kept = [Figure.of("fields obeyed", share, model=model) for model, share, _ in obeyed]
    drop = [Figure.of("change from the first model", change, model=model) for model, _, change in obeyed[1:]]
    return Section(
        title="What the pictures show",
        parts=(
            Figures(title="Pictures that show the script's motif", rows=tuple(shares), axis="share", bounds=(0, 1),
                    unit=UNIT, field="motif"),
            Figures(title="True shift of that share", rows=tuple(shifts), axis="attacked less clean", zero=0,
                    unit=UNIT, field="motif"),
            Points(title="Relative bias against the true shift", points=tuple(filter(None, points)),
                   x="true shift of the share", y="relative bias, per cent"),
            Figures(title="Clean prompts that name everything", rows=(*kept, *drop), axis="share of fields",
                    unit=UNIT),
        ),
    )  # fmt: skip


def _associations(encoders: Mapping[tuple[str, str], Association]) -> Section:
    """Return WEAT of each encoder and script."""
    corrected = holm([weat.test.p for weat in encoders.values()]).p
    rows = tuple(
        (name, script, str(weat.effect), str(weat.raw), weat.bound, p)
        for ((name, script), weat), p in zip(encoders.items(), corrected, strict=True)
    )
    columns = ("encoder", "script", "effect d", "difference of cosines", "largest d", "p (Holm)")
    title = "Association of letters and cultures (WEAT)"
    note = "Intervals resample words; tests take which words are of the script as drawn by chance."
    return Section(title="Text encoder", parts=(Listing(title=title, columns=columns, rows=rows, note=note),))
