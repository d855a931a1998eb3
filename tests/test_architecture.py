"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "limn"
FILES = sorted(SOURCE.rglob("*.py"))
NAMES = [str(path.relative_to(SOURCE)) for path in FILES]
KINDS = ["guidance", "samplers", "studies"]
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


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert code_lines(node) <= 40, f"{node.name} is too long"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_public_names_are_sorted_and_exist(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "a module says what it is for"
    assigned = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(getattr(each, "id", "") == "__all__" for each in node.targets)
    ]
    if not assigned:
        assert path.name in ("__init__.py", "__main__.py"), "__all__ is missing"
        return
    names = ast.literal_eval(assigned[0])
    assert names == sorted(names, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name))
    module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    if path.name != "__init__.py":
        defined = {
            getattr(each, "name", None) or getattr(each, "id", None)
            for node in tree.body
            for each in [node, *getattr(node, "targets", []), getattr(node, "target", None)]
        } | {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert set(names) <= defined, f"{module} promises names it does not have"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_nothing_unsafe_is_called(path: Path) -> None:
    text = path.read_text("utf-8")
    for word in [r"import torchvision", r"torch\.load\(", r"import pickle", r"pickle\.load"]:
        assert not re.search(word, text), word


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


def test_importing_everything_changes_nothing() -> None:
    modules = [
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in FILES
        if path.name != "__main__.py"
    ]
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


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_has_paper_docstring_and_test(kind: str) -> None:
    from limn.kernel import registry

    bibliography = (SOURCE / "references.bib").read_text("utf-8")
    for name in registry.names(kind):
        part = registry.find(kind, name)
        assert part.paper, f"{name} names no paper"
        assert re.search(rf"@\w+\{{{part.paper},", bibliography), f"{part.paper} is not in references.bib"
        assert "Args:" in (part.__doc__ or "") or not dataclasses.fields(part)
        home = registry.FOLDERS[kind].replace("limn.", "tests/").replace(".", "/")
        assert (ROOT / home / f"test_{name}.py").exists(), f"{home}/test_{name}.py is missing"
