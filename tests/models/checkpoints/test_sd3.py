"""Stable Diffusion 3.5 against diffusers' pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from agreement import Agreement, Pair, adapted, tuned


class TestSD3(Agreement):
    name = "sd3"

    def test_changes_to_its_text_encoders(self, pair: Pair, tmp_path: Path) -> None:
        pytest.importorskip("peft")
        layers = {"transformer": "to_q", "text_encoder": "q_proj", "text_encoder_2": "fc1"}
        pipe, state = tuned(pair.pipe, layers)
        pipe.save_lora_weights(tmp_path, **state)
        adapted(pair, pipe, [str(tmp_path / "pytorch_lora_weights.safetensors")])
