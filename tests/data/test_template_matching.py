"""Margins in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from limn.data.template_matching import Templates, quarters, soften


def grey(level: int) -> np.ndarray:
    return np.full((4, 4, 3), level, np.uint8)


@pytest.fixture
def templates() -> Templates:
    return Templates.of(np.stack([grey(0), grey(255)]), np.array([[0, 0], [1, 0]]))


@pytest.mark.parametrize("level", [0.0, 0.1, 0.25, 0.5])
def test_the_margin_between_black_and_white_is_linear(templates: Templates, level: float) -> None:
    errors, blur = templates.fit(np.full((1, 48), level, np.float32))
    assert errors[0] == pytest.approx([48 * level**2, 48 * (1 - level) ** 2], abs=1e-4)
    margins = templates.margins(errors, blur, np.array([0]))
    assert margins[0, 0] == pytest.approx(1 - 2 * level, abs=1e-5)
    assert margins[0, 1] == np.inf, "a field with one value has no rival"


def test_a_blurred_template_is_still_that_template() -> None:
    board = grey(0)
    board[:2, :2] = 255
    templates = Templates.of(np.stack([board, grey(255)]), np.array([[0], [1]]))
    half = (board + soften(board[None])[0]) / 2 / 255
    errors, blur = templates.fit(half[None].astype(np.float32))
    assert errors[0, 0] == pytest.approx(0, abs=1e-4)
    assert blur[0, 0] == pytest.approx(0.5, abs=1e-3)
    assert templates.margins(errors, blur, np.array([0]))[0, 0] == pytest.approx(1, abs=1e-3)


def test_softening_keeps_the_mean_of_what_is_inside() -> None:
    dot = np.zeros((1, 8, 8, 3), np.uint8)
    dot[0, 4, 4] = 160
    soft = soften(dot)
    assert soft.sum() == pytest.approx(dot.sum())
    assert soft[0, 4, 4, 0] == pytest.approx(40)


def test_quarters() -> None:
    left = np.zeros((1, 8, 8, 3), np.float32)
    left[0, :4, 4:] = 0.5
    assert quarters(left)[0] == pytest.approx([0, 0.5, 0, 0])
