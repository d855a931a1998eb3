"""One learned thing, one file: what is written comes back, with its record; what is no such thing is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from limn.kernel.errors import WeightsError
from limn.networks.low_rank import Factors, Matrix
from limn.personalise.learned import Learned, metadata, read, write

RECORD = {"base": {"name": "emoji", "weights": "0" * 64}, "method": "textual_inversion", "recipe": {"steps": 3}}


def factors() -> Factors:
    return Factors(down=torch.randn(2, 5), up=torch.randn(3, 2), scale=0.5)


def test_words_changes_and_record_come_back(tmp_path: Path) -> None:
    path = tmp_path / "zorp.safetensors"
    word, change = torch.randn(2, 16), factors()
    write(
        path,
        Learned(
            words={"<zorp>": (word,)},
            changes={"unet": {"a.to_q": change}, "text_encoder": {"b.q_proj": change}},
            extra={"grid": torch.ones(2)},
            record=RECORD,
        ),
    )
    back = read(path)
    assert torch.equal(back.words["<zorp>"][0], word)
    assert torch.equal(back.extra["grid"], torch.ones(2))
    assert back.record == {**RECORD, "words": ["<zorp>"]}
    assert not back.unread
    for network, name in (("unet", "a.to_q"), ("text_encoder", "b.q_proj")):
        same = back.changes[network][name]
        assert isinstance(same, Factors)
        torch.testing.assert_close(same.scale * same.up @ same.down, change.scale * change.up @ change.down)
    first = path.read_bytes()
    write(path, back)
    assert path.read_bytes() == first, "equal contents, equal bytes"


def test_a_word_alone_is_what_diffusers_reads(tmp_path: Path) -> None:
    write(tmp_path / "a.safetensors", Learned(words={"<zorp>": (torch.ones(1, 16),)}, record=RECORD))
    assert list(load_file(tmp_path / "a.safetensors")) == ["<zorp>"]
    assert json.loads(metadata(tmp_path / "a.safetensors")["limn"])["words"] == ["<zorp>"]
    two = {"<zorp>": (torch.ones(1, 768), torch.ones(1, 1280))}
    write(tmp_path / "two.safetensors", Learned(words=two))
    assert set(load_file(tmp_path / "two.safetensors")) == {"clip_l", "clip_g"}
    assert list(read(tmp_path / "two.safetensors").words) == ["<zorp>"], "the record says what it is called"


def test_kohya_has_its_own_names(tmp_path: Path) -> None:
    change = factors()
    write(tmp_path / "k.safetensors", Learned(changes={"unet": {"a.to_out.0": change}}), layout="kohya")
    assert set(load_file(tmp_path / "k.safetensors")) == {
        f"lora_unet_a_to_out_0.{end}" for end in ("lora_down.weight", "lora_up.weight", "alpha")
    }
    (same,) = read(tmp_path / "k.safetensors").changes["unet"].values()
    assert isinstance(same, Factors)
    torch.testing.assert_close(same.scale * same.up @ same.down, change.scale * change.up @ change.down)


def test_what_is_no_learned_thing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match="no such file"):
        read(path)
    save_file({"layer.weight": torch.ones(300, 300)}, path)
    with pytest.raises(WeightsError, match=r"layer\.weight has shape"):
        read(path)
    save_file({"emb_params": torch.ones(1, 4)}, path, {"limn": "{"})
    with pytest.raises(WeightsError, match="JSON"):
        read(path)
    pickled = tmp_path / "zorp.pt"
    torch.save({"string_to_param": {"*": torch.ones(1, 4)}}, pickled)
    with pytest.raises(WeightsError, match="pickle") as caught:
        read(pickled)
    assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match="no product of two matrices"):
        write(path, Learned(changes={"unet": {"a": Matrix(delta=torch.ones(2, 2))}}))
    with pytest.raises(WeightsError, match="cannot be a word"):
        write(path, Learned(words={"clip_l": (torch.ones(1, 4),)}))
