"""Dual encoders of any make behind one door: limn's judges, and CLIP and SigLIP folders read by transformers.

CLIP: Radford et al. 2021, arXiv:2103.00020. SigLIP: Zhai et al. 2023, arXiv:2303.15343.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from limn.io.configurations import read_json
from limn.kernel.errors import InputError, WeightsError
from limn.models.plugins import plugin
from limn.models.transformers_folders import read_folder

if TYPE_CHECKING:
    from torch import Tensor

AT_ONCE = 64
FAMILIES = {"clip": "CLIPModel", "siglip": "SiglipModel"}


class Encoder(Protocol):
    """Places pictures and texts in one space, near each other where they fit."""

    name: str
    weights: str

    @property
    def scale(self) -> float:
        """What cosines are multiplied by to be logits."""

    @property
    def bias(self) -> float | None:
        """What is then added, so that the sigmoid is the probability to fit; None where only shares were trained."""

    def images(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return unit vectors (pictures, width) of pictures, uint8 (height, width, 3) each, of any sizes."""

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors (texts, width)."""


def load(name: str | Path = "judge_b", *, device: str = "cpu") -> Encoder:
    """Load a dual encoder.

    Args:
        name: One shipped with limn, a folder of one, a CLIP or SigLIP folder as transformers saves it, or one that
            an installed package adds by an entry point of the group ``limn.judges``.
        device: Where it runs.

    Raises:
        InputError: There is no such encoder; the message has the nearest name.
        WeightsError: Its files are missing, damaged or unsafe, or it is of another family.
    """
    path = Path(name).expanduser()
    if (path / "config.json").is_file():
        return _Folder.read(path, name=str(name), device=device)
    added = plugin("judges", str(name))
    if added is not None:
        encoder: Encoder = added(device=device)
        return encoder
    from limn.models.judges import judge

    own = judge(name, device=device)
    return _Judge(name=own.name, weights=own.weights, judge=own)


@dataclass(kw_only=True)
class _Judge:
    """One of limn's own."""

    name: str
    weights: str
    judge: Any

    @property
    def scale(self) -> float:
        return float(self.judge.network.scale)

    @property
    def bias(self) -> None:
        return None

    def images(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        vectors = [self.judge.images(np.stack(part)).numpy() for part in _alike(pictures)]
        return np.concatenate(vectors) if vectors else np.zeros((0, self.judge.network.config.out), np.float32)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(self.judge.texts(list(texts)).numpy(), np.float32)


@dataclass(kw_only=True)
class _Folder:
    """One that transformers reads."""

    name: str
    weights: str
    network: Any
    tokenizer: Any
    sight: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path, *, name: str, device: str) -> _Folder:
        """Read a folder, safetensors only and nothing from the network."""
        network, tokenizer, digest = read_folder(path, FAMILIES, "give a CLIP or SigLIP folder")
        network.to(device).eval().requires_grad_(False)
        side = network.config.vision_config.image_size
        return cls(name=name, weights=digest, network=network, tokenizer=tokenizer, sight=_sight(path, side))

    @property
    def scale(self) -> float:
        return float(self.network.logit_scale.exp())

    @property
    def bias(self) -> float | None:
        bias = getattr(self.network, "logit_bias", None)
        return None if bias is None else float(bias)

    @property
    def _width(self) -> int:
        config = self.network.config
        return int(getattr(config, "projection_dim", 0) or config.text_config.hidden_size)

    def images(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        import torch

        vectors = [np.zeros((0, self._width), np.float32)]
        for start in range(0, len(pictures), AT_ONCE):
            pixels = np.stack([_prepared(picture, self.sight) for picture in pictures[start : start + AT_ONCE]])
            with torch.inference_mode():
                inputs = torch.from_numpy(pixels).to(self.network.device)
                vectors.append(_unit(self.network.get_image_features(pixel_values=inputs)))
        return np.concatenate(vectors)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        limit = self.network.config.text_config.max_position_embeddings
        # SigLIP was trained on rows of full length and takes its answer from the last place.
        padding = "max_length" if self.network.config.model_type == "siglip" else True
        vectors = [np.zeros((0, self._width), np.float32)]
        for start in range(0, len(texts), AT_ONCE):
            rows = self.tokenizer(
                list(texts[start : start + AT_ONCE]),
                padding=padding, truncation=True, max_length=limit, return_tensors="pt",
            )  # fmt: skip
            given = {
                name: rows[name].to(self.network.device) for name in ("input_ids", "attention_mask") if name in rows
            }
            if padding == "max_length":
                given.pop("attention_mask", None)
            with torch.inference_mode():
                vectors.append(_unit(self.network.get_text_features(**given)))
        return np.concatenate(vectors)


def _unit(answer: Any) -> NDArray[np.float32]:
    vectors: Tensor = getattr(answer, "pooler_output", answer)
    return np.asarray((vectors / vectors.norm(dim=-1, keepdim=True)).float().cpu().numpy(), np.float32)


def _alike(pictures: Sequence[NDArray[np.uint8]]) -> Iterator[list[NDArray[np.uint8]]]:
    """Cut pictures into stretches of one size, in order."""
    part: list[NDArray[np.uint8]] = []
    for picture in pictures:
        if part and (picture.shape != part[0].shape or len(part) == 4 * AT_ONCE):
            yield part
            part = []
        part.append(picture)
    if part:
        yield part


def _sight(path: Path, side: int) -> Mapping[str, Any]:
    """Return how pictures are prepared: size, crop, resampling, mean and deviation."""
    files = (path / name for name in ("preprocessor_config.json", "processor_config.json"))
    file = next((file for file in files if file.is_file()), None)
    options = read_json(file) if file else {}
    options = options.get("image_processor", options)
    try:
        size = options.get("size", side)
        size = {"shortest_edge": size} if isinstance(size, int) else dict(size)
        mean, deviation = (
            np.array(options.get(name, [0.5] * 3), np.float32) for name in ("image_mean", "image_std")
        )
        if mean.shape != (3,) or deviation.shape != (3,) or not (deviation > 0).all():
            raise ValueError("image_mean and image_std must be three numbers")
        short = size.get("shortest_edge")
        target = None if short else (int(size["height"]), int(size["width"]))
        crop = bool(options.get("do_center_crop", short is not None))
        resample = int(options.get("resample", 3))
    except (TypeError, ValueError, KeyError) as error:
        raise WeightsError(f"{file}: cannot be read ({error}); save the model's image processor again") from None
    return {
        "short": short, "target": target, "crop": crop, "side": side,
        "resample": resample, "mean": mean, "deviation": deviation,
    }  # fmt: skip


def _prepared(picture: NDArray[np.uint8], sight: Mapping[str, Any]) -> NDArray[np.float32]:
    """Scale, crop and normalise one picture as the encoder was trained: (3, side, side)."""
    from PIL import Image

    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise InputError(f"pictures: {picture.dtype} of shape {picture.shape}; give uint8 (height, width, 3)")
    height, width = picture.shape[:2]
    if sight["short"]:
        ratio = sight["short"] / min(height, width)
        height, width = (
            sight["short"] if side == min(height, width) else int(side * ratio) for side in (height, width)
        )
    else:
        height, width = sight["target"]
    image = Image.fromarray(picture).resize((width, height), Image.Resampling(sight["resample"]))
    if sight["crop"]:
        left, top = (width - sight["side"]) // 2, (height - sight["side"]) // 2
        image = image.crop((left, top, left + sight["side"], top + sight["side"]))
    values = (np.asarray(image, np.float32) / 255 - sight["mean"]) / sight["deviation"]
    return np.ascontiguousarray(values.transpose(2, 0, 1), np.float32)
