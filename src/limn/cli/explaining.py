"""What was asked of a model, as tables: questions by range of steps, then forward passes and rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from limn.cli import console

if TYPE_CHECKING:
    from limn.kernel.attention import AttentionEdit
    from limn.kernel.branch import Branch
    from limn.kernel.runner import Forward, Ledger

QUESTIONS = ("question", "words", "left out", "weights", "attention", "gradient", "steps")
FORWARDS = ("weights", "questions", "forwards a step", "rows a step", "steps")


def explained(ledger: Ledger) -> None:
    """Print the questions of the first pictures drawn, and the forward passes of all."""
    steps: dict[tuple[str, ...], list[int]] = {}
    for step, branches in sorted(ledger.branches.items()):
        for name, branch in branches.items():
            steps.setdefault(_question(name, branch), []).append(step + 1)
    console.table(QUESTIONS, [[*row, spans(places)] for row, places in steps.items()], error=True)
    for name, caption, score in _neighbours(ledger):
        console.say(f"neighbour {name}: {caption[:60]!r}, score {score:g}")
    console.say("")
    console.table(FORWARDS, _forwards(ledger.forwards), error=True)
    forwards, served = len(ledger.forwards), len({forward.step for forward in ledger.forwards})
    console.say(f"{forwards} forwards over {served} steps answered {ledger.rows} rows{_spent(ledger)}")


def _neighbours(ledger: Ledger) -> list[tuple[str, str, float]]:
    """Return the neighbours of the prompts that were asked about, each once."""
    prompts = (branch.prompt for branches in ledger.branches.values() for branch in branches.values())
    return list(dict.fromkeys((one.name, one.caption, one.score) for prompt in prompts for one in prompt.neighbours))


def _question(name: str, branch: Branch) -> tuple[str, ...]:
    return (
        name,
        branch.prompt.text[:60],
        ", ".join(sorted(branch.drop)) or "-",
        " + ".join([branch.adapter or "as loaded", *branch.carries]),
        _edits(branch.attention),
        "yes" if branch.gradient else "-",
    )


def _edits(edit: AttentionEdit | None) -> str:
    """Name the changes to a branch's attention, joined ones one by one."""
    if edit is None:
        return "-"
    parts = getattr(edit, "parts", (edit,))
    return " + ".join(re.sub("(?<!^)(?=[A-Z])", " ", type(part).__name__).lower() for part in parts)


def _spent(ledger: Ledger) -> str:
    return f" in {ledger.flops / 1e9:,.2f} GFLOP" if ledger.flops else ""


def _forwards(forwards: Iterable[Forward]) -> list[list[object]]:
    """Return rows of the second table: steps whose forward passes are alike stand together."""
    asked: dict[tuple[int, str, bool], list[Forward]] = {}
    for forward in forwards:
        asked.setdefault((forward.step, forward.weights, forward.gradient), []).append(forward)
    alike: dict[tuple[object, ...], list[int]] = {}
    for (step, weights, gradient), made in sorted(asked.items()):
        names = ", ".join(made[0].names) + (", with gradient" if gradient else "")
        alike.setdefault((weights, names, len(made), sum(forward.rows for forward in made)), []).append(step + 1)
    return [[*row, spans(steps)] for row, steps in alike.items()]


def spans(places: Sequence[int]) -> str:
    """Write steps in runs.

    >>> spans([1, 2, 3, 5])
    '1-3, 5'
    """
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1][1:] = [place]
        else:
            runs.append([place])
    return ", ".join("-".join(map(str, span)) for span in runs)
