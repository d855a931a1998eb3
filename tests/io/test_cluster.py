"""Work shared out by Ray: every part once, in any order, whatever dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from limn.io.cluster import Cluster, read_engine
from limn.kernel.errors import InputError


def squares(folder: str = "") -> Callable[[int], int]:
    """Square numbers; where a folder is given, note which process does which."""

    def do(number: int) -> int:
        if folder:
            (Path(folder) / f"{number}-{time.time_ns()}").write_text(str(os.getpid()))
            time.sleep(0.3)
        if number == 13:
            raise InputError("13: is unlucky; take another")
        return number**2

    return do


class Squares:
    """Makes :func:`squares` in a worker, which knows nothing of this file."""

    def __init__(self, folder: Path | None = None) -> None:
        self.make, self.folder = squares, str(folder or "")

    def __call__(self) -> Callable[[int], int]:
        return self.make(self.folder)


@pytest.fixture(autouse=True)
def _by_value() -> Iterator[None]:
    """Send what stands in this file as it is: workers cannot import it."""
    cloudpickle = pytest.importorskip("ray").cloudpickle
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def test_what_a_person_writes() -> None:
    assert read_engine("local") is None
    engine = read_engine("ray:workers=3", device="cuda")
    assert engine == Cluster(workers=3, device="cuda", threads=1)
    for text, said in (
        ("rai", "did you mean 'ray'"), ("ray:worker=3", "did you mean 'workers'"), ("ray:workers=-1", "not allowed"),
        ("local:workers=3", "unknown"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            read_engine(text)
    with pytest.raises(InputError, match="cpu or cuda"):
        read_engine("ray", device="cuda:1")


def test_a_missing_ray_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"limn\[ray\]"):
        next(Cluster().map(squares, [1]))


def test_an_address_where_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def init(address: str, **given: object) -> None:
        raise ConnectionError(f"{address} does not answer")

    monkeypatch.setenv("RAY_ADDRESS", "far:6379")
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(InputError, match="far:6379 cannot be reached"):
        next(Cluster().map(squares, [1]))


@pytest.mark.slow
def test_every_part_is_answered_though_workers_die(tmp_path: Path) -> None:
    """Two workers; the first that shows itself is killed; errors of a part are those of limn."""
    found = dict[int, int]()
    killed = False
    for place, answer in Cluster(workers=2).map(Squares(tmp_path), list(range(12))):
        found[place] = answer
        if not killed:
            os.kill(int(next(tmp_path.iterdir()).read_text()), signal.SIGKILL)
            killed = True
    assert found == {number: number**2 for number in range(12)}
    assert len({path.read_text() for path in tmp_path.iterdir()}) > 2, "a third process took the dead one's place"
    with pytest.raises(InputError, match="unlucky"):
        list(Cluster(workers=1).map(Squares(), [13]))
