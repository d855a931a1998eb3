"""What training tasks must satisfy; the checks themselves are `limn.testing`'s."""

from __future__ import annotations

import pytest

from limn.testing import check_task
from limn.train import task
from limn.train.recipe import parse

SMALL = {
    "autoencoder": {"channels": 4, "widths": [16, 16], "blocks": [1, 1]},
    "generator": {
        "width": 32, "depth": 2, "heads": 2, "channels": 3, "grid": 32, "patch": 4, "text_width": 128
    },
    "vq": {"codes": 8, "code_width": 4, "widths": [16, 16], "blocks": [1, 1]},
}  # fmt: skip
"""Networks of the tasks that need no other model."""


@pytest.mark.parametrize("name", SMALL)
def test_a_loss_follows_from_seed_and_step(name: str) -> None:
    fields = {"name": "small", "task": name, "data": {"world": "shapes"}, "network": SMALL[name]}
    check_task(task.find(name), parse({**fields, "optimiser": {"batch": 2}, "schedule": {"steps": 2}}))
