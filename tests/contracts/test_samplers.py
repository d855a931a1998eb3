"""What every registered sampler must satisfy; the checks themselves are `limn.testing`'s."""

from __future__ import annotations

from typing import cast

import pytest

from ideal import SCHEDULES
from limn.kernel import registry
from limn.kernel.sampler import Sampler
from limn.samplers.decoding import Raster
from limn.testing import check_sampler

PARTS = {name: cast(type[Sampler], registry.find("samplers", name)) for name in registry.names("samplers")}
NOISY = {"ddim": "ddim:eta=0.7", "euler": "euler:s_churn=2"}
"""Samplers whose noise is off by default."""


def check(part: Sampler) -> None:
    if part.space == "clean":
        check_sampler(part, list(SCHEDULES.values()))
    elif registry.name_of(part) == "next_token":
        check_sampler(part, [Raster(tokens=12)], steps=12)
    else:
        check_sampler(part)


@pytest.mark.parametrize("name", PARTS)
def test_with_its_defaults(name: str) -> None:
    check(PARTS[name]())


@pytest.mark.parametrize("text", NOISY.values())
def test_with_its_noise(text: str) -> None:
    part = registry.parse("samplers", text)
    assert isinstance(part, Sampler)
    check(part)


def test_all_spaces_are_among_them() -> None:
    assert {"ddim", "next_token", "resample", "unmask"} <= set(PARTS)
    assert {part.space for part in PARTS.values()} == {"clean", "logits"}
