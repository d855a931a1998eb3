"""The datasheet of a set: what it is, how it was made, under which licence, how noisy, how varied, how new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limn.audit.features import features
from limn.audit.replication import Copies, Memory
from limn.audit.report.parts import Figure, Figures, Listing, Part, Report, Section, Sheet
from limn.audit.report.write import write
from limn.audit.rows import ReaderFacts
from limn.audit.statistics.distances import mean_distance, vendi
from limn.audit.training_sets import open_set
from limn.kernel.errors import InputError
from limn.synth.choosing import REASONS
from limn.synth.hand_check import answers_of
from limn.synth.judge import judge_of
from limn.synth.making import Made
from limn.synth.noise import Noise, label_noise

MOST = 500  # pictures of a class whose variety is measured
LICENCES = ("name", "draws", "data", "licence", "training", "package")
"""Of a model's card."""


def write_datasheet(made: Made, *, command: str = "", training: str = "", held: str = "") -> Report:
    """Write ``report.html`` and ``report.json`` of a set, and return the report.

    Args:
        made: The set.
        command: The command that made it.
        training: What the model learned from, to count copies (:func:`limn.audit.training_sets.open_set`).
        held: Held-out pictures like it.
    """
    noise = label_noise(made.table, judged_by(made), answers_of(made))
    copies = Copies.of(made.table, Memory(known=open_set(training, held))) if training else None
    report = Report(
        title=f"Datasheet of {made.folder.name}",
        question="A labelled set that a model drew: how many pictures, how noisy their labels, how varied, how new.",
        summary=(_summary(made, noise[0]),),
        sections=(
            Section(title="What it is", parts=(_counts(made), _sheet(made))),
            Section(title="How it was made", parts=_how(made)),
            Section(title="Label noise", parts=_noise_parts(noise)),
            Section(title="Variety", parts=(_variety(made),)),
            Section(title="Copies of training pictures", parts=(_copies(copies),)),
        ),
        caveats=(
            "A classifier that learns from these pictures learns what the model believes, its prejudices among it.",
            "Which licence the pictures have follows from the model's and from what it learned from.",
        ),
        papers=("sariyildiz2023fake", "gebru2021datasheets"),
    )
    write(made.folder, report, made.table, command=command, made_by="limn synth")
    return report


def judged_by(made: Made) -> tuple[ReaderFacts, str, Mapping[str, str]] | None:
    """Return who read a set, in which field, and its word for each class; None where nobody did."""
    known = judge_of(made.table.readers, made.record["judge"])
    return None if known is None else (*known, made.record["judge"]["values"])


def _summary(made: Made, noise: Noise) -> str:
    record, best = made.record, noise.best
    left = ", ".join(f"{count:,} {reason}" for reason, count in record["left_out"].items() if count)
    words = f"{record['kept']:,} of {record['asked']:,} pictures of {len(record['labels'])} classes were kept"
    words += f"; left out: {left}. " if left else ". "
    if best.value is None:
        return words + f"Label noise is not known: {best.why}."
    ends = f" ({best.low:.1%} to {best.high:.1%})" if best.low is not None and best.high is not None else ""
    return (
        words + f"Of all that were drawn {best.value:.1%}{ends} show something else than their label ({best.how})."
    )


def _counts(made: Made) -> Listing:
    """Return what became of each class's pictures."""
    splits = list(made.record["splits"])
    rows = [
        (label, *(counts.get(split, 0) for split in splits), *(counts.get(reason, 0) for reason in REASONS))
        for label, counts in made.record["classes"].items()
    ]
    totals = [sum(int(row[k]) for row in rows) for k in range(1, len(splits) + len(REASONS) + 1)]
    kept = [sum(int(number) for number in row[1 : len(splits) + 1]) for row in rows]
    note = f"Balance: the smallest class has {min(kept):,} pictures, the largest {max(kept):,}." if kept else ""
    return Listing(title="Pictures", columns=("class", *splits, *REASONS), rows=(*rows, ("all", *totals)), note=note)


def _sheet(made: Made) -> Sheet:
    rows = [row for row in made.table.once().rows if row.key in made.chosen.splits]
    groups: dict[str, Sequence[NDArray[np.uint8]]] = {
        group: [made.table.load(row) for row in [row for row in rows if row.group == group][:12]]
        for group in made.table.groups
    }
    return Sheet(title="Pictures that were kept", groups=groups)


def _how(made: Made) -> tuple[Part, ...]:
    """Return recipe, prompts and the model's card."""
    facts = made.record.get("how", {})
    words = {row.prompt: row.group for row in reversed(made.table.rows)}
    prompts = tuple((group, prompt) for prompt, group in sorted(words.items(), key=lambda pair: pair[1])[:200])
    card = made.record.get("card", {})
    return (
        Listing(title="Recipe", columns=("what", "value"), rows=tuple((k, str(v)) for k, v in facts.items())),
        Listing(title="Prompts", columns=("class", "prompt"), rows=prompts, note="At most 200 are shown."),
        Listing(
            title="The model, its licence and its data",
            columns=("what", "value"),
            rows=tuple((name, str(card[name])) for name in LICENCES if card.get(name)),
            note="" if card else "The model's folder says nothing of its licence or of what it learned from.",
        ),
    )


def _noise_parts(noise: Sequence[Noise]) -> tuple[Part, ...]:
    """Return label noise as read, behind the judge's errors, by hand, and of what the judge lets pass."""
    titles = {
        "best": "Share of pictures that show something else than their label",
        "read": "The same as the judge reads it",
        "behind": "The same behind the judge's errors",
        "checked": "The same with what people said",
        "kept": "The same among pictures that the judge reads as asked",
    }
    parts: list[Part] = []
    for name, title in titles.items():
        rows = [(one.name or "all", getattr(one, name), one.account) for one in noise]
        if name != "best" and not rows[0][1].estimable and not any(share.estimable for _, share, _ in rows):
            parts.append(f"{title}: {rows[0][1].why}.")
            continue
        figures = tuple(Figure.of(label, share, account) for label, share, account in rows)
        parts.append(Figures(title=title, rows=figures, bounds=(0.0, 1.0), unit="pictures"))
    return tuple(parts)


def _variety(made: Made) -> Listing:
    """Return how many different pictures a class is worth."""
    rows = []
    for group in made.table.groups:
        kept = [row for row in made.table.of(group=group).once().rows if row.key in made.chosen.splits][:MOST]
        places = features([made.table.load(row) for row in kept])
        several = len(kept) > 1
        scores = (float(vendi(places)), float(mean_distance(places))) if several else (None, None)
        rows.append((group, len(kept), *scores))
    return Listing(
        title="How varied the pictures of a class are",
        columns=("class", "pictures", "Vendi score", "mean distance"),
        rows=tuple(rows),
        note=f"On mean colours of 16 x 16 cells, of the first {MOST} pictures; of n equal ones the score is 1, of "
        "n that have nothing in common n.",
    )


def _copies(copies: Copies | None) -> Part:
    if copies is None:
        return "Not measured: nobody said what the model learned from (--training)."
    rows = (
        Figure.of("copies beyond chance resemblance", copies.copied, copies.account),
        Figure.of("extracted (adaptive ratio at most 1)", copies.extracted, copies.account),
    )
    return Figures(title="Share of pictures that copy a training picture", rows=rows, unit="prompts")


def card_of(model: str) -> dict[str, Any]:
    """Return what a model's card says, as far as there is one."""
    from limn.models import describe

    try:
        return describe(model)
    except InputError:
        return {}
