"""One learned thing, one safetensors file: words, changes to layers, and the record of how they came about.

The record is JSON in the file's header under ``limn``. The tensors stand in the layouts of diffusers, so that its
``load_textual_inversion`` and ``load_lora_weights`` read them; files of other tools are read as :mod:`words` and
:mod:`layers` of this package say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from torch import Tensor

from limn.io.configurations import parse_json
from limn.kernel.errors import WeightsError
from limn.networks.low_rank import Change, Factors
from limn.networks.weights import read_tensors, write_tensors
from limn.personalise import layers as layer_layouts
from limn.personalise import words as word_layouts

Layout = Literal["diffusers", "kohya"]

PEFT: Final = ("adapter_model.safetensors", "adapter_config.json")
"""What peft calls its two files."""

PAPERS: Final[Mapping[str, str]] = {
    "textual_inversion": "gal2023textualinversion",
    "dreambooth": "ruiz2023dreambooth",
    "lora": "hu2022lora",
    "sine": "zhang2023sine",
}
"""Papers of the methods that a record may name."""

_RECORD: Final = "limn"
_EXTRA: Final = "limn."


@dataclass(frozen=True, kw_only=True, eq=False)
class Learned:
    """What was learned.

    Args:
        words: Vectors (n, width) of each written word, in n places of a text; several where text encoders of several
            widths read it.
        changes: By network (``unet``, ``text_encoder``, ``transformer``, or empty where the file does not say), then
            by the name of the layer.
        extra: Further tensors by name, for methods that need some.
        record: JSON-ready: ``base`` (``name`` and ``weights`` of the model), ``method``, ``recipe``, ``pictures``
            (their hashes), ``words``, ``licence``, ``limn``.
        unread: Names of tensors in the file that nothing is known of.
    """

    words: Mapping[str, tuple[Tensor, ...]] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Change]] = field(default_factory=dict)
    extra: Mapping[str, Tensor] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


def read(path: Path) -> Learned:
    """Read a learned thing, of limn or of another tool.

    Args:
        path: A safetensors file, or a folder that peft wrote.

    Raises:
        WeightsError: It is missing, damaged, a pickle, or holds no such thing.
    """
    path = file_of(path)
    tensors, header = read_tensors(path), metadata(path)
    record = parse_json(path, header[_RECORD].encode()) if _RECORD in header else {}
    extra = {name.removeprefix(_EXTRA): tensors.pop(name) for name in list(tensors) if name.startswith(_EXTRA)}
    changes, rest = layer_layouts.read(path, tensors, layer_layouts.settings(path, header))
    words, unread = word_layouts.read(path, rest, alone=not changes, names=_names(record))
    if not (words or changes or extra):
        why = f"holds no learned word and no change to a layer ({', '.join(repr(n[:60]) for n in sorted(rest)[:3])})"
        raise WeightsError(f"{path}: {why}; name the file of a textual inversion or a LoRA")
    return Learned(words=words, changes=changes, extra=extra, record=record, unread=tuple(unread))


def write(path: Path, learned: Learned, *, layout: Layout = "diffusers") -> None:
    """Write a learned thing whole or not at all.

    Args:
        path: The file.
        learned: What; changes that are whole matrices, as of LoHa and LoKr, cannot be written.
        layout: How changes to layers are named; a file of words alone is always as diffusers has it.

    Raises:
        WeightsError: It cannot be written in a layout that others read.
    """
    factors: dict[tuple[str, str], Factors] = {}
    for network, changes in learned.changes.items():
        for name, change in changes.items():
            if not isinstance(change, Factors):
                raise WeightsError(f"{path}: the change of {name} is no product of two matrices; keep its own file")
            factors[network, name] = change
    tensors = word_layouts.written(path, learned.words, alone=not factors)
    tensors |= layer_layouts.written(factors, layout)
    tensors |= {_EXTRA + name: tensor for name, tensor in learned.extra.items()}
    record = {**learned.record, **({"words": list(learned.words)} if learned.words else {})}
    text = json.dumps(record, sort_keys=True, allow_nan=False)
    write_tensors(
        path, {n: t.detach().cpu().contiguous() for n, t in tensors.items()}, {"format": "pt", _RECORD: text}
    )


def file_of(path: Path) -> Path:
    """Return the file of weights: the path itself, or the one in a folder that peft wrote.

    Raises:
        WeightsError: It is a pickle by its name.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() in (".pt", ".bin", ".ckpt", ".pth", ".pkl"):
        why = "a pickle can run code when opened"
        raise WeightsError(f"{path}: {why}; convert it to safetensors as docs/how-to/adapters.md shows")
    return path / PEFT[0] if (path / PEFT[0]).is_file() else path


def metadata(path: Path) -> dict[str, str]:
    """Return the text that a safetensors file keeps in its header.

    Raises:
        WeightsError: The file is missing, damaged or unsafe.
    """
    from safetensors import safe_open

    from limn.networks.weights import read_header

    read_header(path)
    with safe_open(path, "pt") as file:
        return dict(file.metadata() or {})


def _names(record: Mapping[str, Any]) -> tuple[str, ...]:
    names = record.get("words", ())
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()
