"""Tiny folders of networks that answer questions, as transformers saves them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

WORDS = ["<pad>", "<start>", "is", "this", "a", "woman", "man", "lady", "hat", "<end>", "?", "<bos>"]
QUESTION = "is this a woman ?"
TOML = f'[gender]\nquestion = "{QUESTION}"\nwoman = ["woman", "lady"]\nman = ["man"]\n'


def saved(folder_of: Callable[[str], Path]) -> dict[str, Path]:
    """Tiny random ViLT and BLIP folders with tokenizer and image processor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
        from tokenizers import Tokenizer, models, pre_tokenizers, processors

    tower = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**tower, "vocab_size": len(WORDS), "max_position_embeddings": 12, "bos_token_id": 11, "pad_token_id": 0,
            "eos_token_id": 9, "sep_token_id": 9, "encoder_hidden_size": 16}  # fmt: skip
    vision = {**tower, "image_size": 32, "patch_size": 16}
    answers = {0: "woman", 1: "man", 2: "lady", 3: "hat"}
    flat = {k: v for k, v in text.items() if k in (*tower, "vocab_size", "max_position_embeddings")}
    vilt = transformers.ViltConfig(**flat, image_size=32, patch_size=16, id2label=answers,
                                   label2id={v: k for k, v in answers.items()})  # fmt: skip
    blip = transformers.BlipConfig(text_config=text, vision_config=vision)
    found = {}
    for family, network in (
        ("vilt", transformers.ViltForQuestionAnswering(vilt)),
        ("blip", transformers.BlipForQuestionAnswering(blip)),
    ):
        torch.manual_seed(0)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        folder = folder_of(family)
        network.save_pretrained(folder)
        words = Tokenizer(models.WordLevel({word: k for k, word in enumerate(WORDS)}, unk_token="a"))
        words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        words.post_processor = processors.TemplateProcessing(
            single="<start> $A <end>", special_tokens=[("<start>", 1), ("<end>", 9)]
        )
        transformers.PreTrainedTokenizerFast(
            tokenizer_object=words, pad_token="<pad>", unk_token="a", cls_token="<start>", sep_token="<end>"
        ).save_pretrained(folder)
        size = {"shortest_edge": 32} if family == "vilt" else {"height": 32, "width": 32}
        kind = {"vilt": "ViltImageProcessorPil", "blip": "BlipImageProcessorPil"}[family]
        getattr(transformers, kind)(size=size).save_pretrained(folder)
        found[family] = folder
    return found


def pictures() -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, shape, np.uint8) for shape in ((32, 32, 3), (48, 40, 3), (32, 50, 3))]
