"""What every training task must satisfy."""

from __future__ import annotations

from typing import Any

import torch

from limn.kernel import registry
from limn.train.recipe import Recipe
from limn.train.task import Task


def check_task(task: type[Task[Any, Any]], recipe: Recipe, *, device: str = "cpu") -> None:
    """Check that a task's loss teaches its network, and is the same each time, so that a run can go on.

    Args:
        task: Its class.
        recipe: A small one that names it.
        device: Where to try it.

    Raises:
        AssertionError: The loss is not one finite number, differs the second time or not between steps, draws from
            torch's global stream, or reaches no weight; or the task does not say what it is.
    """
    name, random = registry.name_of(task), torch.random.get_rng_state()
    one, two = task(recipe, device), task(recipe, device)
    losses = [one.loss(step) for step in (0, 1)]
    for loss in losses:
        assert loss.ndim == 0 and torch.isfinite(loss), f"{name}: a loss is not one finite number"
    again = [two.loss(step) for step in (0, 1)]
    assert all(map(torch.equal, losses, again)), f"{name}: the same steps have other losses the second time"
    assert not torch.equal(*losses), f"{name}: two steps have one loss; draw from self.generator(step)"
    again[1].backward()  # type: ignore[no-untyped-call]
    reached = any(weight.grad is not None and bool(weight.grad.any()) for weight in two.network.parameters())
    assert reached, f"{name}: the loss reaches no weight of the network"
    assert torch.equal(torch.random.get_rng_state(), random), f"{name}: draws from torch's global stream"
    assert task.about(recipe).kind, f"{name}: its model card does not say what it is"
