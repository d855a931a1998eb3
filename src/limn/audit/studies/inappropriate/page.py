"""The report of the study of inappropriate pictures."""

from __future__ import annotations

from collections.abc import Mapping

from limn.audit.report.parts import Curves, Figure, Figures, Line, Listing, Part, Report, Section
from limn.audit.report.words import plain, spoken
from limn.audit.studies.inappropriate.measures import Detections, changes
from limn.audit.studies.inappropriate.prompts import CATEGORIES

QUESTION = (
    "How often does a prompt of each category give a picture that a detector flags, on average over prompts? How "
    "bad is the worst of several prompts expected to be? And what does guidance against it change, at equal seeds?"
)
CAVEATS = (
    "Detectors know what they were taught; what people mind differs between cultures, and changes.",
    "A prompt of several categories counts for each. Prompts that may be about minors are never drawn.",
    "What cannot be read is not counted as harmless; the bounds say what the share were if all of it was flagged.",
)
SATURATES = "It saturates: where the curve is near 1, it tells nothing of how models differ."
KS = (1, 2, 5, 10, 25, 50, 100, 200)


def report(models: Mapping[str, Detections], at: int, *, hidden: bool, left_out: str) -> Report:
    """Tell what was flagged.

    Args:
        models: What was flagged of each, the first being before.
        at: Of how many prompts the expected maximum is told.
        hidden: Whether the pictures stay out of the page.
        left_out: Which lines of a list count for nothing, in words.
    """
    parts: list[Part] = [
        Figures(title="Flagged", rows=shares(models), axis="share of readable pictures", unit="prompts")
    ]
    if len(models) > 1:
        test = "p is of sign flips of prompts, corrected after Holm"
        note = f"Change from {next(iter(models))}, same prompts and seeds; {test}."
        rows = differences(models)
        parts.append(Figures(title="Before and after", rows=rows, axis="change", zero=0, note=note, unit="prompts"))
    return Report(
        title="Inappropriate pictures",
        question=QUESTION,
        summary=told(models),
        findings=(*(f"{name}: {_finding(model, at)}" for name, model in models.items()), *filter(None, [left_out])),
        sections=(
            Section(title="Inappropriate probability", parts=tuple(parts)),
            Section(title="Expected maximum", parts=(curves(models), published(models, at))),
        ),
        caveats=CAVEATS,
        papers=("schramowski2023safe",),
        tests=f"{len(models) - 1} (sign flips of prompts, corrected after Holm)" if len(models) > 1 else "",
        hidden=hidden,
    )


def told(models: Mapping[str, Detections]) -> tuple[str, ...]:
    """Say in plain words how often pictures are flagged, and whether that changed."""
    (first, before), *others = models.items()
    sentences = [f"With {first}, {plain(before.share())} are flagged."]
    changed = changes(before, [model for _, model in others]) if others else []
    for (name, after), change in zip(others, changed, strict=True):
        way = "fewer" if (change.flagged.value or 0) < 0 else "more"
        sure = change.p is not None and change.p < 0.05
        told = f"that is {way}" if sure else "the pictures do not tell whether that is a change"
        sentences.append(f"With {name}, {plain(after.share())}: {told}.")
    return tuple(sentences)


def _finding(model: Detections, at: int) -> str:
    """Return the main figures in words."""
    facts = [
        f"{spoken(model.share())} flagged",
        *_behind(model),
        f"the worst of {at} prompts {spoken(model.worst(at))}",
    ]
    effect, kept = model.design_effect().value if model.asked < model.account.readable else None, model.kept_share()
    if effect is not None:
        facts.append(f"design effect {effect:.1f}")
    if kept.estimable:
        facts.append(f"of what was named {spoken(kept)} is there")
    return ", ".join(facts) + "."


def _behind(model: Detections) -> tuple[str, ...]:
    behind = model.behind()
    return () if behind is None else (f"{spoken(behind)} behind the reader's errors",)


def shares(models: Mapping[str, Detections]) -> tuple[Figure, ...]:
    """Return the share of each category and of all, models together; behind known errors, too."""
    rows = []
    for category in ("all", *next(iter(models.values())).names):
        for name, model in models.items():
            part = model if category == "all" else model.only(category)
            where = {"model": name} | ({} if category == "all" else {CATEGORIES: category})
            n = f"{part.asked} prompts"
            rows.append(Figure.of(category, part.share(), part.account, model=name, n=n, where=where))
            if (behind := part.behind()) is not None:
                title = f"{category}, behind the reader's errors"
                rows.append(Figure.of(title, behind, part.account, model=name, n=n, where=where))
    return tuple(rows)


def differences(models: Mapping[str, Detections]) -> tuple[Figure, ...]:
    """Return what changed from the first to each of the others."""
    (_, first), *others = models.items()
    rows = []
    for (name, _), change in zip(others, changes(first, [model for _, model in others]), strict=True):
        rows.append(Figure.of(name, change.flagged, model="flagged", p=change.p, where={"model": name}))
        if change.kept.estimable:
            rows.append(Figure.of(name, change.kept, model="what was named is there", where={"model": name}))
    return tuple(rows)


def curves(models: Mapping[str, Detections]) -> Curves:
    """Return the expected maximum over the number of prompts, up to a tenth of them."""
    lines = []
    for name, model in models.items():
        ks = [k for k in KS if k <= max(2, model.asked // 10)]
        known = [(k, e) for k, e in zip(ks, model.worst_curve(ks), strict=True) if e.value is not None]
        y, low, high = (tuple(float(getattr(e, end) or 0) for _, e in known) for end in ("value", "low", "high"))
        lines.append(Line(name=name, x=tuple(float(k) for k, _ in known), y=y, low=low, high=high))
    title = "Largest share among k prompts"
    return Curves(title=title, lines=tuple(lines), x="k", y="expected maximum", note=SATURATES)


def published(models: Mapping[str, Detections], at: int) -> Listing:
    """Return the table as it is published: the deviation is that of one maximum, and no interval."""
    rows: list[tuple[str | int | float | None, ...]] = []
    for name, model in models.items():
        for category, part in (("all", model), *((category, model.only(category)) for category in model.names)):
            numbers = (part.share().value, *(part.spread(at) or (None, None)))
            percent = [None if number is None else round(100 * number, 2) for number in numbers]
            rows.append((name, category, part.asked, *percent))
    columns = ("", "category", "prompts", "flagged, %", f"largest of {at}, %", "± of one maximum, %")
    return Listing(title="As published", columns=columns, rows=tuple(rows))
