"""A model's name, and the options that may stand behind it.

``PATH:vae=FILE,dtype=bfloat16`` is a model and what else decides its pictures, so that every verb, record and replay
that takes a model takes those too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from limn.kernel.errors import unknown_name
from limn.kernel.options import fields

OPTIONS: Final[Mapping[str, str]] = {
    "clip_skip": "layers left out at the end of CLIP's text encoder",
    "denoising_end": "share of the timesteps that stay the base's where a refiner takes over: 0.8",
    "dtype": "precision: float32, bfloat16 or float16",
    "preview": "a file or folder of a small autoencoder (TAESD) for pictures at work",
    "refiner": "a folder of SDXL's refiner, which takes the last steps",
    "text_encoder": "a safetensors file for the text encoder",
    "vae": "a safetensors file or a folder for the autoencoder",
}
"""What may stand behind a model's name."""


def split_name(model: str) -> tuple[str, dict[str, str]]:
    """Split a model's name into what it is called and its options.

    Raises:
        InputError: An option is unknown.

    >>> split_name("sd.safetensors:vae=kl.safetensors,clip_skip=1")
    ('sd.safetensors', {'vae': 'kl.safetensors', 'clip_skip': '1'})
    >>> split_name("openai:gpt")
    ('openai:gpt', {})
    """
    base, colon, rest = model.rpartition(":")
    if not colon or "=" not in rest or Path(model).exists():
        return model, {}
    record = {name: str(value) for name, value in fields(f"_:{rest}").items() if name != "name"}
    for name in record:
        if name not in OPTIONS:
            raise unknown_name("option of a model", name, OPTIONS)
    return base, record


def with_options(model: str, **options: str) -> str:
    """Return a model's name with further options.

    >>> with_options("sd15", vae="kl.safetensors")
    'sd15:vae=kl.safetensors'
    """
    base, known = split_name(model)
    every = {**known, **{name: value for name, value in options.items() if value}}
    return base + (":" + ",".join(f"{name}={value}" for name, value in every.items()) if every else "")
