"""Which pictures a probe asks for."""

from __future__ import annotations

import pytest

from limn.audit.probe import Ask, Probe
from limn.kernel.errors import InputError

ASKS = (Ask(prompt="a doctor"), Ask(prompt="a cook"), Ask(prompt="a pilot", seed=900))


def test_no_seed_is_used_twice_unless_paired() -> None:
    seeds = [item.seed for item in Probe(asks=ASKS[:2], each=50, seed=3).items()]
    assert len(set(seeds)) == 100
    paired = Probe(asks=ASKS[:2], each=50, seed=3, paired=True).items()
    assert {item.seed for item in paired if item.ask == 0} == {item.seed for item in paired if item.ask == 1}


def test_more_pictures_only_add_to_fewer() -> None:
    few, many = Probe(asks=ASKS, each=4).items(), Probe(asks=ASKS, each=9).items()
    assert many[: len(few)] == few


def test_an_ask_can_bring_its_own_seed() -> None:
    assert [item.seed for item in Probe(asks=ASKS, each=2).items() if item.ask == 2] == [900, 901]


@pytest.mark.parametrize("fields", [{"each": 0}, {"each": 10**7}, {"seed": -1}, {"seed": 2**63}])
def test_what_cannot_be_asked_is_said(fields: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(fields))):
        Probe(asks=ASKS, **fields)


def test_a_probe_may_ask_nothing() -> None:
    assert Probe(asks=()).items() == []
    assert Probe(asks=()).total == 0
