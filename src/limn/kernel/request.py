"""A request says everything that decides a picture; its key names the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt, Region

__all__ = ["MAX_PICTURES", "Item", "Request"]

MAX_PICTURES = 1_000_000
MAX_SEED = 2**63 - 1
SCHEMA = 1


@dataclass(frozen=True)
class Item:
    """One picture of a request.

    Args:
        index: Its place in the request, counted from 0.
        prompt: What is asked.
        seed: Seed of its random stream.
    """

    index: int
    prompt: Prompt
    seed: int


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything that decides the pictures of a run.

    Args:
        model: Name or folder of the model.
        weights: SHA-256 of the model's weights.
        prompts: What is asked, in order.
        n: Pictures for each prompt; picture k of a prompt is drawn with seed + k.
        seed: Seed of the first picture of each prompt, from 0 to 2**63 - 1.
        steps: Steps of the sampler.
        width: Pixels.
        height: Pixels.
        sampler: Record of the sampler.
        guidance: Records of the guidances.
        edit: Record of the edit, if a picture that exists is where drawing starts.
        files: SHA-256 of each file that a guidance reads, by its path.

    >>> request = Request(model="emoji", prompts=(Prompt("a red heart"),), n=2, seed=7)
    >>> [item.seed for item in request.items()]
    [7, 8]
    """

    model: str
    prompts: tuple[Prompt, ...]
    weights: str = ""
    n: int = 1
    seed: int = 0
    steps: int = 1
    width: int = 64
    height: int = 64
    sampler: Mapping[str, Any] = field(default_factory=dict)
    guidance: tuple[Mapping[str, Any], ...] = ()
    edit: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.prompts:
            raise InputError("prompts: none given; write at least one")
        _whole("n", self.n, 1, MAX_PICTURES)
        _whole("pictures", self.n * len(self.prompts), 1, MAX_PICTURES)
        _whole("seed", self.seed, 0, MAX_SEED - self.n)
        _whole("steps", self.steps, 1, 1000)
        _whole("width", self.width, 1, 4096)
        _whole("height", self.height, 1, 4096)

    def items(self) -> list[Item]:
        """Return the pictures asked for, all of one prompt after another."""
        return [
            Item(place * self.n + k, prompt, self.seed + k)
            for place, prompt in enumerate(self.prompts)
            for k in range(self.n)
        ]

    def record(self) -> dict[str, Any]:
        """Return the request as JSON-ready data."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "weights": self.weights,
            "prompts": [_prompt_record(prompt) for prompt in self.prompts],
            "n": self.n,
            "seed": self.seed,
            "steps": self.steps,
            "width": self.width,
            "height": self.height,
            "sampler": dict(self.sampler),
            "guidance": [dict(each) for each in self.guidance],
            **({"edit": dict(self.edit)} if self.edit else {}),
            **({"files": dict(self.files)} if self.files else {}),
        }

    def key(self) -> str:
        """Return the SHA-256 of the canonical record, as 64 hexadecimal digits."""
        text = json.dumps(self.record(), sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Request:
        """Rebuild a request; the inverse of :meth:`record`.

        Raises:
            InputError: If the record is of another schema or lacks a field.
        """
        if not isinstance(record, Mapping) or record.get("schema") != SCHEMA:
            found = record.get("schema") if isinstance(record, Mapping) else None
            raise InputError(f"request record: schema {found!r} cannot be read; this version reads schema {SCHEMA}")
        fields = {key: value for key, value in record.items() if key != "schema"}
        try:
            fields["prompts"] = tuple(_prompt_from(each) for each in fields["prompts"])
            fields["guidance"] = tuple(fields["guidance"])
            return cls(**fields)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"request record: not complete ({error}); it was changed or damaged") from None


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name}: {str(value)[:40]} is not allowed; give a whole number from {low} to {high}")


def _prompt_record(prompt: Prompt) -> dict[str, Any]:
    fields: dict[str, Any] = {"text": prompt.text}
    if prompt.images:
        fields["images"] = [image.hex() for image in prompt.images]
    if prompt.regions:
        fields["regions"] = [
            {"words": each.words, "box": list(each.box), "mask": each.mask.hex(), "weight": each.weight}
            for each in prompt.regions
        ]
    if prompt.weights:
        fields["weights"] = list(prompt.weights)
    return fields


def _prompt_from(fields: Mapping[str, Any]) -> Prompt:
    regions = tuple(
        Region(
            words=each["words"],
            box=tuple(each["box"]),
            mask=bytes.fromhex(each["mask"]),
            weight=each["weight"],
        )
        for each in fields.get("regions", ())
    )
    images = tuple(bytes.fromhex(each) for each in fields.get("images", ()))
    return Prompt(fields["text"], images, regions, tuple(fields.get("weights", ())))
