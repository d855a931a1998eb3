"""Readings and confusion matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest

from limn.audit.readers.reader import Confusion
from limn.kernel.errors import InputError


def test_a_confusion_matrix_is_counted_and_gives_rates() -> None:
    truth = ["yes"] * 10 + ["no"] * 20
    read = ["yes"] * 7 + ["no"] * 2 + [None] + ["no"] * 15 + ["yes"] * 4 + [None]
    confusion = Confusion.of("flagged", ["yes", "no"], truth, read)
    assert confusion.counts.tolist() == [[7, 2, 1], [4, 15, 1]]
    rates = confusion.rates("yes")
    assert rates == {"sensitivity": 7 / 9, "specificity": 15 / 19, "positives": 9, "negatives": 19}


def test_without_pictures_rates_are_not_numbers() -> None:
    rates = Confusion(field="f", values=("a", "b"), counts=np.zeros((2, 3), np.int64)).rates("a")
    assert math.isnan(rates["sensitivity"])
    assert math.isnan(rates["specificity"])


def test_a_matrix_of_another_form_is_refused() -> None:
    with pytest.raises(InputError, match="confusion of f"):
        Confusion(field="f", values=("a", "b"), counts=np.zeros((2, 2), np.int64))
