"""Class files: every key is known, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from limn.kernel.errors import InputError
from limn.synth.classes import read_classes


def test_what_is_left_out_is_the_label(tmp_path: Path) -> None:
    path = tmp_path / "classes.toml"
    path.write_text(
        'backgrounds = ["a field"]\n[classes.crane]\nambiguous = ["crane"]\nsynonyms = ["wader"]\n'
        '[classes.dog]\nname = "small dog"\nvalue = "puppy"\nbackgrounds = ["a park"]\n'
    )
    crane, dog = read_classes(path).things
    assert (crane.name, crane.value, crane.words, crane.backgrounds) == ("crane", "crane", ("wader",), ("a field",))
    assert (dog.name, dog.value, dog.words, dog.backgrounds) == ("small dog", "puppy", ("small dog",), ("a park",))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[classes.a]\n", "1 classes"),
        ("[classes.a]\nname = 3\n[classes.b]\n", "classes.a.name"),
        ("[classes.a]\nsynonym = []\n[classes.b]\n", "synonyms"),
        ("[classes.a]\nambiguous = ['z']\n[classes.b]\n", "'z'"),
        ("[classes.'../a']\n[classes.b]\n", "plain name"),
        ("classes = 3\n", "classes"),
        ("[klasses.a]\n", "classes"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, names: str) -> None:
    path = tmp_path / "classes.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=names):
        read_classes(path)
