"""What draws the pictures of an audit: a model, or an oracle whose habits are known exactly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from limn.audit.probe import Ask
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.data.people import Population
    from limn.kernel.edit import Edit
    from limn.kernel.generator import Generator
    from limn.kernel.request import Request


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing:
    """One picture, or why there is none.

    Args:
        pixels: (height, width, 3), uint8; None where drawing failed.
        flaw: Why it failed; empty when it did not. One that begins with :data:`limn.audit.rows.REFUSED` is an
            answer, which is kept and not asked for again.
        record: JSON-ready, kept in the picture's file, from which it can be drawn again.
    """

    pixels: NDArray[np.uint8] | None
    flaw: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """What a worker sends back for one batch.

    Args:
        drawings: The pictures.
        unread: Prompts that are longer than its model reads, with the words that play no part.
        halved: Pictures drawn together since memory ran out; 0 where it did not.
    """

    drawings: Sequence[Drawing]
    unread: Mapping[str, str] = field(default_factory=dict)
    halved: int = 0


class Decides(Protocol):
    """What decides a picture beside prompt and seed."""

    @property
    def hashes(self) -> Mapping[str, str]:
        """SHA-256 of weights and other files, by name."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What decides a picture beside prompt, seed and weights; JSON-ready."""

    @property
    def reads_slots(self) -> bool:
        """Whether the picture depends on the slots beside the words, as an oracle's does."""


@runtime_checkable
class Source(Decides, Protocol):
    """Draws the pictures that are asked for; the same ask and seed always give the same picture."""

    @property
    def name(self) -> str:
        """How it is called in tables."""

    @property
    def batch(self) -> int:
        """How many pictures it likes to draw together."""

    @property
    def alone(self) -> bool:
        """Whether a picture comes out the same whatever is drawn beside it."""

    def draw(self, asks: Sequence[Ask], seeds: Sequence[int]) -> Iterable[Drawing]:
        """Draw one picture for each ask with its seed, in order."""


def key_of(source: Decides, ask: Ask, seed: int) -> str:
    """Return the SHA-256 of all that decides a picture, as 64 hexadecimal digits."""
    what: dict[str, Any] = {"prompt": ask.prompt, "seed": seed, "settings": source.settings, "hashes": source.hashes}
    if source.reads_slots:
        what["slots"] = dict(ask.slots)
        what["group"] = ask.group
    text = json.dumps(what, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(kw_only=True, eq=False)
class FromGenerator:
    """Any model that limn can load, with any guidance.

    Args:
        model: A name (`limn models`), a model folder, or a loaded generator.
        name: How it is called in tables; the model's name if empty.
        guidance: As ``--guide`` takes it; the model's own if None, none if empty.
        steps: Of the sampler; the model's own if None.
        size: Height and width in pixels; the model's own if None.
        sampler: As ``--sampler`` takes it.
        style: One of the model's styles.
        adapter: Files of adapters, as ``--adapter`` takes them.
        scale: Guidance scale; the model's own if None.
        device: Where it runs.
        together: Pictures drawn together; the model's own number if None.
        rewrite: Changes the words before they reach the model, for example a normaliser; its name is recorded.
    """

    model: str | Path | Generator
    name: str = ""
    guidance: Sequence[str] | None = None
    steps: int | None = None
    size: tuple[int, int] | None = None
    sampler: str | None = None
    style: str | None = None
    adapter: Sequence[str] = ()
    scale: float | None = None
    device: str = "cpu"
    together: int | None = None
    rewrite: Callable[[str], str] | None = None
    reads_slots: bool = field(default=False, init=False)
    alone: bool = field(default=False, init=False)
    unread: dict[str, str] = field(default_factory=dict, init=False)
    """Prompts drawn so far that are longer than the model reads, with the words that play no part."""
    halved: int = field(default=0, init=False)
    """Pictures drawn together since memory ran out; 0 where it did not."""

    def __post_init__(self) -> None:
        if not self.name:
            self.name = str(self.model if isinstance(self.model, str | Path) else self.model.name)

    @cached_property
    def generator(self) -> Generator:
        """The model, loaded when first needed."""
        from limn import models

        return models.load(self.model, device=self.device) if isinstance(self.model, str | Path) else self.model

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """What decides a picture beside prompt, seed and weights."""
        record = self._request("a picture", 0).record()
        kept = ("steps", "width", "height", "sampler", "spacing", "guidance", "files")
        settings = {name: record[name] for name in kept if name in record}
        how = self.rewrite and f"{self.rewrite.__module__}.{self.rewrite.__qualname__}"
        return {**settings, "style": self.style, **({"rewrite": how} if how else {})}

    @property
    def hashes(self) -> Mapping[str, str]:
        """SHA-256 of the weights."""
        return {"weights": self.generator.weights}

    @property
    def batch(self) -> int:
        """Pictures drawn together."""
        return self.together or self.generator.batch

    def draw(self, asks: Sequence[Ask], seeds: Sequence[int]) -> Iterable[Drawing]:
        """Draw one picture for each ask with its seed, in the same forward passes as long as memory lasts."""
        from limn.codecs.latents import TOGETHER
        from limn.kernel import memory
        from limn.kernel.request import Item
        from limn.kernel.runner import Ledger

        requests = [self._request(ask.prompt, seed) for ask, seed in zip(asks, seeds, strict=True)]
        items = [Item(place, request.prompts[0], request.seed) for place, request in enumerate(requests)]
        ledger, most = Ledger(), self.halved or len(items)
        for part, pictures in memory.together(self.generator, requests[0], items, most=most, ledger=ledger):
            self.unread |= ledger.unread
            self.halved = len(part) if not self.halved and len(part) < len(items) else self.halved
            together = [[item.prompt.text, item.seed] for item in part]
            for place, (item, picture) in enumerate(zip(part, pictures, strict=True)):
                batch = {"size": 1, "pictures": [0], "place": place, "together": together, "decoded": TOGETHER}
                record = self._record(requests[item.index], batch)
                yield Drawing(pixels=None if picture.flaw else picture.pixels, flaw=picture.flaw, record=record)

    def edited(self, prompt: str, seed: int, edit: Edit | None) -> Drawing:
        """Draw one picture by itself, from another picture where an edit says so."""
        request = self._request(prompt, seed, edit=edit)
        [picture] = self.generator.together(request, request.items())
        batch = {"size": 1, "pictures": [0], "decoded": 1}
        record = self._record(request, batch)
        return Drawing(pixels=None if picture.flaw else picture.pixels, flaw=picture.flaw, record=record)

    def _record(self, request: Request, batch: Mapping[str, Any]) -> dict[str, Any]:
        own = request.record()
        record = {"request": own, "prompt": own["prompts"][0], "seed": request.seed, "key": request.key()}
        record |= {"index": 0, "batch": batch, "circumstances": self._circumstances}
        return record | ({"model_file": self.generator.file} if self.generator.file else {})

    @cached_property
    def _circumstances(self) -> Mapping[str, Any]:
        from limn.models.environment import facts

        return facts(self.device, self._request("a picture", 0))

    def _request(self, prompt: str, seed: int, edit: Edit | None = None) -> Request:
        words = self.rewrite(prompt) if self.rewrite else prompt
        return self.generator.request(
            words, seed=seed, steps=self.steps, size=self.size, sampler=self.sampler,
            guidance=self.guidance, style=self.style, adapter=self.adapter, scale=self.scale, edit=edit,
        )  # fmt: skip


def moved(source: Source, device: str) -> Source:
    """Return a source as it travels to another process, which loads its model there.

    Raises:
        InputError: Its model is an object of this process.
    """
    if not isinstance(source, FromGenerator):
        return source
    if not isinstance(source.model, str | Path):
        raise InputError(f"engine: {source.name} is loaded in this process; name a model that others can load")
    return replace(source, model=str(source.model), device=device)


def drawer(source: Source) -> Callable[[tuple[Sequence[Ask], Sequence[int]]], Answers]:
    """Return what draws batches of asks and seeds in a worker."""

    def draw(asked: tuple[Sequence[Ask], Sequence[int]]) -> Answers:
        drawings = list(source.draw(*asked))
        if isinstance(source, FromGenerator):
            return Answers(drawings=drawings, unread=dict(source.unread), halved=source.halved)
        return Answers(drawings=drawings)

    return draw


@dataclass(frozen=True, kw_only=True, eq=False)
class _Oracle:
    """Draws by rules that are known exactly."""

    name: str = "oracle"
    batch: int = 256
    reads_slots: bool = field(default=True, init=False)
    alone: bool = field(default=True, init=False)

    @property
    def hashes(self) -> Mapping[str, str]:
        """Nothing: an oracle has no weights."""
        return {}


@dataclass(frozen=True, kw_only=True, eq=False)
class FromOracle(_Oracle):
    """Pictures from a function whose habits are known exactly.

    Args:
        picture: Returns uint8 (height, width, 3) for an ask and a seed, or None where it fails to draw.
        name: How it is called in tables.
        version: Part of every picture's key; change it when the function changes.
        batch: Pictures drawn together.
    """

    picture: Callable[[Ask, int], NDArray[np.uint8] | None]
    version: str = "1"

    @property
    def settings(self) -> Mapping[str, Any]:
        """Name and version."""
        return {"oracle": self.name, "version": self.version}

    def draw(self, asks: Sequence[Ask], seeds: Sequence[int]) -> Iterable[Drawing]:
        """Draw one picture for each ask with its seed."""
        for ask, seed in zip(asks, seeds, strict=True):
            pixels = self.picture(ask, seed)
            yield Drawing(pixels=pixels, flaw="" if pixels is not None else "the oracle failed to draw")


@dataclass(frozen=True, kw_only=True, eq=False)
class FromPeople(_Oracle):
    """An oracle that draws people from a population with planted shares (:mod:`limn.data.people`).

    What an ask's slots name is drawn as asked, the rest by the population's shares among those people. Equal seeds
    draw alike where populations agree, as a model does.

    Args:
        population: Whom to draw; by group of the ask where it is a mapping, with ``""`` for the others.
        name: How it is called in tables.
        fidelity: Probability that the slots are heeded; otherwise they are ignored.
        failing: Probability that no picture comes out.
        batch: Pictures drawn together.
    """

    population: Population | Mapping[str, Population]
    fidelity: float = 1.0
    failing: float = 0.0
    _lines: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Name, shares and habits."""
        digest = hashlib.sha256()
        for group, population in sorted(self._populations.items()):
            digest.update(group.encode() + population.joint.tobytes())
        return {"people": digest.hexdigest()[:16], "fidelity": self.fidelity, "failing": self.failing}

    @property
    def _populations(self) -> Mapping[str, Population]:
        return self.population if isinstance(self.population, Mapping) else {"": self.population}

    def draw(self, asks: Sequence[Ask], seeds: Sequence[int]) -> Iterable[Drawing]:
        """Draw one picture for each ask with its seed."""
        from limn.data.people.icon import PICTURE, table

        icons = table().reshape(-1, PICTURE, PICTURE, 3)
        for ask, seed in zip(asks, seeds, strict=True):
            fails, heeds, whom = np.random.default_rng(seed).random(3)
            if fails < self.failing:
                yield Drawing(pixels=None, flaw="the oracle failed to draw")
                continue
            line = self._line(ask, heeded=heeds < self.fidelity)
            yield Drawing(pixels=icons[min(int(np.searchsorted(line, whom, "right")), len(icons) - 1)])

    def _line(self, ask: Ask, *, heeded: bool) -> NDArray[np.float64]:
        """Return the running sum of everybody's probability, kept for the next picture."""
        from limn.data.people.icon import FIELDS

        named = tuple((f, ask.slots[f]) for f in FIELDS if f in ask.slots) if heeded else ()
        place = (ask.group, named)
        if place not in self._lines:
            known = self._populations
            chosen = known.get(ask.group, known.get(""))
            if chosen is None:
                raise InputError(f"oracle: no population for the group {ask.group!r}; give one for it or for ''")
            index = tuple(FIELDS[f].index(dict(named)[f]) if f in dict(named) else slice(None) for f in FIELDS)
            joint = np.zeros_like(chosen.joint)
            joint[index] = chosen.joint[index]
            if not joint.sum() > 0:
                raise InputError(f"oracle: nobody in the population is {dict(named)}; give them some share")
            self._lines[place] = np.cumsum(joint.ravel() / joint.sum())
        line: NDArray[np.float64] = self._lines[place]
        return line
