"""Compilation: the same answers, captions padded to few lengths, a missing compiler told."""

import shutil
from pathlib import Path

import pytest
import torch

from limn.kernel.errors import InputError
from limn.train.compiling import PAD, compiled
from limn.train.recipe import Recipe, parse
from limn.train.tasks.generator import Generator

TINY = {"width": 16, "depth": 1, "heads": 1, "channels": 3, "grid": 64, "patch": 16, "text_width": 128}


def recipe(compile_: str) -> Recipe:
    return parse(
        {
            "name": "tiny",
            "compile": compile_,
            "precision": "float32",
            "data": {"world": "shapes"},
            "network": TINY,
            "optimiser": {"batch": 4},
            "schedule": {"steps": 2},
        }
    )


def test_a_cpu_compiles_only_when_told() -> None:
    """``auto`` leaves the network as it is on a CPU."""
    task = Generator(recipe("auto"), "cpu")
    assert compiled(task.network, recipe("auto"), "cpu") == (task.network, 1)
    assert compiled(task.network, recipe("no"), "cpu") == (task.network, 1)


def test_without_a_compiler_the_recipe_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the field and the remedy."""
    task = Generator(recipe("no"), "cpu")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(InputError, match=r"compile: needs a C\+\+ compiler; install"):
        compiled(task.network, recipe("yes"), "cpu")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_a_compiled_step_is_the_same_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loss and gradients equal those without compilation; captions are padded to a multiple."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    found = []
    for kind in ("no", "yes"):
        task = Generator(recipe(kind), "cpu")
        loss = task.loss(0)
        loss.backward()
        grads = {name: each.grad for name, each in task.network.named_parameters()}
        found.append((loss, grads))
        _, text, mask, _ = task.batch(0)
        assert text.shape[1] == mask.shape[1]
        assert kind == "no" or text.shape[1] % PAD == 0
    torch.testing.assert_close(found[0][0], found[1][0])
    for name, grad in found[0][1].items():
        torch.testing.assert_close(grad, found[1][1][name], rtol=1e-3, atol=1e-5, msg=name)
