"""What every registered guidance must satisfy; the checks themselves are `limn.testing`'s."""

from __future__ import annotations

from typing import cast

import pytest
import torch

import small_models
from limn.kernel import registry
from limn.kernel.guidance import Guidance, Rank
from limn.testing import check_guidance
from limn.testing.guidance import folded, noise

PARTS = {name: cast(type[Guidance], registry.find("guidance", name)) for name in registry.names("guidance")}


@pytest.mark.parametrize("name", PARTS)
def test_with_the_files_it_needs(name: str, there: dict[str, str]) -> None:
    check_guidance(small_models.usual(name, there))


@pytest.mark.parametrize("name", [name for name, part in PARTS.items() if part.rank == Rank.NUDGE])
def test_a_nudge_to_nowhere_changes_nothing(name: str) -> None:
    answer = (noise((0, 1), 1) / 3).clamp(-1, 1)
    assert torch.allclose(folded(PARTS[name](), answer), answer, atol=1e-5)
