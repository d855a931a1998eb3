"""FLUX.1 against diffusers' pipeline."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from agreement import TEXTS, Agreement, Pair, close
from limn import models
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams


class TestFlux(Agreement):
    name = "flux"

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
        noise = pair.noise(2)
        wanted = pair.family.theirs(pipe, TEXTS[:2], None, noise, 3)
        plain = pair.ours(TEXTS[:2], [], noise)
        assert pair.generators
        generator = models.load(pair.folder)
        request = generator.request(TEXTS[0], adapter=[str(file)], guidance=[], size=pair.family.size)
        stage, parts = generator.stages[0], request.guidance or ()
        *_, last = stage.walk(
            [Prompt(text) for text in TEXTS[:2]], parts, Streams([0, 1]), size=pair.family.size, steps=3,
            noise=noise, adapters=generator.others.adapters(parts, 0),
        )  # fmt: skip
        close(last.x, wanted)
        assert (last.x - plain).abs().max() > 1e-3 * plain.abs().max()
