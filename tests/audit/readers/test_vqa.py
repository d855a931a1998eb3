"""A network that answers questions as a reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.answerers import QUESTION, TOML, pictures, saved

from limn.audit.readers.reader import open_reader, read_checked
from limn.kernel.errors import InputError
from limn.models.question_answerers import load


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return saved(tmp_path_factory.mktemp)


@pytest.mark.parametrize("family", ["vilt", "blip"])
def test_a_reader_asks_and_keeps_scores(folders: dict[str, Path], tmp_path: Path, family: str) -> None:
    (tmp_path / "q.toml").write_text(TOML)
    reader = open_reader(f"vqa:model={folders[family]},phrases={tmp_path}/q.toml,threshold=0")
    reader.rehearse()
    assert reader.name == f"vqa:{folders[family].name}:q"
    readings = read_checked(reader, pictures())
    raw = np.exp(load(folders[family]).scores(pictures(), QUESTION, ["woman", "lady", "man"]))
    woman = raw[:, :2].sum(1) / raw.sum(1)
    assert [row.values["gender"] for row in readings] == ["woman" if share > 0.5 else "man" for share in woman]
    assert [row.confidence["gender"] for row in readings] == pytest.approx(np.maximum(woman, 1 - woman))
    assert all(row.at(1.0, reader.scored, reader.otherwise).values["gender"] is None for row in readings)


def test_what_cannot_be_asked_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "q.toml").write_text(TOML.replace(f'question = "{QUESTION}"\n', ""))
    with pytest.raises(InputError, match="gender has no question"):
        _ = open_reader(f"vqa:model={folders['vilt']},phrases={tmp_path}/q.toml").fields
    (tmp_path / "q.toml").write_text(TOML.replace("lady", "ladies"))
    with pytest.raises(InputError, match="did you mean 'lady'"):
        open_reader(f"vqa:model={folders['vilt']},phrases={tmp_path}/q.toml").rehearse()
    with pytest.raises(InputError, match="a question, for vqa"):
        _ = open_reader(f"zero_shot:{tmp_path}/q.toml").fields
