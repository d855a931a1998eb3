from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import toys
from limn import studio
from limn.io.pictures import read_picture
from limn.kernel.errors import LimnError
from limn.kernel.memory import is_short
from limn.store import Store, read_record


def short_of(generator: Any, rows: int, monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
    """Let a forward of more rows end as it does where memory runs out."""
    predictor = generator.stages[-1].predictor
    answer = type(predictor).__call__

    def call(self: Any, x: torch.Tensor, *arguments: Any) -> torch.Tensor:
        if len(x) > rows:
            raise error or RuntimeError(
                "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"
            )
        return answer(self, x, *arguments)

    monkeypatch.setattr(type(predictor), "__call__", call)


def files(events: list[Any]) -> dict[int, Path]:
    return {e.picture.item.index: e.path for e in events if isinstance(e, studio.Drawn)}


def test_half_as_many_together_draw_the_same_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = toys.toy()
    request = generator.request("a cat", n=6, steps=3)
    whole = files(list(studio.generate(generator, request, Store(tmp_path / "whole"), batch=4)))
    rows = 2 * 2  # of each picture's question and the one without words
    short_of(generator, rows, monkeypatch)
    events = list(studio.generate(generator, request, Store(tmp_path / "short"), batch=4))
    assert [event.batch for event in events if isinstance(event, studio.Halved)] == [2]
    halves = files(events)
    assert sorted(halves) == sorted(whole) == list(range(6))
    for index, path in halves.items():
        difference = np.asarray(read_picture(path), int) - np.asarray(read_picture(whole[index]))
        assert abs(difference).max() <= 1
        assert read_record(path)["batch"]["size"] == 2
        assert studio.replay(path, lambda *_, **__: generator)


def test_what_is_drawn_is_kept_when_half_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = toys.toy()
    short_of(generator, 1, monkeypatch)
    with pytest.raises(LimnError, match="memory ran out with 2 pictures together; draw with --batch 1"):
        list(studio.generate(generator, generator.request("a cat", n=4), Store(tmp_path), batch=4))
    with pytest.raises(LimnError, match="--max-rows 1 or a smaller --size"):
        list(studio.generate(generator, generator.request("a cat"), Store(tmp_path), batch=1))


def test_other_errors_are_no_shortage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = toys.toy()
    short_of(generator, 1, monkeypatch, RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes"):
        list(studio.generate(generator, generator.request("a cat", n=4), Store(tmp_path)))
    assert is_short(MemoryError())
    assert is_short(torch.OutOfMemoryError("CUDA out of memory."))
    assert not is_short(ValueError("out of memory"))


def test_a_real_shortage_is_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert is_short(caught.value)
