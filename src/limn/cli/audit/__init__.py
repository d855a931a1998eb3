"""``limn audit``: measure what a model does to the people and cultures it draws."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from limn.cli.audit.checking import check
from limn.cli.audit.comparing import compare_runs
from limn.cli.audit.listing import explain, list_studies
from limn.cli.audit.options import WORDS
from limn.cli.audit.reporting import read_again, report_again
from limn.cli.audit.running import run

__all__ = ["app"]


class _Studies(TyperGroup):
    """Takes what is not a verb as the name of a study."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[WORDS] = list(args)
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            if "--help" in args:
                explain(args[0].partition(":")[0])
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="audit",
    cls=_Studies,
    help="Measure what a model does to the people and cultures it draws: limn audit STUDY --model M.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

app.command("list")(list_studies)
app.command("run", hidden=True)(run)
app.command("read")(read_again)
app.command("report")(report_again)
app.command("compare")(compare_runs)
app.command("selfcheck")(check)
