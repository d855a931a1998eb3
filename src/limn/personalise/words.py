"""Learned words (textual inversion; Gal et al. 2022, arXiv:2208.01618) in the shapes of many tools.

========================================  ==========================================================
diffusers                                 one tensor (width,) or (n, width), called as the word
A1111, civitai                            ``emb_params``; the word is the file's name
SDXL                                      ``clip_l`` and ``clip_g``, or ``text_encoders_0`` and ``_1``
inside a LoRA file                        ``bundle_emb.WORD.KEY``, KEY as above or ``string_to_param.*``
========================================  ==========================================================

What a vector is for is said by its width; the key only tells that it is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from torch import Tensor

from limn.kernel.errors import WeightsError

MAX_VECTORS: Final = 75
"""Vectors of one word; a prompt of CLIP has room for no more."""

_KEYS: Final = (
    "emb_params", "clip_l", "clip_g", "text_encoders_0", "text_encoders_1", "string_to_param.*", "string_to_param",
    "t5", "t5xxl", "text_encoders_2",
)  # fmt: skip
_BUNDLE: Final = "bundle_emb."
_T5: Final = 4096
_NAMES: Final = {768: "clip_l", 1280: "clip_g"}


def read(
    path: Path, tensors: Mapping[str, Tensor], *, alone: bool, names: Sequence[str] = ()
) -> tuple[dict[str, tuple[Tensor, ...]], list[str]]:
    """Find the learned words among tensors.

    Args:
        path: The file; it lends its name to a word that has none.
        tensors: What is in it, changes to layers left out.
        alone: Whether it holds words only, so that any other name is a word too.
        names: Words that the file's record names.

    Returns:
        Vectors of each word, and the names of tensors that are none.

    Raises:
        WeightsError: A tensor has not the shape of vectors, or is for a text encoder that cannot be taught words.
    """
    words: dict[str, list[Tensor]] = {}
    unread = []
    for name, tensor in tensors.items():
        word, key = (names[0] if len(names) == 1 else path.stem), name
        if name.startswith(_BUNDLE):
            word, _, key = name.removeprefix(_BUNDLE).partition(".")
        elif name not in _KEYS:
            word, key = name, "clip_l"
            if not alone:
                unread.append(name)
                continue
        words.setdefault(check_word(path, word), []).append(_vectors(path, name, key, tensor))
    return {word: tuple(vectors) for word, vectors in words.items()}, unread


def written(path: Path, words: Mapping[str, Sequence[Tensor]], *, alone: bool) -> dict[str, Tensor]:
    """Return tensors by their names in a file, as diffusers reads them where it can.

    Args:
        path: The file, for errors.
        words: Vectors of each word.
        alone: Whether nothing else will be in the file.

    Raises:
        WeightsError: A word is called as a key of these files, or has vectors of no known text encoder.
    """
    tensors = {}
    for word, vectors in words.items():
        check_word(path, word)
        if alone and len(vectors) == 1:
            tensors[word] = vectors[0]
            continue
        for rows in vectors:
            key = _NAMES.get(rows.shape[-1], "emb_params")
            name = key if alone and len(words) == 1 else f"{_BUNDLE}{word}.{key}"
            if name in tensors:
                raise WeightsError(f"{path}: {word!r} has vectors of two encoders that files cannot tell apart")
            tensors[name] = rows
    return tensors


def check_word(path: Path, word: str) -> str:
    """Return a word that can be written in a prompt.

    Raises:
        WeightsError: It cannot.
    """
    plain = word.isprintable() and word.strip() == word and 0 < len(word) <= 100
    if not plain or word in _KEYS or word.startswith((_BUNDLE, "limn.")):
        raise WeightsError(f"{path}: {word[:40]!r} cannot be a word of a prompt; rename the file or the word")
    return word


def _vectors(path: Path, name: str, key: str, tensor: Tensor) -> Tensor:
    """Return vectors (n, width), float32."""
    rows = tensor[None] if tensor.ndim == 1 else tensor
    if key.startswith("t5") or key == "text_encoders_2" or rows.shape[-1] == _T5:
        raise WeightsError(f"{path}: {name[:60]} is for a T5 text encoder, which limn cannot teach; leave it out")
    if rows.ndim != 2 or not rows.is_floating_point() or not 0 < len(rows) <= MAX_VECTORS or not rows.shape[1]:
        shape = tuple(tensor.shape)
        raise WeightsError(
            f"{path}: {name[:60]} has shape {shape}; a word is (width) or up to {MAX_VECTORS} vectors (n, width)"
        )
    return rows.float()
