from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from limn.kernel.errors import InputError
from limn.store import grid


def colour(level: int, height: int = 4, width: int = 4) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_pictures_lie_in_rows_with_gaps():
    sheet = np.asarray(grid([colour(level) for level in (10, 20, 30)], columns=2, gap=1))
    assert sheet.shape == (9, 9, 3)
    assert [sheet[1, 1, 0], sheet[1, 6, 0], sheet[6, 1, 0], sheet[6, 6, 0]] == [10, 20, 30, 255]
    assert (sheet[4] == 255).all()
    assert (sheet[:, 4] == 255).all()


def test_smaller_pictures_lie_in_the_middle():
    sheet = np.asarray(grid([colour(0, 8, 8), Image.new("RGB", (2, 4))], gap=0, background=(9, 9, 9)))
    assert sheet.shape == (8, 16, 3)
    assert [tuple(edge) for edge in np.argwhere(sheet[:, 8:, 0] == 0)[[0, -1]]] == [(2, 3), (5, 4)]


@pytest.mark.parametrize(("count", "columns", "size"), [(1, None, (4, 4)), (5, None, (16, 10)), (3, 9, (16, 4))])
def test_the_shape_of_the_sheet(count, columns, size):
    assert grid([colour(0)] * count, columns).size == size


def test_nothing_to_show_is_refused():
    with pytest.raises(InputError, match="no pictures"):
        grid([])
    with pytest.raises(InputError, match="columns"):
        grid([colour(0)], 0)
