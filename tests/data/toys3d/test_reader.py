from __future__ import annotations

import numpy as np
import pytest

from limn.data.toys3d import CAMERAS, Toy, asked, draw, matches, read, reader, render


def drawn(toy: Toy) -> np.ndarray:
    return np.stack([render(toy, camera, 32).picture for camera in CAMERAS])


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates of two kinds in few proportions, which take a second and not ten."""
    monkeypatch.setattr(reader, "PARTS", {kind: reader.PARTS[kind] for kind in ("lamp", "vase")})
    monkeypatch.setattr(reader, "_PROPORTIONS", 3)
    reader._templates.cache_clear()
    yield
    reader._templates.cache_clear()


@pytest.mark.usefixtures("_few")
def test_toys_are_read_back_and_blank_pictures_are_not() -> None:
    lamp = Toy(
        kind="lamp", colour="green", accent="purple", pattern="striped",
        parts={"foot": "three feet", "shade": "pointed shade"},
    )  # fmt: skip
    vase = Toy(kind="vase", colour="grey", accent="grey", parts={"neck": "wide neck", "handles": "handles"})
    for toy in (lamp, vase):
        reading = read(drawn(toy))
        right = matches(reading, asked(toy, np.random.default_rng(0), full=1.0))
        assert right == dict.fromkeys(right, True), (toy, reading)
        assert reading.pattern == toy.pattern
    wrong = matches(read(drawn(vase)), asked(lamp, np.random.default_rng(0), full=1.0))
    assert not any(wrong.values())
    assert read(np.full((4, 32, 32, 3), 255, np.uint8)).kind == "unreadable"


@pytest.mark.slow
def test_nearly_all_toys_are_read_right() -> None:
    rng, right = np.random.default_rng(1), []
    for _ in range(60):
        toy = draw(rng)
        right.append(matches(read(drawn(toy)), asked(toy, rng, full=1.0))["all"])
    assert np.mean(right) >= 0.9
