from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt
from limn.kernel.request import Request
from limn.models import dual_encoders
from limn.studio.reranking import best


class Reds:
    """Finds the more red the nearer to "red", the less red the nearer to anything else."""

    def images(self, pictures: list[np.ndarray]) -> np.ndarray:  # type: ignore[type-arg]
        return np.array([[picture[..., 0].mean()] for picture in pictures], np.float32)

    def texts(self, texts: list[str]) -> np.ndarray:  # type: ignore[type-arg]
        return np.array([[1 if "red" in text else -1] for text in texts], np.float32)


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, Path]:
    monkeypatch.setattr(dual_encoders, "load", lambda name: Reds())
    files = {index: tmp_path / f"{index}.png" for index in range(6)}
    for index, red in enumerate([10, 90, 50, 10, 90, 50]):
        Image.new("RGB", (4, 4), (red, 0, 0)).save(files[index])
    return files


def request(*texts: str) -> Request:
    return Request(model="toy", prompts=tuple(map(Prompt, texts)), n=3)


def test_the_nearest_of_each_prompt_stay_in_order(drawn: dict[int, Path]) -> None:
    asked = request("a red heart", "a blue heart")
    assert list(best(drawn, asked, 1)) == [1, 3]
    assert list(best(drawn, asked, 2)) == [1, 2, 3, 5]
    assert best(drawn, asked, 5) == drawn


def test_the_same_prompt_twice_is_two_prompts_and_what_failed_is_not_missed(drawn: dict[int, Path]) -> None:
    asked = request("a red heart", "a red heart")
    assert list(best(drawn, asked, 1)) == [1, 4]
    del drawn[1], drawn[3], drawn[4], drawn[5]
    assert list(best(drawn, asked, 1)) == [2]


def test_an_unknown_judge_is_one_line(drawn: dict[int, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(InputError):
        best(drawn, request("a", "b"), 1, by="nobody")
