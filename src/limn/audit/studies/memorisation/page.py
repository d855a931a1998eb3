"""The report of the study of memorisation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from limn.audit.replication import Copies, Memory
from limn.audit.report.copies import copies_figures
from limn.audit.report.parts import Curves, Figure, Figures, Line, Report, Section, Sheet
from limn.audit.report.words import plain, spoken

QUESTION = (
    "Which share of the pictures is nearer to a training picture than chance resemblance explains? The threshold is "
    "what held-out pictures of the same law, which were never learned from, exceed in 1 of 100."
)
CAVEATS = (
    "It is a lower bound: a copy that was moved, cropped or recoloured need not be near in these features.",
    "Prompts from training captions are the worst case; other prompts copy less.",
    "Something simple looks like its nearest training picture without being copied; held-out pictures tell by how "
    "much, if they are as simple as what the model draws. Blurred pictures are near to everything: see the ratio.",
    "Thresholds depend on the size of the training set, so models are compared on the same one only.",
)
SHOWN = 12


def report(copies: Mapping[tuple[str, str], Copies], memory: Memory) -> Report:
    """Tell what was copied.

    Args:
        copies: By model and group of prompts.
        memory: The training set.
    """
    models, groups = (len({key[k] for key in copies}) for k in (0, 1))
    named = {
        model if groups == 1 else f"{model}, {group}" if models > 1 else group: part
        for (model, group), part in copies.items()
    }
    dose = repeats(named, memory)
    return Report(
        title="Copies of training pictures",
        question=QUESTION,
        summary=tuple(told(name, part) for name, part in named.items()),
        findings=tuple(f"{name}: {spoken(part.copied)} are copies beyond chance." for name, part in named.items()),
        sections=(
            Section(title="Copying", parts=(copies_figures(copies, memory), nearness(named, memory))),
            *([Section(title="Repeated pictures", parts=(dose,))] if dose else []),
            Section(title="The nearest", parts=tuple(neighbours(*item, memory) for item in named.items())),
        ),
        caveats=(*memory.known.left_out, *CAVEATS),
        papers=("carlini2023extracting", "somepalli2023diffusion"),
    )


def told(name: str, copies: Copies) -> str:
    """Say in plain words how many pictures are copies."""
    share = copies.copied
    if share.value is None:
        return f"{name}: nobody can tell how many are copies ({share.why})."
    if share.low is not None and share.low > 0:
        return f"{name}: {plain(share)} are nearer to a training picture than chance resemblance explains."
    most = "" if share.high is None else f"; up to {100 * max(share.high, 0):.0f} of 100 pictures may be"
    return f"{name}: no copies were found beyond what chance resemblance gives{most}."


def nearness(copies: Mapping[str, Copies], memory: Memory) -> Curves:
    """Return the distribution of similarities to the nearest training picture."""
    sets = {"held-out pictures": memory.held, **{name: part.near for name, part in copies.items()}}
    ranks = np.linspace(0, 1, 41)
    lines = tuple(
        Line(name=name, x=tuple(np.quantile(near.similar, ranks).tolist()), y=tuple(ranks.tolist()))
        for name, near in sets.items()
        if len(near.similar)
    )
    note = "A curve that lies to the right of that of held-out pictures is nearer to the training set than chance."
    title = "Similarity to the nearest training picture"
    return Curves(title=title, lines=lines, x="similarity", y="share below", note=note)


def repeats(copies: Mapping[str, Copies], memory: Memory) -> Figures | None:
    """Return the share of training pictures that were copied at least once, by how often they were repeated."""
    doses = {name: dose for name, part in copies.items() if (dose := part.dose(memory)) is not None}
    if not doses:
        return None
    kinds = range(len(next(iter(doses.values())).doses))
    rows = tuple(
        Figure.of(f"{dose.doses[k]:g} times", dose.shares[k], model=name, reference=dose.fitted[k])
        for k in kinds
        for name, dose in doses.items()
    )
    slopes = "; ".join(f"{name} {dose.slope}" for name, dose in doses.items())
    note = f"The reference is the nearest curve that rises. Log odds for each doubling: {slopes}."
    return Figures(
        title="Copied at least once",
        rows=rows,
        axis="share of training pictures",
        note=note,
        unit="training pictures",
    )


def neighbours(name: str, copies: Copies, memory: Memory) -> Sheet:
    """Return the most similar pictures above their nearest training pictures."""
    near, known = copies.near, memory.known
    order = np.argsort(-near.similar, kind="stable")[:SHOWN]
    groups = {
        "drawn": [copies.pictures[k] for k in order],
        "nearest": [known.pictures[near.places[k]] for k in order],
    }
    listed = ", ".join(f"{near.similar[k]:.3f} ({known.copies[near.places[k]]})" for k in order)
    note = f"The {len(order)} most similar. Similarity, and how often the one below was repeated: {listed}."
    return Sheet(title=f"{name}: nearest training pictures", groups=groups, most=SHOWN, note=note)
