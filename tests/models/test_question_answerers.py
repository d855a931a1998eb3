"""Networks that answer questions, from folders that transformers saved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.answerers import QUESTION, pictures, saved

from limn.kernel.errors import InputError, WeightsError
from limn.models.question_answerers import load


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return saved(tmp_path_factory.mktemp)


def test_vilt_chooses_as_transformers_does(folders: dict[str, Path]) -> None:
    import transformers

    ours = load(folders["vilt"])
    theirs = transformers.ViltForQuestionAnswering.from_pretrained(folders["vilt"])
    sight = transformers.ViltImageProcessorPil.from_pretrained(folders["vilt"])
    tokens = transformers.AutoTokenizer.from_pretrained(folders["vilt"])
    scores = ours.scores(pictures(), QUESTION, ["man", "lady"])
    for k, picture in enumerate(pictures()):
        with torch.no_grad():
            words = tokens([QUESTION], return_tensors="pt")
            logits = theirs(**sight([picture], return_tensors="pt"), input_ids=words["input_ids"]).logits[0]
        assert np.allclose(scores[k], logits[[1, 2]].numpy(), atol=1e-4)


def test_blip_ranks_answers_by_the_loss_of_transformers(folders: dict[str, Path]) -> None:
    import transformers

    ours = load(folders["blip"])
    theirs = transformers.BlipForQuestionAnswering.from_pretrained(folders["blip"])
    sight = transformers.BlipImageProcessorPil.from_pretrained(folders["blip"])
    tokens = transformers.AutoTokenizer.from_pretrained(folders["blip"])
    scores = ours.scores(pictures(), QUESTION, ["man", "a lady"])
    asked = tokens([QUESTION], return_tensors="pt")
    for k, picture in enumerate(pictures()):
        for column, answer in enumerate(("man", "a lady")):
            words = tokens([answer], return_tensors="pt")["input_ids"]
            words[:, 0] = 11
            with torch.no_grad():
                seen = theirs.vision_model(**sight([picture], return_tensors="pt")).last_hidden_state
                question = theirs.text_encoder(
                    input_ids=asked["input_ids"], attention_mask=asked["attention_mask"], encoder_hidden_states=seen
                ).last_hidden_state
                loss = theirs.text_decoder(
                    input_ids=words, encoder_hidden_states=question, labels=words, label_smoothing=0.0,
                ).logits  # fmt: skip
                each = torch.nn.functional.cross_entropy(loss[0, :-1], words[0, 1:], reduction="sum")
            assert scores[k, column] == pytest.approx(-float(each), abs=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [("nan", "not finite"), ("missing", "1 missing"), ("task", "answers questions"), ("code", "run")],
)
@pytest.mark.parametrize("family", ["vilt", "blip"])
def test_a_folder_that_is_not_as_saved_is_refused(
    tmp_path: Path, folders: dict[str, Path], family: str, change: str, words: str
) -> None:
    folder = tmp_path / family
    shutil.copytree(folders[family], folder)
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("dense.weight"))
    if change == "nan":
        tensors[name][0, 0] = float("nan")
    elif change == "missing":
        tensors.pop(name)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    if change in ("task", "code"):
        fields = json.loads((folder / "config.json").read_text())
        fields |= {"architectures": ["BlipModel"]} if change == "task" else {"auto_map": {"AutoModel": "x.Y"}}
        (folder / "config.json").write_text(json.dumps(fields))
    with pytest.raises(WeightsError, match=words):
        load(folder)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model folder"):
        load(tmp_path)
