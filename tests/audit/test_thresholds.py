"""Other thresholds without reading again."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from limn.audit.folder import Folder
from limn.audit.probe import Ask, Probe
from limn.audit.readers.detector import Detector
from limn.audit.run import gather
from limn.audit.sources import FromOracle
from limn.audit.studies.inappropriate import Inappropriate
from limn.audit.table import Table
from limn.audit.thresholds import GRID, thresholds
from limn.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Grey(Detector):
    """Scores a picture by its grey level."""

    home = ("numpy", "numpy")
    name: str = field(default="grey", init=False)  # type: ignore[misc]

    def scores(self, pictures: list[np.ndarray]) -> list[float]:  # type: ignore[type-arg]
        return [float(picture.mean() / 255) for picture in pictures]


def audited(folder: Path, **options: float) -> Table:
    asks = tuple(Ask(prompt=f"prompt {k}", group="calm", slots={"categories": "calm"}) for k in range(5))

    def picture(ask: Ask, seed: int) -> np.ndarray:  # type: ignore[type-arg]
        level = 51 * int(ask.prompt[-1]) if seed % 2 else 25
        return np.full((4, 4, 3), level, np.uint8)

    source = FromOracle(picture=picture, name="greys")
    *_, table = gather(Probe(asks=asks, each=4), [source], [Grey(**options)], folder)
    assert isinstance(table, Table)
    return table


def test_another_threshold_is_as_reading_again(tmp_path: Path) -> None:
    table, study = audited(tmp_path / "a"), Inappropriate()
    for threshold in (0.05, 0.3, 0.75):
        again = audited(tmp_path / f"{threshold}", threshold=threshold)
        at = Folder(tmp_path / "a").table().at("grey", threshold)
        assert at.values("flagged") == again.values("flagged")
        assert at.reader("flagged").threshold == threshold
    with pytest.raises(InputError, match="reader of this audit"):
        table.at("gray", 0.3)
    with pytest.raises(InputError, match="not from 0 to 1"):
        table.at("grey", 30)
    (section,) = thresholds(study, table)
    (curves,) = section.parts
    (line,) = curves.lines  # type: ignore[union-attr]
    assert line.x == GRID
    wanted = [np.mean([(51 * k / 255 >= t) / 2 + (t <= 25 / 255) / 2 for k in range(5)]) for t in GRID]
    assert line.y == pytest.approx(wanted)
    assert all(low <= y <= high for low, y, high in zip(line.low, line.y, line.high, strict=True))


def test_readings_on_disk_name_the_detector_its_hash_and_each_score(tmp_path: Path) -> None:
    audited(tmp_path / "a")
    table = Folder(tmp_path / "a").table()
    rows = table.sql("SELECT reader, version, weights, threshold, value, likely, confidence FROM readings")
    assert {row["reader"] for row in rows} == {"grey"}
    assert all(len(row["weights"]) == 64 and row["version"] and row["likely"] == "yes" for row in rows)
    assert sorted({round(row["confidence"], 3) for row in rows}) == [0.0, 0.098, 0.2, 0.4, 0.6, 0.8]


def test_readers_without_scores_have_no_curve(tmp_path: Path) -> None:
    from limn.audit.run import in_memory
    from limn.audit.sources import FromPeople
    from limn.audit.studies.stereotypes import Stereotypes
    from limn.data.people import Population

    study = Stereotypes(n=2)
    table = in_memory(study.probe(), [FromPeople(population=Population())], ["people"])
    assert thresholds(study, table) == ()
    with pytest.raises(InputError, match="decides by no scores"):
        table.at("people", 0.5)
