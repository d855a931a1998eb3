from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from limn.io.files import sha256_of
from limn.kernel.errors import InputError
from limn.models.judges import Judge, judge, names
from limn.networks.dual_encoder import CONFIG, DualEncoder
from limn.networks.shipped import WEIGHTS
from limn.networks.token_embeddings import TokenVectors
from limn.networks.weights import write_tensors

SMALL = {"size": 16, "patch": 2, "widths": [16], "blocks": [1], "width": 16, "heads": 2, "depth": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = DualEncoder.from_config(SMALL)
    write_tensors(tmp_path / WEIGHTS, dict(network.state_dict()))
    (tmp_path / CONFIG).write_text(json.dumps(asdict(network.config)))
    return tmp_path


@dataclass(frozen=True, kw_only=True)
class Planted(Judge):
    """A judge whose opinion is given."""

    close: Tensor

    def similarity(self, pictures: object, texts: object) -> Tensor:
        return self.close


def planted(close: np.ndarray) -> Planted:
    network = DualEncoder.from_config(SMALL)
    return Planted(name="planted", network=network, words=TokenVectors(), weights="", close=torch.from_numpy(close))


def test_pictures_and_states_mean_the_same(folder: Path) -> None:
    one = judge(folder)
    assert one.weights == sha256_of(folder / WEIGHTS)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    states = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 127.5 - 1
    assert torch.allclose(one.images(pictures), one.images(states), atol=1e-5)
    large = pictures.repeat(4, 1).repeat(4, 2)
    assert one.images(large).shape == (3, 128)
    assert one.images(pictures[:0]).shape == one.texts([]).shape == (0, 128)
    said = one.texts(["a red heart", "a dog and a cat", ""])
    assert torch.allclose(said.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(one.similarity(pictures, ["a red heart"]), one.images(pictures) @ said[:1].T, atol=1e-5)


def test_other_pictures_are_refused(folder: Path) -> None:
    one = judge(folder)
    for wrong in (np.zeros((2, 16, 16), np.uint8), np.zeros((2, 16, 16, 3)), torch.zeros(2, 4, 16, 16)):
        with pytest.raises(InputError, match="pictures: "):
            one.images(wrong)  # type: ignore[arg-type]


def test_ranks_count_the_prompts_that_fit_as_well_or_better() -> None:
    close = np.array([[3.0, 1.0, 2.0, 0.0], [1.0, 0.0, 2.0, 3.0], [2.0, 2.0, 2.0, 2.0], [1.0, 0.0, 4.0, 3.0]])
    ranks = planted(close).retrieval(np.zeros((4, 1)), list("abcd"), ways=4)  # type: ignore[arg-type]
    assert ranks.tolist() == [1, 4, 4, 2]


def test_prompts_that_mean_the_same_never_stand_against_each_other() -> None:
    close = np.zeros((6, 6))
    close[0, 1] = close[1, 0] = 9.0  # these two mean the same, however much they fit each other's picture
    close += np.eye(6)
    judge = planted(close)
    for seed in range(5):
        ranks = judge.retrieval(np.zeros((6, 1)), list("Aabcde"), ways=5, seed=seed)  # type: ignore[arg-type]
        assert ranks.tolist() == [1] * 6
        other = judge.retrieval(np.zeros((6, 1)), list("uvwxyz"), ways=6, meanings=list("uvwxyz"), seed=seed)  # type: ignore[arg-type]
        assert other.tolist() == [2, 2, 1, 1, 1, 1]


def test_ranks_of_an_opinion_without_knowledge_are_even() -> None:
    close = np.random.default_rng(0).random((400, 400))
    ranks = planted(close).retrieval(np.zeros((400, 1)), [str(k) for k in range(400)], ways=20)  # type: ignore[arg-type]
    assert ranks.mean() == pytest.approx(10.5, abs=1)
    assert (ranks == 1).mean() == pytest.approx(0.05, abs=0.04)


def test_too_few_prompts_are_refused() -> None:
    with pytest.raises(InputError, match="ways: 5"):
        planted(np.eye(4)).retrieval(np.zeros((4, 1)), list("aabc"), ways=5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="give one for each"):
        planted(np.eye(4)).retrieval(np.zeros((4, 1)), list("abc"), ways=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", names())
def test_shipped_judges_are_small_and_whole(name: str) -> None:
    one = judge(name)
    folder = Path(__file__).parents[2] / "src" / "limn" / "weights" / name
    assert (folder / WEIGHTS).stat().st_size < 2.5e6
    channels, size = one.network.config.channels, one.network.config.size
    assert one.images(torch.zeros(1, channels, size, size)).isfinite().all()


def test_an_unknown_judge_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="judge_aa"):
        judge("judge_aa")
