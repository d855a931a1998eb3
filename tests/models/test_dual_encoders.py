"""Encoders of any make: what transformers answers, from folders that transformers saved."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from limn.kernel.errors import InputError, WeightsError
from limn.models import dual_encoders, judges

SIZE = 32
WORDS = ["a", "woman", "man", "doctor", "red", "<end>", "<pad>"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny random CLIP and SigLIP folders with tokenizer and image processor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
        from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tower = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**tower, "vocab_size": len(WORDS), "max_position_embeddings": 8, "eos_token_id": 5, "pad_token_id": 6}
    vision = {**tower, "image_size": SIZE, "patch_size": 8}
    found = {}
    for family, config, model in (
        ("clip", transformers.CLIPConfig, transformers.CLIPModel),
        ("siglip", transformers.SiglipConfig, transformers.SiglipModel),
    ):
        torch.manual_seed(0)
        folder = tmp_path_factory.mktemp(family)
        extra = {"projection_dim": 12} if family == "clip" else {}
        network = model(config(text_config=text, vision_config=vision, **extra))
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        network.save_pretrained(folder)
        words = Tokenizer(models.WordLevel({word: k for k, word in enumerate(WORDS)}, unk_token="a"))
        words.pre_tokenizer = pre_tokenizers.Whitespace()
        words.post_processor = processors.TemplateProcessing(single="$A <end>", special_tokens=[("<end>", 5)])
        transformers.PreTrainedTokenizerFast(
            tokenizer_object=words, eos_token="<end>", pad_token="<pad>", unk_token="a"
        ).save_pretrained(folder)
        square = {"height": SIZE, "width": SIZE}
        size = {"size": {"shortest_edge": SIZE}, "crop_size": square} if family == "clip" else {"size": square}
        processor = getattr(
            transformers, {"clip": "CLIPImageProcessorPil", "siglip": "SiglipImageProcessorPil"}[family]
        )
        processor(**size).save_pretrained(folder)
        found[family] = folder
    return found


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_a_folder_answers_as_transformers_does(family: str, folders: dict[str, Path], capfd: Any) -> None:
    import transformers

    ours = dual_encoders.load(folders[family])
    assert capfd.readouterr() == ("", "")
    kind, processor = {
        "clip": (transformers.CLIPModel, transformers.CLIPImageProcessorPil),
        "siglip": (transformers.SiglipModel, transformers.SiglipImageProcessorPil),
    }[family]
    theirs = kind.from_pretrained(folders[family])
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, shape, np.uint8) for shape in ((48, 64, 3), (32, 32, 3), (70, 40, 3))]
    texts = ["a woman doctor", "man", "a a a a a a a a a a a a"]
    padding = "max_length" if family == "siglip" else True
    tokens = transformers.AutoTokenizer.from_pretrained(folders[family])(
        texts, padding=padding, truncation=True, max_length=8, return_tensors="pt"
    )
    pixels = processor.from_pretrained(folders[family])(pictures, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        given = tokens if family == "clip" else {"input_ids": tokens["input_ids"]}
        images = theirs.get_image_features(pixels).pooler_output
        words = theirs.get_text_features(**{k: v for k, v in given.items() if k != "token_type_ids"}).pooler_output
    for mine, wanted in ((ours.images(pictures), images), (ours.texts(texts), words)):
        assert np.allclose(mine, torch.nn.functional.normalize(wanted, dim=-1).numpy(), atol=1e-5)
    assert ours.scale == pytest.approx(float(theirs.logit_scale.detach().exp()))
    assert ours.images([]).shape[0] == ours.texts([]).shape[0] == 0
    assert ours.bias == (None if family == "clip" else pytest.approx(float(theirs.logit_bias.detach())))


def test_a_judge_answers_as_before_and_reads_pictures_of_several_sizes() -> None:
    ours, judge = dual_encoders.load("judge_b"), judges.judge("judge_b")
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (3, 64, 64, 3), np.uint8)
    assert np.array_equal(ours.images(list(pictures)), judge.images(pictures).numpy())
    mixed = ours.images([pictures[0], rng.integers(0, 256, (32, 32, 3), np.uint8), pictures[1]])
    assert np.allclose(mixed[[0, 2]], judge.images(pictures[:2]).numpy(), atol=1e-5)
    assert np.array_equal(ours.texts(["a cook"]), judge.texts(["a cook"]).numpy())


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, folders: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="judge_b"):
        dual_encoders.load("judge_c")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(WeightsError, match="CLIP or SigLIP"):
        dual_encoders.load(tmp_path)
    (tmp_path / "config.json").write_text((folders["clip"] / "config.json").read_text())
    (tmp_path / "pytorch_model.bin").write_bytes(b"0")
    with pytest.raises(WeightsError, match="no safetensors"):
        dual_encoders.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"0" * 64)
    with pytest.raises(WeightsError, match="no sound safetensors file"):
        dual_encoders.load(tmp_path)
    with pytest.raises(InputError, match="uint8"):
        dual_encoders.load(folders["clip"]).images([np.zeros((8, 8), np.uint8)])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("nan", "not finite"), ("missing", "1 missing"), ("renamed", "1 missing, 0 of another shape, 1 unexpected"),
        ("hash", "SHA-256"), ("code", "_attn_implementation asks to run"), ("tokenizer", "auto_map asks to run"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_a_folder_that_is_not_as_saved_is_refused(
    tmp_path: Path, folders: dict[str, Path], family: str, change: str, words: str
) -> None:
    folder = tmp_path / family
    shutil.copytree(folders[family], folder)
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("q_proj.weight"))
    if change == "nan":
        tensors[name][0, 0] = float("nan")
    elif change in ("missing", "renamed"):
        tensor = tensors.pop(name)
        tensors |= {"other": tensor} if change == "renamed" else {}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    if change == "hash":
        (folder / "SHA256SUMS").write_text(f"{'0' * 64}  model.safetensors\n")
    settings = {"code": ("config.json", "_attn_implementation"), "tokenizer": ("tokenizer_config.json", "auto_map")}
    if change in settings:
        file, field = settings[change]
        fields = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps({**fields, field: "someone/kernel"}))
    with pytest.raises(WeightsError, match=words):
        dual_encoders.load(folder)
