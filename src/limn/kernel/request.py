"""A request says everything that decides a picture; its key names the run.

The fields of :class:`Request` are at once the options of the command line, the keys of a request file, the axes of a
grid, the keywords of :meth:`limn.Generator.request` and the record in every picture. To add an option, add a field.
"""

from __future__ import annotations

import hashlib
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from limn.kernel import registry
from limn.kernel.errors import InputError, unknown_name
from limn.kernel.model_names import OPTIONS, with_options
from limn.kernel.options import Option, option
from limn.kernel.prompt import Prompt, Region, prompt_from, prompt_record

if TYPE_CHECKING:
    from limn.kernel.edit import Edit
    from limn.kernel.guidance import Guidance
    from limn.kernel.sampler import Sampler

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


def options() -> dict[str, Option]:
    """Return the options of drawing by name.

    >>> options()["steps"].kind
    <class 'int'>
    """
    return {item.name: item.metadata["option"] for item in fields(Request) if "option" in item.metadata}


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything that decides the pictures of a run; what is left out is the model's own.

    A generator completes a request (:meth:`limn.Generator.complete`): then nothing is left out, parts are objects,
    and what only says how to read the rest is folded into it. Complete requests have a record and a key.

    Args:
        prompts: What is asked, in order; texts become prompts.
        n: Pictures for each prompt; picture k of a prompt is drawn with seed + k.
        seed: Seed of the first picture of each prompt, from 0 to 2**63 - 1.
        steps: Steps of the sampler.
        size: Height and width in pixels, or text as ``64`` or ``64x96`` (width x height).
        sampler: A part, or text such as ``"ddim:eta=1"``.
        spacing: How the noise levels are spaced (:mod:`limn.samplers.levels`).
        scale: Guidance scale, of whichever guidance has the slot ``scale``; 0 is no guidance, as 1 is.
        negative: Negative prompt of the same guidance.
        guide: Further guidances, as parts, text or records; one that the model has keeps the model's values where
            none are given, and one that takes another's place replaces it.
        guidance: All guidances, in place of the model's own and ``guide``; an empty list switches guidance off.
        region: Where words belong, as regions, text or tables; each is given to the prompts that hold its words.
        regions: A painting (PNG) whose colours ``region`` names.
        adapter: Files of adapters, or ``OWNER/NAME`` of what was pulled, each perhaps with a weight, as
            ``zorp.safetensors:0.8``.
        adapters: Folder of the adapters that prompts name, as ``<lora:zorp:0.8>`` or by a word.
        picture: Pictures of the prompts, as ``A=cat.png:0.8`` for the place ``[A]`` and a weight, or ``cat.png`` for
            one that stands after the words of every prompt.
        retrieve: A collection whose captioned pictures are looked up for each prompt, as ``KB:k=2``.
        style: One of the model's styles, put into every prompt's words.
        normalise: Whether letters that only look Latin become Latin (:mod:`limn.text.homoglyphs`).
        familiar: Whether words that the model never learned are read as the nearest thing that it did.
        camera: From where a thing in three dimensions is looked at, as ``"azimuth=30,elevation=20"``.
        views: From how many sides around it, side by side in one picture.
        edit: Says of which picture the last stage starts, and what of it stays.
        model: Name or folder of the model, perhaps with options (:mod:`limn.kernel.model_names`).
        vae: A file or folder of another autoencoder; it becomes an option of the model.
        clip_skip: Layers left out at the end of CLIP's text encoder, likewise.
        refiner: A folder of SDXL's refiner, which takes the last steps, likewise.
        denoising_end: Share of the timesteps that stay the base's then, likewise.
        weights: SHA-256 of the model's weights.
        files: SHA-256 of each file that a guidance reads, by its path.

    >>> request = Request(prompts="a red heart", n=2, seed=7)
    >>> [item.seed for item in request.items()]
    [7, 8]
    """

    prompts: tuple[Prompt, ...]
    n: int = option(1, int, "Pictures for each prompt; one unless given.", flag="-n")
    seed: int = option(0, int, "Seed of each prompt's first picture, 0 unless given; the next ones count on.")
    steps: int | None = option(None, int, "Steps of the sampler.")
    size: tuple[int, int] | None = option(None, str, "Pixels, or width x height, as 64x96.", number=True)
    sampler: Sampler | str | None = option(
        None, str, 'Sampler with its options, as "ddim:eta=1" or "DPM++ 2M Karras" (limn sampler list).'
    )
    spacing: str = option(
        "", str, "Spacing of noise levels: trailing, leading, linspace, karras, exponential, beta."
    )
    scale: float | None = option(
        None, float, "Guidance scale: how strictly the words are followed; 0 or 1 is without.", folds=True
    )
    negative: str = option("", str, "What must not be seen.", folds=True)
    guide: tuple[Guidance | str | Mapping[str, Any], ...] = option(
        (),
        str,
        'A guidance (limn guide list), as "classifier_free:scale=3"; may be repeated.',
        folds=True,
        many=True,
    )
    regions: str = option("", str, "A painting (PNG) whose colours say where words belong.", folds=True, axis=False)
    region: tuple[Region | str | Mapping[str, Any], ...] = option(
        (),
        str,
        'Words of the prompt by colour, "#ff0000=a heart", or box, "0,0,0.5,1=a cat@0.5", perhaps "=a cat@ADAPTER".',
        folds=True,
        many=True,
    )
    adapter: tuple[str, ...] = option(
        (),
        str,
        "A learned word, subject or LoRA: its file, or OWNER/NAME that was pulled, perhaps with a weight, as "
        "cat.safetensors:0.8; may be repeated.",
        folds=True,
        many=True,
    )
    adapters: str = option(
        "",
        str,
        "Folder of LoRAs named in prompts, as <lora:felt:0.8>, and of learned words.",
        folds=True,
        axis=False,
    )
    picture: tuple[str, ...] = option(
        (),
        str,
        'A picture of the prompt: "A=cat.png" stands where the prompt says [A]; perhaps a weight, "A=cat.png:0.8".',
        folds=True,
        many=True,
    )
    retrieve: str = option(
        "",
        str,
        'Look captioned pictures up for each prompt: a folder of limn index, as "KB:k=2,by=words".',
        folds=True,
    )
    style: str | None = option(None, str, "One of the model's styles (limn models).", folds=True)
    normalise: bool = option(
        False, bool, "Read letters that only look Latin, in words with Latin ones, as Latin.", folds=True
    )
    familiar: bool = option(
        False, bool, "Read words that the model never learned as the nearest thing that it did.", folds=True
    )
    camera: str = option(
        "", str, 'From where a thing in three dimensions is seen: "azimuth=30,elevation=20" (degrees).'
    )
    views: int = option(1, int, "Sides from which such a thing is seen, in one picture.")
    model: str = option(
        "emoji", str, "A name (limn models; emoji unless given), a model folder, or a safetensors file.", axis=False
    )
    vae: str = option("", str, "A safetensors file or folder of another autoencoder.", folds=True, axis=False)
    clip_skip: int = option(
        0, int, "Layers left out at the end of CLIP's text encoder; 1 is the clip skip 2 of web UIs.", folds=True,
        axis=False,
    )  # fmt: skip
    refiner: str = option("", str, "A folder of SDXL's refiner, which takes the last steps.", folds=True, axis=False)
    denoising_end: float | None = option(
        None, float, "Share of the timesteps that stay the base's where a refiner takes over; 0.8 unless given.",
        folds=True, axis=False,
    )  # fmt: skip
    guidance: tuple[Guidance, ...] | None = None
    edit: Edit | None = None
    weights: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = [self.prompts] if isinstance(self.prompts, str | Prompt) else self.prompts
        prompts = tuple(prompt if isinstance(prompt, Prompt) else Prompt(prompt) for prompt in given)
        changes: dict[str, Any] = {"prompts": prompts, "size": _size(self.size)}
        for name in ("guide", "region", "guidance", "adapter", "picture"):
            value = getattr(self, name)
            changes[name] = (
                value if value is None else (value,) if isinstance(value, str | Mapping) else tuple(value)
            )
        for name, value in changes.items():
            object.__setattr__(self, name, value)
        _whole("clip_skip", self.clip_skip, 0, 99)
        usual = {item.name: item.default for item in fields(self) if item.name in OPTIONS}
        behind = {name: str(value) for name in usual if (value := getattr(self, name)) != usual[name]}
        if behind:
            for name, value in {**usual, "model": with_options(self.model, **behind)}.items():
                object.__setattr__(self, name, value)
        if not prompts:
            raise InputError("prompts: none given; write at least one")
        _whole("n", self.n, 1, MAX_PICTURES)
        _whole("pictures", self.n * len(prompts), 1, MAX_PICTURES)
        _whole("views", self.views, 1, 64)
        _whole("seed", self.seed, 0, MAX_SEED - self.n)
        if self.steps is not None:
            _whole("steps", self.steps, 1, 1000)
        for side in self.size or ():
            _whole("size", side, 1, 4096)

    @classmethod
    def of(cls, prompts: Any, given: Mapping[str, Any]) -> Request:
        """Make a request of keywords.

        Raises:
            InputError: If one is unknown; the message has the nearest name.
        """
        known = {item.name for item in fields(cls)} - {"prompts", "weights", "files"}
        for name in given:
            if name not in known:
                raise unknown_name("option of drawing", name, known)
        return cls(prompts=prompts, **{name: value for name, value in given.items() if value is not None})

    def items(self) -> list[Item]:
        """Return the pictures asked for, all of one prompt after another."""
        return [
            Item(place * self.n + k, prompt, self.seed + k)
            for place, prompt in enumerate(self.prompts)
            for k in range(self.n)
        ]

    @property
    def pictured(self) -> tuple[int, int] | None:
        """Height and width of a picture in pixels, all of its views together; None while the size is left out."""
        rows, columns = laid_out(self.views)
        return self.size and (rows * self.size[0], columns * self.size[1])

    @property
    def complete(self) -> bool:
        """Whether nothing is left out, so that the request has a record."""
        parts = isinstance(self.sampler, registry.Part) and self.guidance is not None
        return parts and self.steps is not None and self.size is not None and not self.guide

    def rewritten(self, read: Callable[[str], str]) -> Request:
        """Return the request with all its words read anew: prompts, their regions, and the negative prompt."""

        def anew(region: Any) -> Any:
            return replace(region, words=read(region.words)) if isinstance(region, Region) else region

        prompts = tuple(
            replace(prompt, text=read(prompt.text), regions=tuple(map(anew, prompt.regions)))
            for prompt in self.prompts
        )
        return replace(self, prompts=prompts, negative=read(self.negative), region=tuple(map(anew, self.region)))

    def record(self) -> dict[str, Any]:
        """Return a complete request as JSON-ready data.

        Raises:
            InputError: If it is not complete.
        """
        if not self.complete:
            raise InputError("request: is not complete; let a generator complete it")
        size, sampler, guidance = typing.cast(tuple[Any, Any, Any], (self.size, self.sampler, self.guidance))
        return {
            "schema": SCHEMA,
            "model": self.model,
            "weights": self.weights,
            "prompts": [prompt_record(prompt) for prompt in self.prompts],
            "n": self.n,
            "seed": self.seed,
            "steps": self.steps,
            "width": size[1],
            "height": size[0],
            "sampler": registry.record(sampler),
            "guidance": [registry.record(part) for part in guidance],
            **self._further(),
            **({"edit": registry.record(self.edit)} if self.edit is not None else {}),
            **({"files": dict(self.files)} if self.files else {}),
        }

    def _further(self) -> dict[str, Any]:
        """Return the options that are not those every record has, where they are not as usual."""
        usual = {"prompts", "model", "n", "seed", "steps", "size", "sampler"}
        return {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if "option" in item.metadata and item.name not in usual and not item.metadata["option"].folds
            and getattr(self, item.name) != item.default
        }  # fmt: skip

    def key(self) -> str:
        """Return the SHA-256 of the canonical record, as 64 hexadecimal digits."""
        text = json.dumps(self.record(), sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Request:
        """Rebuild a request; the inverse of :meth:`record`.

        Raises:
            InputError: If the record is of another schema, lacks a field, or names a part that is not here.
        """
        if not isinstance(record, Mapping) or record.get("schema") != SCHEMA:
            schema = record.get("schema") if isinstance(record, Mapping) else None
            raise InputError(f"request record: schema {schema!r} cannot be read; this version reads schema {SCHEMA}")
        given: dict[str, Any] = {key: value for key, value in record.items() if key != "schema"}
        try:
            for name, chosen in options().items():
                if chosen.folds and name in given:
                    raise ValueError(f"{name} is no part of a record")
            given["prompts"] = tuple(prompt_from(prompt) for prompt in given["prompts"])
            given["size"] = (given.pop("height"), given.pop("width"))
            given["sampler"] = registry.build("samplers", given["sampler"])
            given["guidance"] = tuple(registry.build("guidance", part) for part in given["guidance"])
            if "edit" in given:
                given["edit"] = registry.build("edit", given["edit"])
            return cls(**given)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"request record: not complete ({error}); it was changed or damaged") from None


def laid_out(views: int) -> tuple[int, int]:
    """Return in how many rows and columns the views of a thing stand in a picture.

    >>> laid_out(3), laid_out(8)
    ((1, 3), (2, 4))
    """
    columns = min(4, views)
    return -(-views // columns), columns


def _size(size: Any) -> Any:
    """Return height and width of a size that may be written as ``64`` or ``64x96`` (width x height)."""
    if not isinstance(size, str | int):
        return size if size is None else tuple(size)
    sides = str(size).lower().replace("×", "x").split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdecimal() and len(side) < 7 for side in sides):
        raise InputError(f"size: {str(size)[:40]!r} is not a size; write pixels as 64, or width x height as 64x96")
    return int(sides[-1]), int(sides[0])


def _whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{name}: {str(value)[:40]} is not allowed; give a whole number from {low} to {high}")
