"""A folder in diffusers' format: parts of the libraries' own classes, built without memory and filled exactly.

A field of a configuration is accepted where the library's class takes it, and held to what the family understands.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from limn.io.configurations import Rule, check_fields, either, one_of, read_json
from limn.io.files import first_line, sha256_of
from limn.kernel.errors import WeightsError, unknown_name
from limn.networks.weights import check_names, read_header, read_tensors

_INDEX_LIMIT: Final = 32 * 2**20
_MOST: Final = 2**20  # no number of layers, heads, channels or tokens is larger
_NOTES: Final = {"_class_name", "_diffusers_version", "_name_or_path"}
_HEADS: Final = r"^lm_head\.|(^|\.)visual\.|position_ids$|^proj_out_unused"
_PREFIXES: Final = ("model.language_model.", "model.", "text_model.")
_INERT: Final = {
    "architectures", "attn_implementation_autoset", "dense_act_fn", "dropout", "dtype", "is_gated_act",
    "output_past", "task_specific_params", "torch_dtype", "transformers_version", "use_cache", "_name_or_path",
}  # fmt: skip
_BASES: Final = {
    "Gemma2ForCausalLM": "Gemma2Model",
    "Qwen2_5_VLForConditionalGeneration": "Qwen2_5_VLTextModel",
    "Qwen3ForCausalLM": "Qwen3Model",
}
"""Classes of language models whose heads say nothing of a picture, and what is read of them."""


@dataclass
class Folder:
    """A model folder; it keeps the hashes of all weights that were read from it.

    Args:
        path: The folder.
        classes: Classes that each part may be of, by the part's name.
        device: Where networks go.
        dtype: Precision of the weights.
        rules: What further fields of ``model_index.json`` may hold.
        optional: Parts that may be missing.
    """

    path: Path
    classes: Mapping[str, Sequence[str]]
    device: str
    dtype: torch.dtype
    rules: Mapping[str, Rule] = field(default_factory=dict)
    optional: Sequence[str] = ()
    hashes: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def index(self) -> dict[str, Any]:
        """What ``model_index.json`` says, checked.

        Raises:
            WeightsError: A part is of a class that the family does not have, or is missing.
        """
        path = self.path / "model_index.json"
        absent = one_of(None, [None, None])
        rules = {name: Rule("text", lambda value: isinstance(value, str)) for name in _NOTES}
        for part, kinds in self.classes.items():
            known = [[library, kind] for library in ("transformers", "diffusers") for kind in kinds]
            rules[part] = either(one_of(*known), absent) if part in self.optional else one_of(*known)
        fields = read_json(path)
        required = [part for part in self.classes if part not in self.optional]
        check_fields(path, fields, {**rules, **self.rules}, required)
        return fields

    def has(self, part: str) -> bool:
        """Say whether the folder has an optional part."""
        return self.index.get(part) not in (None, [None, None])

    def fields(self, part: str, rules: Mapping[str, Rule] | None = None) -> dict[str, Any]:
        """Return the checked configuration of a part.

        Args:
            part: Its name in the index.
            rules: What limn understands of some fields; others may hold what the class takes.

        Raises:
            WeightsError: The file is missing or damaged, or a field is unknown or not understood.
        """
        path = self.path / part / ("scheduler_config.json" if part == "scheduler" else "config.json")
        given, kind = read_json(path, infinite=part == "scheduler"), self._kind(part)
        known = _accepted(kind)
        for name, value in given.items():
            if name not in known:
                raise WeightsError(f"{path}: {unknown_name('field', name, sorted(known))}"[:400])
            _bounded(path, name, value)
        own = {name: rule for name, rule in (rules or {}).items() if name in given}
        check_fields(path, {name: given[name] for name in own}, own)
        self.settings[part] = given
        return {name: value for name, value in given.items() if name not in _NOTES}

    def network(self, part: str, rules: Mapping[str, Rule] | None = None) -> Any:
        """Build a part's network, fill it with its weights, and freeze it.

        Raises:
            WeightsError: As :meth:`fields`; or weights are missing, damaged, unsafe or do not fit.
        """
        fields, kind = self.fields(part, rules), self._kind(part)
        network = _built(kind, fields, self.path / part / "config.json")
        files = self._files(part)
        tied = set(getattr(network, "_tied_weights_keys", None) or ())
        wanted = {name: tuple(own.shape) for name, own in network.state_dict().items() if name not in tied}
        names = {file: _renamed(read_header(file), {*wanted, *tied}) for file in files}
        shapes = {
            new: read_header(file)[old][1]
            for file, own in names.items()
            for old, new in own.items()
            if new not in tied
        }
        check_names(str(self.path / part), shapes, wanted)
        tensors: dict[str, Tensor] = {}
        for file, own in names.items():
            read = read_tensors(file, skip=_HEADS, dtype=self.dtype)
            tensors |= {own[name]: tensor for name, tensor in read.items()}
        network.load_state_dict(tensors, strict=False, assign=True)
        if tied:
            network.tie_weights()
        self.hashes[part] = [sha256_of(file) for file in files]
        torch.nn.Module.to(network, self.device, self.dtype)  # the libraries' own warns of what is no matter here
        return network.eval().requires_grad_(False)

    def tokenizer(self, part: str) -> Any:
        """Return a part's tokenizer; chat templates are not run.

        Raises:
            WeightsError: Files are missing, damaged, or ask to run code.
        """
        import transformers

        folder = self.path / part
        for settings in sorted(folder.glob("*.json")):
            read_json(settings, limit=_INDEX_LIMIT)
        try:
            name = str(self.index[part][1]).removesuffix("Fast")
            return getattr(transformers, name).from_pretrained(folder, local_files_only=True)
        except Exception as error:  # the libraries raise many kinds for damaged vocabularies
            raise WeightsError(
                f"{folder}: the tokenizer cannot be read ({first_line(error)[:150]}); get it again"
            ) from None

    @property
    def weights(self) -> str:
        """SHA-256 of all that was read."""
        files = [digest for part in sorted(self.hashes) for digest in self.hashes[part]]
        return hashlib.sha256("\n".join([*files, json.dumps(self.settings, sort_keys=True)]).encode()).hexdigest()

    def _kind(self, part: str) -> Any:
        """Return the class of a part, from the library that has it."""
        import diffusers
        import transformers

        name = self.index[part][1]
        library = transformers if self.index[part][0] == "transformers" else diffusers
        return getattr(library, _BASES.get(name, name), None) or getattr(
            transformers.models.qwen2_5_vl.modeling_qwen2_5_vl, _BASES.get(name, name)
        )

    def _files(self, part: str) -> list[Path]:
        """Return a part's files of weights: one, or the shards that its index names."""
        folder = self.path / part
        stem = "model" if self.index[part][0] == "transformers" else "diffusion_pytorch_model"
        for variant in ("", ".bf16", ".fp16"):
            if (one := folder / f"{stem}{variant}.safetensors").exists():
                return [one]
            if (several := folder / f"{stem}.safetensors.index{variant}.json").exists():
                return _shards(several)
        pickles = sorted(each.name for each in folder.glob("*.bin")) if folder.is_dir() else []
        why = f"only {pickles[0]}, a pickle that can run code" if pickles else "no such file"
        raise WeightsError(f"{folder / stem}.safetensors: {why}; get the model again, in safetensors format")


def _shards(index: Path) -> list[Path]:
    named = read_json(index, limit=_INDEX_LIMIT).get("weight_map")
    files = sorted(set(named.values())) if isinstance(named, dict) and named else []
    if not files or not all(isinstance(file, str) and re.fullmatch(r"[\w.-]+\.safetensors", file) for file in files):
        raise WeightsError(f"{index}: does not say in which safetensors files the weights are; get it again")
    return [index.parent / file for file in files]


def _accepted(kind: Any) -> set[str]:
    """Return the names that a class takes in its configuration."""
    if hasattr(kind, "config_class") and kind.config_class is not None:
        config = kind.config_class
        taken = set(inspect.signature(config.__init__).parameters) | set(config().to_dict()) | _INERT
        return taken | _parents(kind)
    return (set(inspect.signature(kind.__init__).parameters) - {"self", "kwargs"}) | _NOTES


def _parents(kind: Any) -> set[str]:
    """Return the fields of a whole model whose text model alone is read."""
    if kind.__name__ != "Qwen2_5_VLTextModel":
        return set()
    import transformers

    return set(transformers.Qwen2_5_VLConfig().to_dict())


def _bounded(path: Path, name: str, value: Any) -> None:
    """Refuse numbers that no network has, before one is built by them."""
    for number in value if isinstance(value, list) else [value]:
        if type(number) is int and abs(number) > _MOST and "token_id" not in name:
            raise WeightsError(f"{path}: {name} is {number:,}; no model that limn knows has so many")
        if type(number) is int and "layers" in name and number > 1000:
            raise WeightsError(f"{path}: {name} is {number:,}; no model that limn knows has so many layers")


def _built(kind: Any, fields: Mapping[str, Any], source: Path) -> Any:
    """Build a network whose weights take no memory."""
    from accelerate import init_empty_weights

    try:
        with init_empty_weights(include_buffers=False):
            config = getattr(kind, "config_class", None)
            if config is None:
                return kind(**fields)
            own = fields.get("text_config", fields) if kind.__name__ == "Qwen2_5_VLTextModel" else fields
            return kind(config(**own))
    except Exception as error:  # the libraries raise many kinds for fields that do not fit each other
        raise WeightsError(
            f"{source}: its fields contradict each other ({first_line(error)[:150]}); get it again"
        ) from None


def _renamed(header: Mapping[str, Any], wanted: set[str]) -> dict[str, str]:
    """Return the network's name of each tensor in a file, across classes with other heads and older libraries."""
    names = {}
    for name in header:
        if re.search(_HEADS, name):
            continue
        shorter = [name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)]
        others = [*shorter, *(prefix + name for prefix in _PREFIXES)]
        names[name] = name if name in wanted else next((other for other in others if other in wanted), name)
    return names
