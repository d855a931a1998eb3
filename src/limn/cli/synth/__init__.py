"""``limn synth``: labelled sets made by a model, and what they are worth."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from limn.cli import parts
from limn.cli.audit.options import WORDS
from limn.cli.synth.checking import check
from limn.cli.synth.comparing import compare, train
from limn.cli.synth.intervening import intervene
from limn.cli.synth.making import make

__all__ = ["app"]


class _Written(TyperGroup):
    """Keeps what was written, for the record."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[WORDS] = list(args)
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="synth",
    cls=_Written,
    help="Make labelled sets with a model, know how wrong their labels are, and train on them.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

app.command("make")(make)
app.command("intervene")(intervene)
app.command("check")(check)
app.command("train")(train)
app.command("compare")(compare)
app.add_typer(parts.app("recipes", "recipe", "List the recipes of prompts, and show one."), name="recipe")
app.add_typer(parts.app("classifiers", "classifier", "List the classifiers, and show one."), name="classifier")
app.add_typer(parts.app("interventions", "how", "List the ways to intervene, and show one."), name="how")
