"""FLUX.1 against diffusers' pipeline."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from agreement import Agreement, Pair, adapted, tuned
from limn import models
from limn.kernel.errors import WeightsError

_KOHYA = {"lora_A": "lora_down", "lora_B": "lora_up"}


class TestFlux(Agreement):
    name = "flux"

    def test_changes_to_its_text_encoders(self, pair: Pair, tmp_path: Path) -> None:
        """CLIP's as diffusers saves them; those of T5, which it does not read, as kohya's scripts name them."""
        pytest.importorskip("peft")
        pipe, state = tuned(pair.pipe, {"transformer": "to_q", "text_encoder": "q_proj", "text_encoder_2": "q"})
        words = state.pop("text_encoder_2_lora_layers")
        pipe.save_lora_weights(tmp_path, weight_name="whole.safetensors", **state)
        kohya = {}
        for name, tensor in words.items():
            layer, _, end = name.removesuffix(".weight").rpartition(".")
            kohya[f"lora_te3_{layer.replace('.', '_')}.{_KOHYA[end]}.weight"] = tensor.contiguous()
        save_file(kohya, tmp_path / "t5.safetensors")
        files = [str(tmp_path / "whole.safetensors"), str(tmp_path / "t5.safetensors")]
        adapted(pair, pipe, files)

    def test_learned_words_are_refused(self, pair: Pair, tmp_path: Path) -> None:
        file, both = tmp_path / "zorp.safetensors", tmp_path / "flux.safetensors"
        save_file({"clip_l": torch.randn(2, 16)}, file)
        save_file({"clip_l": torch.randn(2, 16), "t5xxl": torch.randn(2, 16)}, both)
        assert pair.generators
        generator = models.load(pair.folder)
        for path, match in ((file, "no text encoder of .* can be taught any"), (both, "t5xxl is for a T5 text enc")):
            with pytest.raises(WeightsError, match=match):
                generator.sources(generator.request("a zorp", adapter=str(path)).guidance or ())

    def test_a_lora_of_kohyas_scripts_draws_what_diffusers_draws(self, pair: Pair, tmp_path: Path) -> None:
        torch.manual_seed(0)
        state = {}
        for name, out, into in (("double_blocks_0_img_attn_qkv", 96, 32), ("double_blocks_0_txt_mlp_0", 128, 32)):
            state |= {f"lora_unet_{name}.lora_down.weight": torch.randn(2, into)}
            state |= {
                f"lora_unet_{name}.lora_up.weight": torch.randn(out, 2),
                f"lora_unet_{name}.alpha": torch.ones(()),
            }
        file = tmp_path / "kohya.safetensors"
        save_file(state, file)
        pytest.importorskip("peft")
        pipe = copy.deepcopy(pair.pipe)
        pipe.load_lora_weights(tmp_path, weight_name=file.name)
        adapted(pair, pipe, [str(file)])
