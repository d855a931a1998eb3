"""Every registered guidance works on token models as it is, or says in one line that it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import limn.models
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.guidance import Guidance
from token_models import build

NAMES = registry.names("guidance")
Load = Callable[[str], Generator]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    made: dict[str, Generator] = {}

    def get(family: str) -> Generator:
        if family not in made:
            folder: Path = tmp_path_factory.mktemp(family)
            made[family] = limn.models.load(build(folder, family))
        return made[family]

    return get


@pytest.mark.parametrize("family", ["muse", "parti"])
@pytest.mark.parametrize("name", NAMES)
def test_works_or_says_why_not(load: Load, name: str, family: str) -> None:
    part = registry.build("guidance", {"name": name})
    assert isinstance(part, Guidance)
    generator = load(family)
    if part.space not in ("any", "logits"):
        with pytest.raises(InputError) as caught:
            generator.generate("a blue star", guidance=[part])
        assert "\n" not in str(caught.value)
        return
    both = generator.generate(["a red circle", "a blue star"], guidance=[part], seed=3)
    assert not any(each.flaw for each in both)
    (alone,) = generator.generate("a blue star", guidance=[part], seed=3)
    assert np.array_equal(alone.pixels, both[1].pixels), "whatever the company"


@pytest.mark.parametrize("family", ["muse", "parti"])
def test_a_growing_scale_starts_at_none_and_ends_at_its_own(load: Load, family: str) -> None:
    """At the first step the scale is 1, so nothing more is asked; afterwards the null branch is."""
    from limn.kernel.runner import Ledger

    generator, ledger = load(family), Ledger()
    request = generator.request("a red circle", guidance=["classifier_free:scale=5,schedule=linear"])
    list(generator.draw(request, ledger=ledger))
    rows = [each.rows for each in ledger.forwards]
    assert set(rows) == {1, 2}
    assert rows == sorted(rows)
