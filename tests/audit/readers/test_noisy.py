"""A reader that is made worse on purpose."""

from __future__ import annotations

import numpy as np
import pytest

from limn.audit.readers.noisy import Noisy
from limn.audit.readers.people import People
from limn.audit.readers.reader import open_reader
from limn.data import people
from limn.kernel import registry
from limn.kernel.errors import InputError


def test_a_degraded_reader_errs_by_its_rates() -> None:
    rates = ((0.85, 0.1, 0.0, 0.05), (0.05, 0.9, 0.0, 0.05), (0.0, 0.0, 1.0, 0.0))
    reader = Noisy(reader=People(), field="gender", rates=rates, calibration=5000)
    pictures, persons = people.batch(np.random.default_rng(0), 3000)
    said = reader.read(list(pictures))
    for k, truth in enumerate(reader.fields["gender"]):
        told = [one.values["gender"] for one, person in zip(said, persons, strict=True) if person.gender == truth]
        for j, value in enumerate([*reader.fields["gender"], None]):
            assert abs(np.mean([each == value for each in told]) - rates[k][j]) < 0.05
    assert [one.values["tone"] for one in said] == [person.tone for person in persons]
    counts = reader.confusion["gender"].counts
    assert np.abs(counts / 5000 - np.array(rates)).max() < 0.03


def test_it_is_built_from_text_and_recorded_with_the_reader_below() -> None:
    reader = open_reader("noisy:reader=people,field=gender,rates=.9 .1 0 0|.1 .9 0 0|0 0 1 0")
    assert isinstance(reader, Noisy)
    assert reader.rates == ((0.9, 0.1, 0, 0), (0.1, 0.9, 0, 0), (0, 0, 1, 0))
    assert reader.name == "noisy"
    assert registry.build("readers", registry.record(reader)) == reader


def test_rates_that_are_none_are_refused() -> None:
    for text in ("field=gender,rates=.9 .1", "field=gendre,rates=1 0", "field=gender,rates=1 1 1 1|1 0 0 0|1 0 0 0"):
        with pytest.raises(InputError, match="rates"):
            open_reader(f"noisy:reader=people,{text}")


def test_lost_pictures_are_not_in_its_confusion_matrix() -> None:
    exact = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))
    reader = Noisy(reader=People(), field="gender", rates=exact, lost=0.4)
    pictures, _ = people.batch(np.random.default_rng(0), 500)
    assert abs(np.mean([row.values["gender"] is None for row in reader.read(list(pictures))]) - 0.4) < 0.08
    assert reader.confusion["gender"].counts[:, -1].sum() == 0
    assert reader.version != Noisy(reader=People(), field="gender", rates=exact).version
