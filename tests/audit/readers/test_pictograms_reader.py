"""The trained reader says what its network says, with the errors that are shipped with it."""

from __future__ import annotations

import numpy as np
import pytest

from limn.audit.readers.pictograms import Pictograms
from limn.audit.readers.reader import open_reader
from limn.kernel.errors import InputError
from limn.models import readers


def test_it_reads_as_its_network_does() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), np.uint8)
    mine, theirs = Pictograms(surer=0.2), readers.reader()
    limits = dict.fromkeys(mine.fields, 0.2)
    wanted = theirs.read(pictures, fields=tuple(mine.fields), thresholds=limits)
    small = np.zeros((32, 32, 3), np.uint8)
    said = mine.read([*pictures[:3], small, *pictures[3:]])
    assert len(said) == 7
    for row, one in enumerate([*said[:3], *said[4:]]):
        assert one.values == {name: wanted[name].values[row] for name in mine.fields}
        assert all(0 <= value <= 1 for value in one.confidence.values())


def test_its_errors_are_shipped_with_it() -> None:
    reader = open_reader("pictograms:read_fields=gender|style")
    assert set(reader.confusion) == {"gender", "style"}
    gender = reader.confusion["gender"]
    assert gender.values == reader.fields["gender"]
    assert gender.rates("woman")["positives"] > 0
    assert Pictograms(surer=0.9).confusion == {}
    assert Pictograms(surer=0.9).version != Pictograms().version


def test_what_it_cannot_read_is_said() -> None:
    with pytest.raises(InputError, match="did you mean 'gender'"):
        _ = Pictograms(read_fields=("gendre",)).fields
    with pytest.raises(InputError, match="surer"):
        Pictograms(surer=2)
