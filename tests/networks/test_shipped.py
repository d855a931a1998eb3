"""Shipped networks: found by name, told apart by kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from limn.kernel.errors import InputError
from limn.networks.attribute_reader import AttributeReader
from limn.networks.dual_encoder import DualEncoder


def test_each_kind_knows_its_own() -> None:
    """Judges are no readers, and neither is a model that draws."""
    judges, readers = DualEncoder.names(), AttributeReader.names()
    assert {"judge_a", "judge_b"} <= set(judges)
    assert readers == ["reader"]
    assert not {"emoji", "shapes"} & {*judges, *readers}


def test_a_name_a_folder_or_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    """A shipped name goes before a folder; what is neither is one line."""
    assert DualEncoder.locate("judge_a").name == "judge_a"
    assert DualEncoder.locate(tmp_path) == tmp_path
    with pytest.raises(InputError, match=r"judge 'judge_c'.*did you mean 'judge_"):
        DualEncoder.locate("judge_c")
