"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from limn.kernel import registry

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "limn"
PATHS = {
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}
TEXTS = {name: path.read_text("utf-8") for name, path in PATHS.items()}
TREES = {name: ast.parse(text) for name, text in TEXTS.items()}
PUBLISHED = ("guidance", "samplers", "studies")
"""Kinds of parts that are methods of a paper."""
BIBLIOGRAPHY = (SOURCE / "references.bib").read_text("utf-8")
LIGHT = [
    "limn",
    "limn.audit.run",
    "limn.audit.report.write",
    "limn.cli",
    "limn.models",
    "limn.store",
    "limn.kernel.request",
    "limn.kernel.errors",
]


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_files_and_functions_are_small() -> None:
    long = [f"{name}: {len(text.splitlines())} lines" for name, text in TEXTS.items() if text.count("\n") > 400]
    for name, tree in TREES.items():
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        long += [f"{name}: {node.name} has {code_lines(node)}" for node in functions if code_lines(node) > 40]
    assert not long


def promised(tree: ast.Module) -> list[str] | None:
    """The names in ``__all__``."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "__all__" for target in node.targets):
            return list(ast.literal_eval(node.value))
    return None


def defined(tree: ast.Module) -> set[str]:
    """Names that a module gives a value, or imports."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return names | {alias.asname or alias.name for node in imports for alias in node.names}


def test_modules_say_what_they_are_for_and_packages_what_they_offer() -> None:
    wrong = [f"{name}: says not what it is for" for name, tree in TREES.items() if not ast.get_docstring(tree)]
    for name, tree in TREES.items():
        names = promised(tree)
        if names is None:
            continue
        if PATHS[name].name != "__init__.py":
            wrong.append(f"{name}: has an __all__; what begins with no underscore is public")
        if names != sorted(names, key=lambda one: (0 if one.isupper() else 1 if one[0].isupper() else 2, one)):
            wrong.append(f"{name}: __all__ is not sorted")
        if name != "limn" and (missing := set(names) - defined(tree)):
            wrong.append(f"{name}: has no {sorted(missing)}")
    assert not wrong


def test_nothing_unsafe_is_called() -> None:
    unsafe = re.compile(r"import torchvision|torch\.load\(|import pickle|pickle\.load")
    assert not [f"{name}: {unsafe.findall(text)}" for name, text in TEXTS.items() if unsafe.search(text)]


def imports(name: str, tree: ast.AST) -> Iterator[str]:
    """Modules of limn that a file imports, in functions and for types too."""
    package = name.split(".") if PATHS[name].name == "__init__.py" else name.split(".")[:-1]
    for node in ast.iter_child_nodes(tree):
        if name == "limn" and isinstance(node, ast.If):  # names that it loads when they are first used
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            home = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            whole = [f"{home}.{alias.name}" for alias in node.names]
            yield from (module if module in PATHS else home for module in whole)
        else:
            yield from imports(name, node)


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of files that need each other, the largest first."""
    reach: dict[str, set[str]] = {}
    for start in graph:
        todo, seen = [start], set[str]()
        while todo:
            new = graph[todo.pop()] - seen
            seen |= new
            todo += new
        reach[start] = seen
    groups = {tuple(sorted(a for a in reach[b] if b in reach[a])) for b in graph if b in reach[b]}
    return sorted(map(list, groups), key=len, reverse=True)


def test_no_circle_between_files() -> None:
    graph = {name: (set(imports(name, tree)) & PATHS.keys()) - {name} for name, tree in TREES.items()}
    assert sum(map(len, graph.values())) > 1000, "the graph is read"
    assert not circles(graph)


def _fresh(code: str) -> dict[str, object]:
    """Run code in a fresh interpreter and return the JSON it prints."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=ROOT
    )
    return dict(json.loads(out.stdout))


def test_light_modules_do_not_import_torch() -> None:
    imports = "; ".join(f"import {name}" for name in LIGHT)
    found = _fresh(f"{imports}; import sys, json; print(json.dumps({{'torch': 'torch' in sys.modules}}))")
    assert found == {"torch": False}


@pytest.mark.slow
def test_importing_everything_changes_nothing() -> None:
    modules = [name for name, path in PATHS.items() if path.name != "__main__.py"]
    code = f"""
import json, os, sys, torch, warnings, importlib, logging
def state():
    return [torch.get_num_threads(), torch.random.get_rng_state().sum().item(), dict(os.environ), os.getcwd(),
            torch.get_default_dtype(), torch.is_grad_enabled(), len(logging.getLogger().handlers), len(sys.path)]
before = state()
for name in {modules!r}:
    importlib.import_module(name)
heavy = [name for name in ("diffusers", "transformers", "pyarrow", "scipy") if name in sys.modules]
print(json.dumps({{"same": state() == before, "heavy": heavy}}))
"""
    assert _fresh(code) == {"same": True, "heavy": []}


@pytest.mark.parametrize("kind", sorted(registry.FOLDERS))
def test_every_part_has_paper_docstring_and_test(kind: str) -> None:
    home, wrong = registry.FOLDERS[kind].replace("limn.", "tests/").replace(".", "/"), []
    for name in registry.names(kind):
        part = registry.find(kind, name)
        entry = re.search(rf"@\w+\{{{part.paper},", BIBLIOGRAPHY)
        if (part.paper or kind in PUBLISHED) and not entry:
            wrong.append(f"{name}: its paper {part.paper!r} is not in references.bib")
        docs = "".join(base.__doc__ or "" for base in part.__mro__)
        if dataclasses.is_dataclass(part) and "Args:" not in docs and dataclasses.fields(part):
            wrong.append(f"{name}: its options are not documented")
        tests = list((ROOT / home).glob("test_*.py"))
        names = re.compile(rf'\b{part.__name__}\b|["\']{name}\b')
        named = any(names.search(path.read_text("utf-8")) for path in tests) and kind not in PUBLISHED
        if not named and ROOT / home / f"test_{name}.py" not in tests:
            wrong.append(f"{home}/test_{name}.py is missing")
    assert not wrong
