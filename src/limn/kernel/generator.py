"""A generator is a chain of stages: what one gives, the next may use."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from limn.kernel import registry
from limn.kernel.adapter import Adapter, Others
from limn.kernel.codec import HIDDEN, Codec
from limn.kernel.edit import Edit
from limn.kernel.encodings import Encodings
from limn.kernel.errors import InputError, unknown_name
from limn.kernel.guidance import Guidance, hashes
from limn.kernel.predictor import Encoder, Predictor
from limn.kernel.prompt import Prompt
from limn.kernel.request import Item, Request
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner, check_together
from limn.kernel.sampler import Sampler, Schedule
from limn.kernel.step import Step

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Generator", "Picture", "Progress", "Stage"]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One link of a generator.

    Args:
        encoder: Turns prompts and what earlier stages gave into conditioning.
        predictor: The network behind its convention.
        codec: Turns states into pictures.
        schedule: The network's noise levels.
        sampler: Used unless the request names another.
        steps: Used unless the request says otherwise.
        gives: What this stage makes, by name; the last stage gives ``"image"``.
        refines: Whether it draws in finer detail what an earlier stage drew, by its own sampler and steps.
        adapters: Other sets of weights a guidance may name.
        device: Where the state lives.
    """

    encoder: Encoder
    predictor: Predictor
    codec: Codec
    schedule: Schedule
    sampler: Sampler
    steps: int
    gives: str = "image"
    refines: bool = False
    adapters: Mapping[str, Adapter] = field(default_factory=dict)
    device: str = "cpu"

    def walk(
        self,
        prompts: Sequence[Prompt],
        guidances: Sequence[Guidance],
        streams: Streams,
        *,
        size: tuple[int, int],
        sampler: Sampler | None = None,
        steps: int | None = None,
        spacing: str = "",
        given: Mapping[str, Tensor] | None = None,
        noise: Tensor | None = None,
        adapters: Mapping[str, Adapter] | None = None,
        encodings: Encodings | None = None,
        max_rows: int | None = None,
        ledger: Ledger | None = None,
    ) -> Iterator[Step]:
        """Walk one batch from noise to state.

        Args:
            prompts: One for each picture.
            guidances: In any order.
            streams: One random stream for each picture.
            size: Height and width in pixels.
            sampler: Instead of the stage's own.
            steps: Instead of the stage's own.
            spacing: How the noise levels are spaced; the model's and sampler's usual way when empty.
            given: What earlier stages made (pictures, ...).
            noise: Unit noise to start from, or for token models tokens, -1 where hidden, (pictures, *state); drawn
                from the streams when ``None``.
            adapters: Besides the stage\'s own.
            encodings: Text encodings kept from earlier walks.
            max_rows: Most rows in one forward pass.
            ledger: Where forwards are noted.

        Yields:
            Each step, with ``x`` where the walk then stands and ``clean`` as predicted.
        """
        sampler, steps = sampler or self.sampler, steps or self.steps
        levels = self.schedule.levels(steps, sampler, spacing)
        if noise is None:
            noise = streams.normal(self.codec.shape(*size))
        start = noise.to(self.device)
        if start.is_floating_point():
            start = start * self.schedule.start_scale(steps, sampler, spacing)
        predict = Runner(
            self.predictor, self.encoder, prompts, guidances, streams,
            given=given, adapters={**self.adapters, **(adapters or {})}, codec=self.codec, encodings=encodings,
            max_rows=max_rows, ledger=ledger,
        )  # fmt: skip
        yield from sampler.walk(predict, start, levels, streams)


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A drawn picture.

    Args:
        item: Which picture of the request it is.
        pixels: (height, width, 3), uint8.
        flaw: Why it must not be trusted, for example not-a-number values; empty when it is fine.
        batch: Indices of the pictures drawn in the same forward passes.
    """

    item: Item
    pixels: np.ndarray[Any, np.dtype[np.uint8]]
    flaw: str = ""
    batch: tuple[int, ...] = ()

    @property
    def image(self) -> Image:
        """The picture as a Pillow image."""
        from PIL import Image

        return Image.fromarray(self.pixels)


@dataclass(frozen=True, kw_only=True, eq=False)
class Progress:
    """How far drawing has come.

    Args:
        drawn: Pictures finished.
        total: Pictures to draw.
        step: Steps done in the batch at work, over all stages.
        steps: Steps a batch takes.
        batch: Indices of the pictures at work.
        state: The step just taken.
    """

    drawn: int
    total: int
    step: int
    steps: int
    batch: tuple[int, ...]
    state: Step


class Generator:
    """Turns requests into pictures.

    Args:
        name: Registered name, or the folder it was loaded from.
        stages: In the order in which they run.
        weights: SHA-256 of the weights.
        size: Default height and width in pixels.
        sizes: Smallest and largest side in pixels.
        guidance: Used unless a request names others.
        batch: Pictures drawn together by default.
        styles: Words for each style the model knows, with ``{}`` where the prompt goes.
    """

    def __init__(
        self,
        name: str,
        stages: Sequence[Stage],
        *,
        weights: str = "",
        size: tuple[int, int],
        sizes: tuple[int, int] | None = None,
        guidance: Sequence[Guidance] = (),
        batch: int = 16,
        styles: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.stages, self.weights, self.size = name, tuple(stages), weights, size
        self.sizes = sizes or (min(size), max(size))
        self.guidance, self.batch, self.styles = tuple(guidance), batch, dict(styles or {})
        self.others = Others(self)
        self._encodings = [Encodings(stage.encoder) for stage in self.stages]

    def request(
        self,
        prompts: str | Prompt | Sequence[str | Prompt],
        *,
        n: int = 1,
        seed: int = 0,
        steps: int | None = None,
        size: tuple[int, int] | None = None,
        sampler: str | Sampler | None = None,
        guidance: Sequence[str | Guidance] | None = None,
        style: str | None = None,
        edit: Edit | None = None,
    ) -> Request:
        """Say completely what is to be drawn, with this model's defaults for what is left out.

        Args:
            prompts: One or more.
            n: Pictures for each prompt.
            seed: Seed of the first picture of each prompt.
            steps: Steps of the sampler.
            size: Height and width in pixels.
            sampler: A part, or text such as ``"ddim:eta=1"``.
            guidance: Parts, or text such as ``"classifier_free:scale=3"``; an empty list switches guidance off.
            style: One of the model's styles, put into every prompt's words.
            edit: Says of which picture the last stage starts, and what of it stays.

        Raises:
            InputError: If a value is not allowed for this model, or guidances cannot be used together.
        """
        given = [prompts] if isinstance(prompts, (str, Prompt)) else list(prompts)
        texts = [each if isinstance(each, Prompt) else Prompt(each) for each in given]
        height, width = self._size(size or self.size)
        main = self.main
        parts = self.guidance if guidance is None else [_part("guidance", each) for each in guidance]
        for stage in self.stages:
            check_together(parts, stage.predictor.space)
        if edit is not None:
            for stage in self.stages[self.stages.index(main) :]:
                edit.start(stage, (height, width))
        return Request(
            model=self.name,
            weights=self.weights,
            prompts=tuple(self._styled(each, style) for each in texts),
            n=n,
            seed=seed,
            steps=main.steps if steps is None else steps,
            height=height,
            width=width,
            sampler=registry.record(main.sampler if sampler is None else _part("samplers", sampler)),
            guidance=tuple(registry.record(each) for each in parts),
            edit={} if edit is None else registry.record(edit),
            files=self.sources(parts),
        )

    @property
    def main(self) -> Stage:
        """The stage that a request's sampler, steps and edit are about: the last one that refines no other."""
        return [stage for stage in self.stages if not stage.refines][-1]

    def sources(self, guidances: Sequence[Guidance]) -> dict[str, str]:
        """Return the SHA-256 of what guidances read besides this model: files and other models, by name.

        Raises:
            InputError: If one cannot be read, or is no model that can be asked beside this one.
        """
        return {**hashes(guidances), **self.others.weights(guidances)}

    def unread(self, request: Request) -> dict[str, str]:
        """Return, by prompt, the words at its end that are past an encoder's limit and play no part."""
        texts = dict.fromkeys(prompt.text for prompt in request.prompts)
        found = {text: max((stage.encoder.unread(text) for stage in self.stages), key=len) for text in texts}
        return {text: words for text, words in found.items() if words}

    def draw(
        self,
        request: Request,
        *,
        done: Collection[int] = (),
        only: Collection[int] | None = None,
        batch: int | None = None,
        max_rows: int | None = None,
        ledger: Ledger | None = None,
    ) -> Iterator[Progress | Picture]:
        """Draw a request's pictures.

        Batches are cut from the whole request, so that a picture is drawn with the same neighbours when a run
        goes on after a stop, and comes out the same to the last bit.

        Args:
            request: From :meth:`request`.
            done: Indices of pictures that exist already.
            only: Indices of the pictures wanted; all when ``None``.
            batch: Pictures drawn together.
            max_rows: Most rows in one forward pass, for when memory is short; the pictures are the same.
            ledger: Where forwards are noted.

        Yields:
            Progress after every step, and each picture when it is finished.
        """
        items, size = request.items(), batch or self.batch
        wanted = [item.index for item in items if item.index not in done and (only is None or item.index in only)]
        left, drawn = set(wanted), 0
        for start in range(0, len(items), size):
            chunk = items[start : start + size]
            if left.isdisjoint(item.index for item in chunk):
                continue
            for event in self._draw_batch(request, chunk, max_rows, ledger):
                if isinstance(event, Picture):
                    if event.item.index in left:
                        drawn += 1
                        yield event
                else:
                    yield Progress(drawn=drawn, total=len(wanted), **event)

    def together(self, request: Request, items: Sequence[Item]) -> list[Picture]:
        """Draw any prompts and seeds in the same forward passes, in all else as a request says.

        Args:
            request: From :meth:`request`; its own prompts and seed play no part.
            items: What to draw, one picture each.
        """
        return [each for each in self._draw_batch(request, items, None, None) if isinstance(each, Picture)]

    def generate(self, prompts: str | Prompt | Sequence[str | Prompt], **options: Any) -> list[Picture]:
        """Draw and return pictures; takes the options of :meth:`request`.

        Raises:
            InputError: If a value is not allowed for this model.
        """
        return [each for each in self.draw(self.request(prompts, **options)) if isinstance(each, Picture)]

    def _draw_batch(
        self, request: Request, chunk: Sequence[Item], max_rows: int | None, ledger: Ledger | None
    ) -> Iterator[Picture | dict[str, Any]]:
        prompts = [item.prompt for item in chunk]
        indices = tuple(item.index for item in chunk)
        guidances = [registry.build("guidance", each) for each in request.guidance]
        sampler = registry.build("samplers", request.sampler)
        edit = registry.build("edit", request.edit) if request.edit else None
        assert edit is None or isinstance(edit, Edit)
        seeds = Streams([item.seed for item in chunk])
        given: dict[str, Tensor] = {}
        steps = sum(request.steps if stage is self.main else stage.steps for stage in self.stages)
        taken = 0
        for place, stage in enumerate(self.stages):
            main = stage is self.main
            streams = seeds if place == 0 else seeds.fork(stage.gives)
            walk = stage.walk(
                prompts,
                guidances,  # type: ignore[arg-type]
                streams,
                size=(request.height, request.width),
                sampler=sampler if main else None,  # type: ignore[arg-type]
                steps=request.steps if main else None,
                given=given,
                noise=_start(edit, stage, request, len(chunk)) if main or stage.refines else None,
                adapters=self.others.adapters(guidances, place),  # type: ignore[arg-type]
                encodings=self._encodings[place],
                max_rows=max_rows,
                ledger=ledger,
            )
            for step in walk:
                taken += 1
                yield {"step": taken, "steps": steps, "batch": indices, "state": step}
            given[stage.gives] = step.x
        with torch.no_grad():
            images = self.stages[-1].codec.decode(step.x)
        for item, image, state in zip(chunk, images, step.x, strict=True):
            decided = state.is_floating_point() or bool((state != HIDDEN).all())
            sound = decided and bool(torch.isfinite(image).all()) and bool(torch.isfinite(state).all())
            flaw = "" if sound else "the model answered with values that are not numbers"
            pixels = _pixels(image) if edit is None else edit.finish(self.stages[-1], _pixels(image))
            yield Picture(item=item, pixels=pixels, flaw=flaw, batch=indices)

    def _size(self, size: tuple[int, int]) -> tuple[int, int]:
        multiple = self.stages[-1].codec.multiple
        low, high = self.sizes
        for side in size:
            whole = isinstance(side, int) and not isinstance(side, bool)
            if not whole or not low <= side <= high or side % multiple:
                allowed = f"{low}" if low == high else f"a multiple of {multiple} from {low} to {high}"
                raise InputError(f"size: {str(side)[:40]} pixels is not allowed; {self.name} draws {allowed}")
        return size

    def _styled(self, prompt: Prompt, style: str | None) -> Prompt:
        if style is None:
            return prompt
        if style not in self.styles:
            raise unknown_name(f"style of {self.name}", style, self.styles)
        return prompt.saying(self.styles[style].format(prompt.text))


def _start(edit: Edit | None, stage: Stage, request: Request, pictures: int) -> Tensor | None:
    """Return where an edit starts, once for each picture."""
    if edit is None:
        return None
    start = edit.start(stage, (request.height, request.width))
    return start.expand(pictures, *start.shape[1:])


def _part(kind: str, part: Any) -> Any:
    return registry.parse(kind, part) if isinstance(part, str) else part


def _pixels(image: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    levels = (torch.nan_to_num(image, nan=0.0).clamp(-1, 1) + 1) * 127.5
    return levels.round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu().numpy()
