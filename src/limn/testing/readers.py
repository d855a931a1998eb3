"""What every reader must satisfy."""

from __future__ import annotations

import numpy as np

from limn.audit.readers.reader import Pictures, Reader, Reading
from limn.testing.parts import check_part


def check_reader(reader: Reader, pictures: Pictures = ()) -> None:
    """Check that a reader reads any picture, the same in any company, and says nothing that it did not announce.

    Args:
        reader: With any options.
        pictures: Pictures (height, width, 3), uint8, that it is made for, beside those that nobody can read.

    Raises:
        AssertionError: It fails on a picture, reads one otherwise among others, changes it, or gives a field, a
            value or a confidence that is out of range.
    """
    check_part("readers", reader)
    name, rng = reader.name, np.random.default_rng(0)
    assert name and reader.version, f"{type(reader).__name__}: has no name or no version"
    assert 0 <= reader.threshold <= 1, f"{name}: its threshold is {reader.threshold}; give 0 to 1"
    assert reader.fields, f"{name}: says not which fields it reads"
    blind = [np.full((32, 32, 3), grey, np.uint8) for grey in (0, 128, 255)]
    blind += [rng.integers(0, 256, (32, 32, 3), np.uint8), rng.integers(0, 256, (40, 24, 3), np.uint8)]
    given = [*pictures, *blind]
    kept = [picture.copy() for picture in given]
    readings = reader.read(given)
    assert reader.read([]) == [], f"{name}: reads something where there is no picture"
    assert len(readings) == len(given), f"{name}: gives {len(readings)} readings of {len(given)} pictures"
    assert all(map(np.array_equal, given, kept)), f"{name}: changes the pictures that it reads"
    for picture, reading in zip(given, readings, strict=True):
        _check_reading(reader, reading)
        (alone,) = reader.read([picture])
        assert alone.values == reading.values, f"{name}: reads a picture otherwise among others"
    for field, confusion in reader.confusion.items():
        assert confusion.values == reader.fields[field], f"{name}: its confusion of {field} has other values"


def _check_reading(reader: Reader, reading: Reading) -> None:
    assert set(reading.values) <= set(reader.fields), f"{reader.name}: reads a field that it did not announce"
    for field, value in reading.values.items():
        known = reader.fields[field]
        fits = value in known if known else isinstance(value, int | float) and np.isfinite(value)
        assert value is None or fits, f"{reader.name}: reads {field} as {value!r}, which is not among its values"
    sure = all(0 <= confidence <= 1 for confidence in reading.confidence.values())
    assert sure, f"{reader.name}: a confidence is not from 0 to 1"
