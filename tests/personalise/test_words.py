"""Learned words in the shapes of many tools."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from limn.kernel.errors import WeightsError
from limn.personalise.learned import read

L, G = torch.ones(2, 768), torch.ones(2, 1280)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"<zorp>": torch.ones(768)}, {"<zorp>": [(1, 768)]}),
        ({"<zorp>": L}, {"<zorp>": [(2, 768)]}),
        ({"<zorp>": L, "<blick>": torch.ones(1, 768)}, {"<zorp>": [(2, 768)], "<blick>": [(1, 768)]}),
        ({"emb_params": L}, {"mine": [(2, 768)]}),
        ({"string_to_param.*": L}, {"mine": [(2, 768)]}),
        ({"clip_l": L, "clip_g": G}, {"mine": [(2, 768), (2, 1280)]}),
        ({"clip_g": L}, {"mine": [(2, 768)]}),
        ({"text_encoders_0": L, "text_encoders_1": G}, {"mine": [(2, 768), (2, 1280)]}),
        (
            {"bundle_emb.zorp.clip_l": L, "bundle_emb.zorp.clip_g": G, "bundle_emb.blick.string_to_param.*": L},
            {"zorp": [(2, 768), (2, 1280)], "blick": [(2, 768)]},
        ),
    ],
)
def test_all_shapes_are_read(
    tensors: dict[str, Tensor], words: dict[str, list[tuple[int, ...]]], tmp_path: Path
) -> None:
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, tmp_path / "mine.safetensors")
    found = read(tmp_path / "mine.safetensors").words
    assert {word: sorted(tuple(own.shape) for own in vectors) for word, vectors in found.items()} == words


def test_words_inside_a_lora_file_are_told_from_what_is_not_known(tmp_path: Path) -> None:
    change = {"unet.a.lora_A.weight": torch.ones(1, 5), "unet.a.lora_B.weight": torch.ones(3, 1)}
    bundle = {**change, "bundle_emb.zorp.clip_l": L.clone(), "unet.a.unheard": torch.ones(2)}
    save_file(bundle, tmp_path / "mine.safetensors")
    learned = read(tmp_path / "mine.safetensors")
    assert list(learned.words) == ["zorp"]
    assert list(learned.changes["unet"]) == ["a"]
    assert learned.unread == ("unet.a.unheard",)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"clip_l": L, "t5": torch.ones(2, 4096)}, "t5 is for a T5 text encoder"),
        ({"<zorp>": torch.ones(1, 4096)}, "<zorp> is for a T5 text encoder"),
        ({"<zorp>": torch.ones(76, 768)}, "up to 75 vectors"),
        ({"<zorp>": torch.ones(2, 2, 2)}, "has shape"),
        ({"<zorp>": torch.ones(2, 768, dtype=torch.int64)}, "has shape"),
        ({" ": torch.ones(768)}, "cannot be a word of a prompt"),
        ({"a\nb": torch.ones(768)}, "cannot be a word of a prompt"),
    ],
)
def test_what_is_no_word_is_refused_by_name(tensors: dict[str, Tensor], message: str, tmp_path: Path) -> None:
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, tmp_path / "mine.safetensors")
    with pytest.raises(WeightsError, match=message) as caught:
        read(tmp_path / "mine.safetensors")
    assert "\n" not in str(caught.value)
