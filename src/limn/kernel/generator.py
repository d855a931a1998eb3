"""A generator is a chain of stages: what one gives, the next may use."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from limn.kernel import registry
from limn.kernel.codec import HIDDEN, Codec, posed
from limn.kernel.completion import SCALE, Fold, check_read, folded, guidances, placed, styled
from limn.kernel.edit import Pixels
from limn.kernel.encodings import Encodings
from limn.kernel.errors import InputError, ModelWarning
from limn.kernel.guidance import Guidance, hashes
from limn.kernel.others import Others
from limn.kernel.prompt import Prompt
from limn.kernel.request import Item, Request
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, check_together
from limn.kernel.sampler import Sampler
from limn.kernel.sampler_names import read_name
from limn.kernel.stage import Stage
from limn.kernel.step import Step

if TYPE_CHECKING:
    from PIL.Image import Image


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
    pixels: Pixels
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
        file: SHA-256 of the file of the network that draws, by which other tools know a model; empty if unknown.
        size: Default height and width in pixels.
        sizes: Smallest and largest side in pixels.
        guidance: Used unless a request names others.
        batch: Pictures drawn together by default.
        styles: Words for each style the model knows, with ``{}`` where the prompt goes.
        folds: What a request's options of reading, such as ``normalise``, do to it, by their names, in order.
        distilled: Whether it was made to draw in few steps without guidance.
    """

    def __init__(
        self,
        name: str,
        stages: Sequence[Stage],
        *,
        weights: str = "",
        file: str = "",
        size: tuple[int, int],
        sizes: tuple[int, int] | None = None,
        guidance: Sequence[Guidance] = (),
        batch: int = 16,
        styles: Mapping[str, str] | None = None,
        folds: Mapping[str, Fold] | None = None,
        distilled: bool = False,
    ) -> None:
        self.name, self.stages, self.weights, self.file, self.size = name, tuple(stages), weights, file, size
        self.sizes = sizes or (min(size), max(size))
        self.guidance, self.batch, self.styles = tuple(guidance), batch, dict(styles or {})
        self.distilled = distilled
        self.folds, self.others = dict(folds or {"region": placed}), Others(self)
        self.previews: Codec | None = None  # shows states at work in place of the codec
        self.reads = frozenset[str]()  # what of a prompt is read besides its words
        self._encodings = [Encodings(stage.encoder) for stage in self.stages]

    def request(self, prompts: str | Prompt | Sequence[str | Prompt], **given: Any) -> Request:
        """Say completely what is to be drawn, with this model's own values for what is left out.

        Args:
            prompts: One or more.
            **given: Options of :class:`Request`, such as ``n``, ``seed``, ``steps``, ``sampler``, ``guidance``.

        Raises:
            InputError: If a value is not allowed for this model, or guidances cannot be used together.
        """
        return self.complete(Request.of(prompts, given))

    def complete(self, request: Request) -> Request:
        """Return a request in which nothing is left out, parts are objects, and hashes of all that is read stand.

        Raises:
            InputError: If a value is not allowed for this model, or guidances cannot be used together.
        """
        request = styled(folded(request, self.folds, self.name), self.styles, self.name)
        size = self._size(request.size or self.size)
        stages = self.looking(replace(request, size=size))
        main = _main(stages)
        parts = guidances(self.guidance, request)
        check_read(request.prompts, self.reads, parts, self.name)
        for stage in self.stages:
            check_together(parts, stage.predictor.space)
        self._check_scale(parts)
        if request.edit is not None:
            for stage in stages[stages.index(main) :]:
                request.edit.check(stage, size)
            request.edit.steps(main.steps if request.steps is None else request.steps)
        sampler, spacing = self._walk(request)
        steps = main.steps if request.steps is None else request.steps
        main.schedule.levels(steps, sampler, spacing, main.codec.shape(*size))  # refuses what it cannot walk with
        return replace(
            request,
            model=self.name,
            weights=self.weights,
            steps=steps,
            size=size,
            sampler=sampler,
            spacing=spacing,
            guidance=parts,
            files=self.sources(parts),
            scale=None,
            negative="",
            guide=(),
        )

    def _check_scale(self, parts: Sequence[Guidance]) -> None:
        """Say so where a model that was made to draw without guidance is guided."""
        scales = [float(getattr(part, "scale", 1.0)) for part in parts if part.slot == SCALE]
        if self.distilled and scales and scales[0] not in (0.0, 1.0):
            text = f"was made to draw without guidance; scale {scales[0]:g} spoils its pictures, leave it out"
            warnings.warn(f"{self.name}: {text}", ModelWarning, stacklevel=3)

    @property
    def main(self) -> Stage:
        """The stage that a request's sampler, steps and edit are about: the last one that refines no other."""
        return _main(self.stages)

    def drop_encoders(self) -> None:
        """Let text encoders go from memory whenever they have read, where they can be filled again."""
        for stage in self.stages:
            if (release := getattr(stage.encoder, "release", None)) is not None:
                stage.encoder.always = True  # type: ignore[attr-defined]
                release()

    def looking(self, request: Request) -> tuple[Stage, ...]:
        """Return the stages, the last of which looks at things from where a request with a size says.

        Raises:
            InputError: The camera cannot be read, or the model draws flat pictures.
        """
        assert request.size is not None
        *before, last = self.stages
        codec = posed(last.codec, request.camera, request.views, request.size)
        return self.stages if codec is last.codec else (*before, replace(last, codec=codec))

    def sources(self, guidances: Sequence[Guidance]) -> dict[str, str]:
        """Return the SHA-256 of what guidances read besides this model: files and other models, by name.

        Raises:
            InputError: If one cannot be read, or is no model that can be asked beside this one.
        """
        return {**hashes(guidances), **self.others.weights(guidances)}

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

    def together(
        self,
        request: Request,
        items: Sequence[Item],
        ledger: Ledger | None = None,
        *,
        max_rows: int | None = None,
    ) -> list[Picture]:
        """Draw any prompts and seeds in the same forward passes, in all else as a request says.

        Args:
            request: From :meth:`request`; its own prompts and seed play no part.
            items: What to draw, one picture each.
            ledger: Where forwards are noted.
            max_rows: Most rows in one forward pass.
        """
        return [event for event in self._draw_batch(request, items, max_rows, ledger) if isinstance(event, Picture)]

    def generate(self, prompts: str | Prompt | Sequence[str | Prompt], **given: Any) -> list[Picture]:
        """Draw and return pictures; takes the options of :meth:`request`.

        Raises:
            InputError: If a value is not allowed for this model.
        """
        return [event for event in self.draw(self.request(prompts, **given)) if isinstance(event, Picture)]

    def _draw_batch(
        self, request: Request, chunk: Sequence[Item], max_rows: int | None, ledger: Ledger | None
    ) -> Iterator[Picture | dict[str, Any]]:
        request = request if request.complete else self.complete(request)
        assert request.steps is not None
        assert request.size is not None
        parts, edit, stages = request.guidance or (), request.edit, self.looking(request)
        main = _main(stages)
        prompts, indices = [item.prompt for item in chunk], tuple(item.index for item in chunk)
        seeds = Streams([item.seed for item in chunk])
        given: dict[str, Tensor] = {}
        asked = request.steps if edit is None else edit.steps(request.steps)
        steps, taken = sum(asked if stage is main else stage.steps for stage in stages), 0
        for place, stage in enumerate(stages):
            own: dict[str, Any] = {}
            if stage is main:
                own = {"sampler": request.sampler, "steps": request.steps, "spacing": request.spacing}
            if edit is not None and (stage is main or stage.refines):
                own["edit"] = partial(edit.walk, stage=stage, size=request.size)
                for name, state in edit.given(stage, request.size).items():
                    given[name] = state.expand(len(chunk), *state.shape[1:])
            walk = stage.walk(
                prompts,
                parts,
                seeds if place == 0 else seeds.fork(stage.gives),
                size=request.size,
                given=given,
                adapters=self.others.adapters(parts, place),
                encodings=self._encodings_of(parts, place),
                max_rows=max_rows,
                ledger=ledger,
                **own,
            )
            for step in walk:
                taken += 1
                yield {"step": taken, "steps": steps, "batch": indices, "state": step}
            given[stage.gives] = step.x
        with torch.no_grad():
            images = stages[-1].codec.decode(step.x)
        for item, pixels, sound in zip(chunk, _pixels(images), _sound(images, step.x), strict=True):
            flaw = "" if sound else "the model answered with values that are not numbers"
            pixels = pixels if edit is None else edit.finish(stages[-1], pixels)
            yield Picture(item=item, pixels=pixels, flaw=flaw, batch=indices)

    def _encodings_of(self, guidances: Sequence[Guidance], place: int) -> Encodings:
        """Return the encodings of a stage, of the words that guidances bring among them."""
        return self.others.encodings(guidances, place) or self._encodings[place]

    def _walk(self, request: Request) -> tuple[Sampler, str]:
        """Return the sampler that a request names, and how its levels are spaced."""
        sampler, spacing = request.sampler, request.spacing
        if isinstance(sampler, str):
            name, spacing = read_name(sampler, spacing)
            sampler = registry.parse("samplers", name)
        sampler = self.main.sampler if sampler is None else sampler
        assert isinstance(sampler, Sampler)
        if sampler.space != self.main.predictor.space == "clean":
            raise InputError(
                f"sampler {registry.name_of(sampler)}: draws tokens, this model denoises; see limn sampler list"
            )
        return sampler, spacing

    def _size(self, size: tuple[int, int]) -> tuple[int, int]:
        multiple = self.stages[-1].codec.multiple
        low, high = self.sizes
        for side in size:
            whole = isinstance(side, int) and not isinstance(side, bool)
            if not whole or not low <= side <= high or side % multiple:
                allowed = f"{low}" if low == high else f"a multiple of {multiple} from {low} to {high}"
                raise InputError(f"size: {str(side)[:40]} pixels is not allowed; {self.name} draws {allowed}")
        return size


def _main(stages: Sequence[Stage]) -> Stage:
    return [stage for stage in stages if not stage.refines][-1]


def _pixels(images: Tensor) -> Pixels:
    """Turn pictures (pictures, 3, height, width) in [-1, 1] into bytes (pictures, height, width, 3)."""
    levels = (torch.nan_to_num(images, nan=0.0).clamp(-1, 1) + 1) * 127.5
    return levels.round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def _sound(images: Tensor, states: Tensor) -> list[bool]:
    """Say of each picture whether every value is a number and every token is decided."""
    numbers = torch.isfinite(images).flatten(1).all(1)
    decided = torch.isfinite(states) if states.is_floating_point() else states != HIDDEN
    return (numbers & decided.flatten(1).all(1)).tolist()
