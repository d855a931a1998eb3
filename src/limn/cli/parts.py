"""``limn guide``, ``limn sampler`` and their kin: the registered parts of a kind, listed and shown."""

from __future__ import annotations

import json as json_text
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from limn.cli import console

if TYPE_CHECKING:
    from limn.kernel.description import Description

Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def app(kind: str, noun: str, about: str) -> typer.Typer:
    """Return a command that lists the parts of a kind and shows one.

    Args:
        kind: As the registry calls it.
        noun: Name of the command.
        about: What the parts are, for the help.
    """
    verbs = typer.Typer(name=noun, help=about, rich_markup_mode=None, no_args_is_help=True)

    @verbs.command("list")
    def list_parts(json: Json = False) -> None:
        """List them; those of installed packages are among them."""
        from limn.kernel import papers
        from limn.kernel.description import describe
        from limn.kernel.registry import names

        rows = [describe(kind, name) for name in names(kind)]
        if json:
            print(json_text.dumps([asdict(row) for row in rows], indent=2))
            return
        columns = ["name", "also", "what it does", "paper", "package"]
        used = columns if any(row.package for row in rows) else columns[:-1]
        lines = [(row.name, " ".join(row.aliases), row.summary, papers.key(row.paper), row.package) for row in rows]
        console.table(used, [line[: len(used)] for line in lines])

    @verbs.command("show")
    def show_part(name: Annotated[str, typer.Argument(help="A name from `list`.")], json: Json = False) -> None:
        """Show one: its formula, its options with defaults, units and ranges, and its source."""
        from limn.kernel.description import describe

        row = describe(kind, name)
        if json:
            print(json_text.dumps(asdict(row), indent=2))
            return
        show(row)
        flag = "limn learn" if noun == "learner" else f"--{noun}"
        console.say(f"limn: use it as {flag} {row.name}:option=value")

    return verbs


def show(row: Description) -> None:
    """Print a part: its formula, its options and its source."""
    from limn.kernel import papers

    console.result(f"{row.name}: {row.summary}")
    for paragraph in row.text.split("\n\n")[1:]:
        print()
        for line in paragraph.splitlines():
            console.result(line)
    facts = {"also": ", ".join(row.aliases), **row.facts, "from": row.package}
    if any(facts.values()):
        print()
        console.result(", ".join(f"{fact} {value}" for fact, value in facts.items() if value))
    if row.options:
        print()
        options = [(option.name, option.default, option.kind, option.about) for option in row.options]
        console.table(["option", "default", "takes", "what it does"], options)
    if row.paper:
        print()
        console.result(f"{papers.line(row.paper)} [{papers.key(row.paper)}]")
