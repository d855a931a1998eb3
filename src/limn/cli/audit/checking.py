"""``limn audit selfcheck``: audits of oracles whose habits are known."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from limn.cli import console
from limn.cli.audit.options import Json
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.audit.selfcheck import Coverage


def check(
    study: Annotated[str | None, typer.Argument(help="A study with its options; all of them unless given.")] = None,
    audits: Annotated[int, typer.Option(help="Small audits of oracles for each study.", min=1)] = 200,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    json: Json = False,
) -> None:
    """Audit oracles whose habits are known, and say how often the intervals hold the truth."""
    from limn.audit.selfcheck import Coverage, selfcheck
    from limn.audit.study import names, parse

    wanted, covered = [study] if study else names(), list[Coverage]()
    with console.Meter("audits") as meter:
        for place, text in enumerate(wanted):
            for event in selfcheck(text.partition(":")[0], parse(text), audits=audits, seed=seed):
                if isinstance(event, Coverage):
                    covered.append(event)
                else:
                    meter.at(place * audits + event.done, len(wanted) * audits, text)
    if not covered:
        raise InputError(f"{study}: has no selfcheck; nobody has planted a truth for it")
    if json:
        print(json_text.dumps([{**asdict(row), "verdict": row.verdict} for row in covered], indent=2))
    else:
        rows = [
            (row.study, row.name, f"{row.truth:.3g}", _share(row), _signed(row.bias), row.verdict) for row in covered
        ]
        console.table(["study", "quantity", "truth", "interval held it", "bias", "verdict"], rows)
    if any(row.verdict in ("too narrow", "not estimable") for row in covered):
        raise typer.Exit(1)


def _share(coverage: Coverage) -> str:
    share = coverage.covered
    if share.value is None:
        return "not estimable"
    low, high = 100 * (share.low or 0), 100 * (share.high or 0)
    return f"{100 * share.value:.1f} % of {coverage.estimable} ({low:.0f} to {high:.0f} %)"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3g}"
