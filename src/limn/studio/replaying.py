"""Draw a picture again from its own record, and say whether it is the same."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from limn import models
from limn.codecs.latents import TOGETHER, Latents
from limn.io.pictures import read_picture
from limn.kernel.errors import InputError, LimnError
from limn.kernel.generator import Generator, Picture, Progress
from limn.kernel.prompt import Prompt
from limn.kernel.request import Item, Request
from limn.kernel.stage import Stage
from limn.models import locating
from limn.models.environment import facts
from limn.provenance.seal import remarked
from limn.store import read_record
from limn.store.png import size_of
from limn.store.record import read_request
from limn.studio.drawing import MAX_BATCH
from limn.studio.facts import check_device, differences

MAX_THREADS = 1024
USUAL = (64, 2**18)  # pictures and pixels of a batch; a record that was made by hand could ask for any


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A picture drawn again beside its file.

    Args:
        path: The file.
        picture: The picture as it is drawn now.
        largest: Largest difference of a channel, from 0 to 255.
        changed: Pixels that differ.
        causes: What is not as it was when the file was drawn.
    """

    path: Path
    picture: Picture
    largest: int
    changed: int
    causes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the two are identical to the last bit."""
        return self.largest == 0


def replay(
    path: Path,
    load: Callable[..., Generator],
    *,
    model: str | None = None,
    device: str | None = None,
    most: int | None = None,
) -> Iterator[Progress | Replay]:
    """Draw the picture of a PNG again, with the same neighbours in its batch and as many threads.

    Args:
        path: A PNG that limn drew.
        load: Loads a model by name and ``device``.
        model: Instead of the model that the record names, for example where its folder is now.
        device: Instead of the kind of device that the record names.
        most: Largest batch that the record may ask for; :data:`USUAL` pictures or pixels if None.

    Yields:
        Progress, and the replay at last.

    Raises:
        InputError: If the file has no usable record, or the model cannot be had.
    """
    record = read_record(path)
    if "upscaled" in record:
        raise InputError(f"{path}: is a larger copy of a picture; replay the picture itself")
    if "scene" in record:
        raise InputError(f"{path}: is composed of the pictures that its record names; replay those")
    with _blamed(path):
        request, index, size, alone = _asked(path, record)
    together = _together(record["batch"], request)
    _check_batch(path, request, max(min(size, request.n * len(request.prompts)), len(together)), most)
    rows = _positive(record["batch"].get("max_rows"))
    before = record.get("circumstances")
    before = before if isinstance(before, dict) else {}
    device = check_device(device or _device(before))
    _check_files(path, request)
    generator = load(model or request.model, device=device)
    _check_walk(path, generator, request)
    if record["batch"].get("decoded") != TOGETHER:
        generator.stages = tuple(map(_apart, generator.stages))
    if request.edit is None and size_of(path) != request.pictured:
        raise InputError(f"{path}: its size is not what its record says; it was changed")
    with _threads(before.get("threads")):
        causes = differences(before, facts(device))
        if together:
            picture = generator.together(request, together)[int(record["batch"]["place"])]
        else:
            for event in generator.draw(request, only={index}, batch=size, max_rows=rows):
                if isinstance(event, Progress):
                    yield event
                else:
                    picture = replace(event, item=replace(event.item, index=int(record["index"])))
    sources = generator.sources(request.guidance or ())
    changed = [path for path, hashed in sources.items() if request.files.get(path) != hashed]
    causes = (*(f"{path} is not what it was" for path in changed), *causes)
    causes = (*_packages(record["request"], request.record()), *causes)
    if generator.weights != request.weights:
        needed = f"the weights of {request.model} with SHA-256 {request.weights}"
        causes = (f"it needs {needed}; those here are {generator.weights}", *causes)
    if alone:
        causes = ("the other prompts of its batch are not recorded, so it was drawn alone", *causes)
    yield _compared(path, picture, causes, record.get("provenance"))


@contextlib.contextmanager
def _blamed(path: Path) -> Iterator[None]:
    """Name the file whose record asks for what cannot be."""
    try:
        yield
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(str(path)) else f"{path}: its record: {text}") from None


def _check_walk(path: Path, generator: Generator, request: Request) -> None:
    """Refuse a record whose size, sampler or steps are not for its model."""
    asked = {name: getattr(request, name) for name in ("size", "sampler", "steps", "spacing")}
    with _blamed(path):
        generator.request(request.prompts[0], **asked)


def _check_files(path: Path, request: Request) -> None:
    """Refuse to draw without a file that had a say in the picture, and say which it is."""
    for name, digest in request.files.items():
        if not name.startswith("limn:") and name not in models.names() and not locating.adapter(name).exists():
            why = f"was drawn with {name[:200]}, which is not here"
            commit = locating.in_repository(name) and "@" in name
            remedy = f"get it with: limn pull {name}" if commit else f"put the file with SHA-256 {digest} there"
            raise InputError(f"{path}: {why}; {remedy}")


def _apart(stage: Stage) -> Stage:
    return replace(stage, codec=stage.codec.apart()) if isinstance(stage.codec, Latents) else stage


def _asked(path: Path, record: Mapping[str, Any]) -> tuple[Request, int, int, bool]:
    """Return request, index in it, batch size, and whether the picture must be drawn alone."""
    try:
        fields, index, size = dict(record["request"]), int(record["index"]), int(record["batch"]["size"])
        alone = False
        if fields.get("prompts") is None:
            fields["prompts"] = _beside(path, record["key"])
            alone = fields["prompts"] is None
        if alone:
            fields |= {"prompts": [record["prompt"]], "n": 1, "seed": record["seed"]}
            index, size = 0, 1
        request = Request.from_record(fields)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: its record is not complete ({error}); it was changed or damaged") from None
    pictures = request.n * len(request.prompts)
    if not (0 <= index < pictures and 1 <= size <= MAX_BATCH):
        raise InputError(
            f"{path}: its record names picture {index} of {pictures} in batches of {size}; it was changed"
        )
    return request, index, size, alone


def _check_batch(path: Path, request: Request, size: int, most: int | None) -> None:
    """Refuse a batch so large that it may be meant to exhaust the memory."""
    if size > (most or max(USUAL[0], USUAL[1] // math.prod(request.size or (1, 1)))):
        raise InputError(f"{path}: was drawn in a batch of {size}; to allow it add --batch {size}")


def _packages(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say which packages that parts come from have another version than in the record of the request."""
    old, new = _versions(before), _versions(now)
    return [f"{name} was {old[name]} and is {new[name]}" for name in old if new.get(name, old[name]) != old[name]]


def _versions(request: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions of the packages that a record of a request names."""
    versions = {}

    def note(record: dict[str, Any]) -> None:
        if "package" in record:
            versions[str(record["package"])] = str(record.get("version"))

    json.loads(json.dumps([request.get("sampler"), request.get("guidance")]), object_hook=note)
    return versions


def _together(batch: Mapping[str, Any], request: Request) -> list[Item]:
    """Return what an audit drew in the same forward passes, which are not the pictures of one request."""
    drawn = batch.get("together")
    if not isinstance(drawn, list) or not 0 < len(drawn) <= MAX_BATCH:
        return []
    try:
        items = [Item(k, Prompt(str(text)), int(seed)) for k, (text, seed) in enumerate(drawn)]
        own = items[int(batch["place"])]
    except (KeyError, TypeError, ValueError, IndexError):
        return []
    return items if (own.prompt, own.seed) == (request.prompts[0], request.seed) else []


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _beside(path: Path, key: str) -> Any:
    """Return the prompts of the run folder that a picture lies in, or nothing when it was moved."""
    with contextlib.suppress(LimnError):
        request = read_request(path.parent)["request"]
        return request["prompts"] if path.parent.name == key else None
    return None


def _device(before: Mapping[str, Any]) -> str:
    was_cuda = str(before.get("device", "")).startswith("cuda")
    return "cuda" if was_cuda and torch.cuda.is_available() else "cpu"


@contextlib.contextmanager
def _threads(count: Any) -> Iterator[None]:
    """Use as many threads as were used before, where that is sensible."""
    now = torch.get_num_threads()
    usable = isinstance(count, int) and 1 <= count <= min(MAX_THREADS, 4 * (os.cpu_count() or 1))
    torch.set_num_threads(count if usable else now)
    try:
        yield
    finally:
        torch.set_num_threads(now)


def _compared(path: Path, picture: Picture, causes: tuple[str, ...], provenance: Any) -> Replay:
    """Compare a file with the picture as drawn now, given the mark that the file's record names."""
    height, width = picture.pixels.shape[:2]
    with _blamed(path):
        drawn = remarked(picture.pixels, provenance)
    old = np.asarray(read_picture(path, size=(height, width)), dtype=np.int16)
    apart = np.abs(old - drawn.astype(np.int16)).max(axis=2)
    return Replay(
        path=path, picture=picture, largest=int(apart.max()), changed=int((apart > 0).sum()), causes=causes
    )
