from __future__ import annotations

import numpy as np
import pytest

from limn.data.toys3d.captions import asked, prompts, sentence
from limn.data.toys3d.toy import Toy, held_out


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("chair", "red", "", "", {}), "a red chair"),
        (("animal", "orange", "", "", {"ears": "long ears", "tail": "tail"}),
         "an orange animal with long ears and a tail"),
        (("chair", "blue", "red", "striped", {"legs": "three legs", "arms": "arms"}),
         "a striped blue chair with three legs, arms and a red seat"),
        (("vase", "grey", "orange", "", {"neck": "wide neck"}), "a grey vase with a wide orange neck"),
        (("house", "green", "orange", "", {}), "a green house with an orange roof"),
    ],
)  # fmt: skip
def test_sentences(said: tuple[str, str, str, str, dict[str, str]], words: str) -> None:
    assert sentence(*said) == words


def test_what_is_said_is_true_and_all_of_it_is_said_when_asked() -> None:
    toy = Toy(
        kind="house", colour="red", accent="blue", pattern="striped",
        parts={"roof": "flat roof", "chimney": ""}, sizes=(0.5, 0.5, 0.5),
    )  # fmt: skip
    whole = asked(toy, np.random.default_rng(0), full=1.0)
    assert whole.text == "a striped red house with a flat blue roof"
    assert whole.parts == {"roof": "flat roof"}
    assert asked(toy, np.random.default_rng(0), full=0.0).text == "a red house"


def test_prompts_of_held_out_pairs() -> None:
    rows = prompts(20, "held_out")
    assert all(held_out(row.kind, row.colour) for row in rows)
    assert rows == prompts(20, "held_out")
