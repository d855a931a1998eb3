"""A folder in diffusers' format: parts of the libraries' own classes, built without memory and filled exactly.

A field of a configuration is accepted where the library's class takes it, and held to what the family understands.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import torch

from limn.io.configurations import Rule, check_fields, either, one_of, read_json
from limn.io.files import first_line, sha256_of
from limn.kernel.errors import WeightsError, unknown_name
from limn.models import memory
from limn.models.checkpoints.shared import weight_files
from limn.networks import bitsandbytes
from limn.networks.weights import check_names

_MOST: Final = 2**20  # no number of layers, heads, channels or tokens is larger
_NOTES: Final = {"_class_name", "_diffusers_version", "_name_or_path"}
_HEADS: Final = r"(^|\.)lm_head\.|(^|\.)(visual|vision_tower|multi_modal_projector)\.|position_ids$|^proj_out_unused"
_PREFIXES: Final = ("model.language_model.", "language_model.model.", "model.", "text_model.")
_INERT: Final = {
    "architectures", "attn_implementation_autoset", "dense_act_fn", "dropout", "dtype", "is_gated_act",
    "output_past", "task_specific_params", "torch_dtype", "transformers_version", "use_cache", "_name_or_path",
}  # fmt: skip
_BASES: Final = {
    "Gemma2ForCausalLM": "Gemma2Model",
    "Mistral3ForConditionalGeneration": "MistralModel",
    "Qwen2_5_VLForConditionalGeneration": "Qwen2_5_VLTextModel",
    "Qwen3ForCausalLM": "Qwen3Model",
}
"""Classes of language models whose heads say nothing of a picture, and what is read of them."""

_WHOLE: Final = {"MistralModel": "Mistral3Config", "Qwen2_5_VLTextModel": "Qwen2_5_VLConfig"}
"""Text models of models that also see, and the configurations of these."""

_TOKENIZERS: Final = {"PixtralProcessor": "PreTrainedTokenizerFast"}
"""What reads the words of a class that also reads pictures."""


@dataclass
class Folder:
    """A model folder; it keeps the hashes of all weights that were read from it, and what fills text encoders again.

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
    again: dict[Any, Callable[[], object]] = field(default_factory=dict)

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
        given = read_json(path, infinite=part == "scheduler", quantised=part != "scheduler")
        if "quantization_config" in given:
            bitsandbytes.check_settings(path, given.pop("quantization_config"))
        kind = self._kind(part)
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
        if not self.hashes:
            self._fits()
        network = _built(self._kind(part), self.fields(part, rules), self.path / part / "config.json")
        if part.startswith("text_encoder"):
            self.again[network] = partial(self._fill, part, network)
        self._fill(part, network)
        self.hashes[part] = [sha256_of(file) for file in self._files(part)]
        return network.eval().requires_grad_(False)

    def _fits(self) -> None:
        """Refuse a model whose weights alone do not fit into memory."""
        parts = [part for part, kinds in self.classes.items() if self.has(part) and _weighs(part, kinds)]
        files = [file for part in parts for file in self._files(part)]
        memory.check(str(self.path), files, self.dtype.itemsize, (0, 0))

    def _fill(self, part: str, network: Any) -> None:
        """Give a network without weights its own, which must fit exactly."""
        tied = set(getattr(network, "_tied_weights_keys", None) or ())
        wanted = {name: tuple(own.shape) for name, own in network.state_dict().items() if name not in tied}
        renamed, files = partial(_renamed, wanted={*wanted, *tied}), self._files(part)
        shapes = weight_files.shapes(files, renamed, _HEADS)
        check_names(str(self.path / part), {name: own for name, own in shapes.items() if name not in tied}, wanted)
        tensors = weight_files.tensors(files, renamed, _HEADS, self.dtype)
        network.load_state_dict(tensors, strict=False, assign=True)
        if tied:
            network.tie_weights()
        torch.nn.Module.to(network, self.device, self.dtype)  # the libraries' own warns of what is no matter here
        network.requires_grad_(False)

    def tokenizer(self, part: str) -> Any:
        """Return a part's tokenizer; chat templates are not run.

        Raises:
            WeightsError: Files are missing, damaged, or ask to run code.
        """
        import transformers

        folder = self.path / part
        for settings in sorted(folder.glob("*.json")):
            read_json(settings, limit=weight_files.INDEX_LIMIT)
        try:
            name = str(self.index[part][1]).removesuffix("Fast")
            name = _TOKENIZERS.get(name, name)
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
        return weight_files.weights_files(self.path / part, self.index[part][0])


def _weighs(part: str, kinds: Sequence[str]) -> bool:
    """Say whether a part has weights that are read."""
    return bool(kinds) and part != "scheduler" and not part.startswith("tokenizer")


def _accepted(kind: Any) -> set[str]:
    """Return the names that a class takes in its configuration."""
    if hasattr(kind, "config_class") and kind.config_class is not None:
        config = kind.config_class
        taken = set(inspect.signature(config.__init__).parameters) | set(config().to_dict()) | _INERT
        return taken | _parents(kind)
    return (set(inspect.signature(kind.__init__).parameters) - {"self", "kwargs"}) | _NOTES


def _parents(kind: Any) -> set[str]:
    """Return the fields of a whole model whose text model alone is read."""
    if kind.__name__ not in _WHOLE:
        return set()
    import transformers

    return set(getattr(transformers, _WHOLE[kind.__name__])().to_dict())


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
            own = fields.get("text_config", fields) if kind.__name__ in _WHOLE else fields
            return kind(config(**own))
    except Exception as error:  # the libraries raise many kinds for fields that do not fit each other
        raise WeightsError(
            f"{source}: its fields contradict each other ({first_line(error)[:150]}); get it again"
        ) from None


def _renamed(name: str, wanted: set[str]) -> str:
    """Return the network's name of a tensor in a file, across classes with other heads and older libraries."""
    shorter = [name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)]
    others = [*shorter, *(prefix + name for prefix in _PREFIXES)]
    return name if name in wanted else next((other for other in others if other in wanted), name)
