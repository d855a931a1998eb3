"""What every study must do, also with pictures that nobody can read and with none at all."""

from __future__ import annotations

import pytest

from limn.audit.study import names, parse
from limn.kernel import registry
from limn.testing.studies import check_selfcheck, check_study


@pytest.mark.parametrize("name", names())
def test_a_study_keeps_the_contract(name: str) -> None:
    check_study(parse(name))
    assert {"n", "seed"} <= registry.record(parse(name)).keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_a_selfcheck_names_the_same_quantities_each_time(name: str) -> None:
    check_selfcheck(parse(name))
