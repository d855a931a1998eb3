"""Small random models of every kind, and valid options of every guidance: what contracts of steering run on."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from limn.codecs.tokens import Tokens
from limn.encoders.prompt import PromptEncoder
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator, Progress
from limn.kernel.guidance import Guidance
from limn.kernel.prompt import Prompt, Region
from limn.kernel.runner import Ledger
from limn.kernel.stage import Stage
from limn.networks.dual_encoder import CONFIG, DualEncoder, DualEncoderConfig
from limn.networks.shipped import WEIGHTS
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer, TransformerConfig
from limn.networks.weights import write_tensors
from limn.predictors.masked import Masked
from limn.samplers.decoding import Masking

__all__ = ["HEART", "files", "guides", "native", "stable_diffusion", "tokens", "usual", "walked"]

HEART = Prompt("a (red:1.5) heart and a blue cat", regions=(Region(words="a blue cat", box=(0.5, 0.0, 1.0, 1.0)),))
TEXTS = st.sampled_from(["", "grey", "a dog"])
TEXT_WIDTH = 128


def native(folder: Path) -> Generator:
    """A transformer of pixels, 16 x 16, written to a folder and loaded like any other."""
    from limn import models

    config = {"family": "native", "size": 16, "steps": 2, "batch": 4}
    network = _transformer(channels=3, grid=16, patch=4)
    config["transformer"] = asdict(network.config)
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / "model.safetensors", network.state_dict())
    (folder / "config.json").write_text(json.dumps(config))
    return models.load(folder)


def stable_diffusion(folder: Path, dtype: torch.dtype | None = None) -> Generator:
    """A Stable Diffusion folder with a tiny U-Net, in a precision."""
    from tiny_stable_diffusion import build

    from limn.models import checkpoints

    return checkpoints.load(build(folder), dtype=dtype)


class Greys:
    """Eight tokens are eight greys, each two pixels wide."""

    codes, factor = 8, 2

    def encode(self, image: Tensor) -> Tensor:
        return ((image[:, 0, ::2, ::2] + 1) * 3.5).round().long()

    def decode(self, ids: Tensor) -> Tensor:
        grey = ids.repeat_interleave(2, 1).repeat_interleave(2, 2) / 3.5 - 1
        return grey[:, None].expand(-1, 3, -1, -1).float()


def tokens() -> Generator:
    """A masked model of 16 tokens, which answers with logits."""
    network = _transformer(grid=4, vocabulary=9).eval().requires_grad_(False)
    stage = Stage(
        encoder=PromptEncoder(TokenVectors(), limit=16),
        predictor=Masked(network=network),
        codec=Tokens(Greys()),
        schedule=Masking(),
        sampler=registry.parse("samplers", "unmask"),  # type: ignore[arg-type]
        steps=3,
    )
    return Generator("tokens", [stage], weights="0" * 64, size=(8, 8))


def _transformer(**fields: Any) -> Transformer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Transformer(
            TransformerConfig(width=32, depth=2, heads=2, text_width=TEXT_WIDTH, text_limit=16, **fields)
        )
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    return network


def files(folder: Path) -> dict[str, str]:
    """What guidances need by name: ``guide``, a dual encoder, ``noisy``, one that reads noise, and ``picture``."""
    found = {}
    for name in ("guide", "noisy"):
        config = DualEncoderConfig(
            size=16, widths=(16,), blocks=(1,), width=16, heads=2, depth=1, out=24, noisy=name == "noisy"
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            network = DualEncoder(config)
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        write_tensors(place / WEIGHTS, network.state_dict())
        (place / CONFIG).write_text(json.dumps(asdict(config)))
        found[name] = str(place)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "picture.png")
    return {**found, "picture": str(folder / "picture.png")}


def guides(name: str, there: Mapping[str, str]) -> st.SearchStrategy[Guidance]:
    """Valid options of a guidance, most of them not the defaults; ``there`` is what :func:`files` gave."""
    part, usual = registry.find("guidance", name), registry.parse("guidance", name)
    hints, own = typing.get_type_hints(part), _options(there).get(name, {})
    fields = {
        field.name: own.get(field.name, _choices(hints[field.name], getattr(usual, field.name)))
        for field in dataclasses.fields(part)  # type: ignore[arg-type]
    }
    built = st.fixed_dictionaries(fields).map(lambda values: _built(part, values))
    return built.filter(lambda each: each is not None)  # type: ignore[return-value]


def usual(name: str, there: Mapping[str, str]) -> Guidance:
    """Return a guidance with its defaults, and with the files it cannot do without."""
    needed = {
        "art": {"guide": there["guide"], "texts": ["a painting"]},
        "clip": {"guide": there["guide"]},
        "image": {"picture": there["picture"]},
    }
    part = registry.build("guidance", {"name": name, **needed.get(name, {})})
    assert isinstance(part, Guidance)
    return part


def _part(text: str) -> Guidance:
    part = registry.parse("guidance", text)
    assert isinstance(part, Guidance)
    return part


def _built(part: type[Any], values: Mapping[str, Any]) -> Guidance | None:
    try:
        return part(**values)
    except InputError:
        return None


def _choices(hint: Any, default: Any) -> st.SearchStrategy[Any]:
    if hint is bool:
        return st.booleans()
    if typing.get_origin(hint) is typing.Literal:
        return st.sampled_from(typing.get_args(hint))
    return st.just(default)


def _options(there: Mapping[str, str]) -> dict[str, dict[str, st.SearchStrategy[Any]]]:
    scales = st.sampled_from([0.0, 1.0, 2.5, 6.0])
    shares = st.sampled_from([0.0, 0.5, 1.0])
    scaled = {"scale": scales, "against": TEXTS}
    return {
        "structured": {"parser": st.sampled_from(["auto", "rules"])},
        "art": {
            "scale": st.sampled_from([0.0, 0.3]),
            "guide": st.just(there["guide"]),
            "texts": st.sampled_from([("a painting",), ("a painting", "grey")]),
            "pictures": st.sampled_from([(), (there["picture"],)]),
            "cuts": st.just(2),
            "through": st.sampled_from(["model", "clean"]),
        },
        "classifier_free": {
            **scaled,
            "low": st.sampled_from([0.0, 0.5]),
            "high": st.sampled_from([None, 5.0]),
            "agree": st.sampled_from([None, 0.9]),
        },
        "clip": {
            "scale": scales,
            "guide": st.just(there["guide"]),
            "text": TEXTS,
            "noisy": st.just(False),
            "through": st.sampled_from(["model", "clean"]),
        },
        "composed": {
            "prompts": st.just(("a blue cat", "a dog")),
            "weights": st.sampled_from([(), (1.0, -0.5), (0.0, 2.0)]),
        },
        "image": {
            "strength": scales,
            "picture": st.just(there["picture"]),
            "mask": st.sampled_from(["", there["picture"]]),
        },
        "interleaved": {
            "first": st.sampled_from([_part("classifier_free:scale=3"), _part("classifier_free:schedule=linear")]),
            "second": st.sampled_from([_part("classifier_free:scale=2,against=grey"), _part("pag")]),
            "ratio": shares,
        },
        "mixture": {
            "model": st.sampled_from([(), (there["model"],)]) if "model" in there else st.just(()),
            "prompt": st.sampled_from([(), ("a dog",)]),
            "until": st.just(1.0),
        },
        "paint_with_words": {"strength": st.sampled_from([0.0, 0.4, 3.0])},
        "pag": {"scale": scales, "layers": st.sampled_from([(), (0,), (0, 1)])},
        "cfg_plus_plus": {"scale": shares, "against": TEXTS},
        "cfg_zero": {**scaled, "zero_init": shares},
        "autoguidance": {
            "scale": scales,
            "model": st.sampled_from(["", there["model"]]) if "model" in there else st.just(""),
            "layers": st.sampled_from([(), (0,), (0, 1)]),
            "dropout": st.sampled_from([0.2, 1.0]),
        },
        "apg": {**scaled, "eta": shares, "radius": st.sampled_from([None, 2.0])},
        "sld": {"concept": st.sampled_from(["grey", "a dog"]), "warmup": st.sampled_from([None, 0.0, 25.0])},
    }


def walked(
    generator: Generator,
    guidances: Sequence[Guidance],
    *,
    sampler: str | None = None,
    max_rows: int | None = None,
    ledger: Ledger | None = None,
) -> Tensor:
    """Walk two steps with two prompts, and return the last state (pictures, ...)."""
    request = generator.request([HEART, "a dog"], guidance=guidances, sampler=sampler, steps=2)
    progress = [
        event
        for event in generator.draw(request, batch=2, max_rows=max_rows, ledger=ledger)
        if isinstance(event, Progress)
    ]
    return progress[-1].state.x
