"""``limn guide``: the ways of steering, read from their sources without loading any of them."""

from __future__ import annotations

import ast
import json as json_text
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

import limn.guidance
from limn.cli import console
from limn.kernel.errors import unknown_name

__all__ = ["Facts", "Option", "app", "facts", "names"]

app = typer.Typer(
    name="guide",
    help="List the ways of steering, and show one with its formula and options.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of a guidance.

    Args:
        name: As it is written in ``--guide``.
        kind: What it takes, as in the source.
        default: Its default, as in the source; empty when it has none.
        about: What it does, with units and range.
    """

    name: str
    kind: str
    default: str
    about: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a guidance's source says of it.

    Args:
        name: Registered name.
        summary: One line.
        text: The docstring before its arguments, with the formula.
        rank: When it takes its turn.
        space: Which answers it works on.
        slot: The place it takes, which only one can have; mostly empty.
        paper: Citation key.
        options: In the order of the source.
    """

    name: str
    summary: str
    text: str
    rank: str
    space: str
    slot: str
    paper: str
    options: tuple[Option, ...]


@app.command("list")
def list_guides(json: Json = False) -> None:
    """List the guidances; any of them can be used together, in any order."""
    found = [facts(name) for name in names()]
    if json:
        print(json_text.dumps([asdict(each) for each in found], indent=2))
        return
    rows = [(each.name, each.summary, each.rank, each.space, each.paper) for each in found]
    console.table(["name", "what it does", "rank", "space", "paper"], rows)


@app.command("show")
def show_guide(
    name: Annotated[str, typer.Argument(help="A name from `limn guide list`.")], json: Json = False
) -> None:
    """Show a guidance: its formula, its options with defaults, units and ranges, and its source."""
    found = facts(name)
    if json:
        print(json_text.dumps(asdict(found), indent=2))
        return
    console.result(f"{found.name}: {found.summary}")
    for paragraph in found.text.split("\n\n")[1:]:
        print()
        for line in paragraph.splitlines():
            console.result(line)
    print()
    console.result(f"rank {found.rank}, space {found.space}" + (f", slot {found.slot}" if found.slot else ""))
    if found.options:
        print()
        rows = [(each.name, each.default or "needed", each.kind, each.about) for each in found.options]
        console.table(["option", "default", "takes", "what it does"], rows)
    print()
    console.result(_citation(found.paper))
    console.say(f'limn: use it as --guide {found.name}, or --guide "{found.name}:option=value,option=value"')


def names() -> list[str]:
    """Return the names of all guidances, sorted."""
    return sorted(path.stem for path in _folder().glob("*.py") if _class(path) is not None)


def facts(name: str) -> Facts:
    """Read what a guidance's source says, without importing it.

    Raises:
        InputError: If there is none of this name; the message has the nearest name.
    """
    known = names()
    if name not in known:
        raise unknown_name("guidance", name, known)
    lineage = _lineage(_folder() / f"{name}.py", _camel(name))
    text = _halves(lineage[-1])[0]
    about = {field: words for node in lineage for field, words in _about(_halves(node)[1]).items()}
    said = {
        field: value for node in lineage for field, kind, value in _annotated(node) if kind.startswith("ClassVar")
    }
    options = {each[0]: each for node in lineage for each in _annotated(node) if not each[1].startswith("ClassVar")}
    return Facts(
        name=name,
        summary=" ".join(text.split("\n\n")[0].split()),
        text=text.strip(),
        rank=said.get("rank", "Rank.AMPLIFY").rpartition(".")[2].lower(),
        space=_plain(said.get("space", "'clean'")),
        slot=_plain(said.get("slot", "''")),
        paper=_plain(said.get("paper", "''")),
        options=tuple(
            Option(name=field, kind=_kind(kind), default=default, about=about.get(field, ""))
            for field, kind, default in options.values()
        ),
    )


def _folder() -> Path:
    return Path(next(iter(limn.guidance.__path__)))


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _class(path: Path) -> ast.ClassDef | None:
    return _find(ast.parse(path.read_text("utf-8")), _camel(path.stem))


def _find(tree: ast.Module, name: str) -> ast.ClassDef | None:
    return next((each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == name), None)


def _lineage(path: Path, name: str) -> list[ast.ClassDef]:
    """Return a class and those it builds on within limn, the oldest first."""
    tree = ast.parse(path.read_text("utf-8"))
    node = _find(tree, name)
    if node is None:
        return []
    homes = {
        alias.name: _folder().parents[1].joinpath(*each.module.split(".")).with_suffix(".py")
        for each in tree.body
        if isinstance(each, ast.ImportFrom) and each.module and each.module.startswith("limn.")
        for alias in each.names
    }
    bases = [each.id for each in node.bases if isinstance(each, ast.Name)]
    older = [old for base in bases for old in _lineage(homes.get(base, path), base)]
    known = {
        target.id: each.value
        for each in tree.body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    return [*older, _Spelled(known).visit(node)]


class _Spelled(ast.NodeTransformer):
    """Puts what a module's names stand for in their place."""

    def __init__(self, known: Mapping[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return the value of a name, or the name itself."""
        return self.known.get(node.id, node)


def _halves(node: ast.ClassDef) -> tuple[str, str]:
    """Return a docstring before its section ``Args``, and from there on."""
    written = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", ast.get_docstring(node) or "")
    text, _, arguments = written.replace("``", "").partition("\nArgs:\n")
    return text, arguments


def _annotated(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            yield each.target.id, ast.unparse(each.annotation), _default(each.value)


def _default(value: ast.expr | None) -> str:
    """Return a default as it is written; of one that a function makes, the text that it is made from."""
    if isinstance(value, ast.Call):
        texts = [each.value for each in ast.walk(value) if isinstance(each, ast.Constant)]
        return next((repr(each) for each in texts if isinstance(each, str)), "")
    return ast.unparse(value) if value is not None else ""


def _plain(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text


def _kind(kind: str) -> str:
    """Write a type for people.

    >>> _kind("Literal['weak', 'strong']"), _kind("float | None"), _kind("tuple[str, ...]")
    ('weak, strong', 'number or none', 'several of text')
    """
    if found := re.fullmatch(r"Literal\[(.*)\]", kind):
        return ", ".join(_plain(each.strip()) for each in found[1].split(","))
    if found := re.fullmatch(r"tuple\[(\w+), \.\.\.\]", kind):
        return f"several of {_kind(found[1])}"
    plain = {"float": "number", "int": "whole number", "str": "text", "bool": "true or false", "None": "none"}
    return " or ".join(plain.get(each.strip(), each.strip()) for each in kind.split("|"))


def _about(arguments: str) -> dict[str, str]:
    """Return what the section ``Args`` says of each field."""
    section = re.split(r"\n(?=\S)", arguments)[0]
    entries = re.split(r"(?m)^(?=\w+:)", textwrap.dedent(section))
    pairs = (entry.partition(":") for entry in entries if entry.strip())
    return {name: " ".join(text.split()) for name, _, text in pairs}


def _citation(key: str) -> str:
    """Return authors, title, year and number of a paper in one line."""
    from limn.cli.cite import bibliography

    entry = bibliography().get(key)
    if entry is None:
        return f"{key} is not in the bibliography"
    found: dict[str, Any] = dict(re.findall(r"(?m)^\s*(\w+)\s*=\s*\{(.*)\},?\s*$", entry))
    fields = {name: re.sub(r"[{}]", "", value) for name, value in found.items()}
    where = f", arXiv:{fields['eprint']}" if "eprint" in fields else ""
    title, authors = fields.get("title", "?"), fields.get("author", "?").replace(" and ", "; ")
    return f"{authors} ({fields.get('year', '?')}): {title}{where} [{key}]"
