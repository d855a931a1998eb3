"""What every guidance must satisfy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from limn.kernel import registry
from limn.kernel.branch import Branch, Branches
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Runner
from limn.kernel.step import Step
from limn.testing.parts import check_part
from limn.testing.toy import Gaussian, Words

MAIN = Branch(Prompt("a red heart"))
PROMPTS = ("a red heart", "a dog", "")
SHAPE = (3, 8, 8)
LEVELS = (Level(0.6, 0.8, 0.5), Level(0.8, 0.6, 0.25))


def check_guidance(part: Guidance) -> None:
    """Check what lets a guidance stand beside any other, on any model and in any batch.

    Args:
        part: With any options; check one with the defaults, and one with everything switched on.

    Raises:
        AssertionError: Its options are no record; :meth:`~limn.kernel.guidance.Guidance.expand` changes what it was
            given, loses ``main`` or takes a name that others share; equal answers do not stay as they are; a picture
            depends on its neighbours or on a solver's look ahead; or the precision changes.
    """
    check_part("guidance", part)
    _check_place(part)
    _check_questions(part)
    if part.rank != Rank.NUDGE:
        for seed in range(10):
            _check_equal_answers(part, seed)
    _check_neighbours(part)
    _check_precision(part)
    _check_look_ahead(part)


def noise(pictures: Sequence[int], index: int = 0) -> Tensor:
    """Return a random state for each picture (pictures, 3, 8, 8), by the picture's number and the step's."""
    rows = [torch.randn(SHAPE, generator=torch.Generator().manual_seed(10 * k + index)) for k in pictures]
    return torch.stack(rows)


def folded(part: Guidance, answer: Tensor, seeds: Sequence[int] = (0, 1)) -> Tensor:
    """Return what a guidance makes of one answer (pictures, 3, 8, 8), given to every question."""
    asked = part.expand({"main": MAIN}, replace(_step(seeds), picture=0, primary=False))
    step = _step(seeds, space="clean" if part.space == "any" else part.space)
    if any(branch.gradient for branch in asked.values()):
        step = replace(step, x=step.x.requires_grad_(True))
    answers = {name: answer + 0 * step.x if branch.gradient else answer for name, branch in asked.items()}
    if part.rank >= Rank.AMPLIFY:
        answers["base"] = answers["main"]
    return part.combine(answers, step)["main"].detach()


def _step(pictures: Sequence[int], index: int = 0, **fields: Any) -> Step:
    x = noise(pictures, index)
    return Step(index=index, total=4, x=x, level=LEVELS[0], next=LEVELS[1], streams=Streams(pictures), **fields)


def _runner(part: Guidance, pictures: Sequence[int]) -> Runner:
    model = Gaussian(space="logits" if part.space == "logits" else "clean", edited=0.1)
    prompts = [Prompt(PROMPTS[picture]) for picture in pictures]
    return Runner(model, Words(), prompts, [part], Streams(pictures))


def _check_place(part: Guidance) -> None:
    name = registry.name_of(part)
    assert part.rank in set(Rank), f"{name}: its rank is not one of limn.Rank"
    spaces = ("clean", "noise", "logits", "any")
    assert part.space in spaces, f"{name}: its space is {part.space!r}, not one of {', '.join(spaces)}"
    assert part.slot in ("", "scale"), f"{name}: its slot is {part.slot!r}; there is only 'scale'"
    assert not part.slot or part.rank == Rank.AMPLIFY, f"{name}: what takes the slot 'scale' has the rank AMPLIFY"


def _check_questions(part: Guidance) -> None:
    name, step, branches = registry.name_of(part), _step((0, 1)), {"main": MAIN}
    asked = part.expand(branches, step)
    assert asked == part.expand(dict(branches), step), f"{name}: expand asks other questions the second time"
    assert branches == {"main": MAIN}, f"{name}: expand changes the questions it was given; return others"
    assert "main" in asked, f"{name}: expand loses the question 'main'"
    assert "base" not in asked, f"{name}: nobody asks 'base'; it is what 'main' was before the amplifying"
    empty = {key for key, branch in asked.items() if branch == MAIN.without("text")}
    assert empty <= {"null"}, f"{name}: the question without words is 'null' for everyone, not {sorted(empty)}"
    grey: Branches = {"main": MAIN, "null": MAIN.saying("grey")}
    kept = part.slot == "scale" or part.expand(grey, step)["null"] == grey["null"]
    assert kept, f"{name}: a negative prompt in 'null' does not stay; use branches.get('null', ...)"


def _check_equal_answers(part: Guidance, seed: int) -> None:
    answer = (noise((seed, seed + 1), 1) / 3).clamp(-1, 1)
    same = torch.allclose(folded(part, answer, (seed, seed + 1)), answer, atol=1e-5)
    assert same, f"{registry.name_of(part)}: changes the answer although all questions are answered the same"


def _check_neighbours(part: Guidance) -> None:
    last = {}
    for pictures in ((0, 1, 2), (1,), (2, 1)):
        runner = _runner(part, pictures)
        answers = [runner(_step(pictures, index)) for index in (0, 1)]
        last[pictures] = answers[-1][pictures.index(1)]
    for pictures in ((0, 1, 2), (2, 1)):
        same = torch.allclose(last[pictures], last[1,], atol=1e-4)
        assert same, f"{registry.name_of(part)}: what it does to a picture depends on others of its batch"


def _check_precision(part: Guidance) -> None:
    name = registry.name_of(part)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        step = _step((0, 1))
        answer = _runner(part, (0, 1))(replace(step, x=step.x.to(dtype)))
        assert answer.dtype == dtype, f"{name}: turns answers of {dtype} into {answer.dtype}"
        assert torch.isfinite(answer).all(), f"{name}: its answer in {dtype} is not finite"


def _check_look_ahead(part: Guidance) -> None:
    ahead, straight = _runner(part, (0, 1, 2)), _runner(part, (0, 1, 2))
    first = _step((0, 1, 2))
    later = replace(first, index=1, x=noise((0, 1, 2), 5))
    same = torch.equal(ahead(first), straight(first))
    ahead(replace(later, x=noise((0, 1, 2), 7), primary=False))
    same = same and torch.equal(ahead(later), straight(later))
    assert same, f"{registry.name_of(part)}: remembers more than step.memory does; a solver's look ahead changes it"
