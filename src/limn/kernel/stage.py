"""A stage walks one batch of pictures from noise to state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from limn.kernel.adapter import Adapter
from limn.kernel.codec import Codec
from limn.kernel.encodings import Encodings
from limn.kernel.guidance import Guidance
from limn.kernel.known import KNOWN, nothing_known
from limn.kernel.predictor import Encoder, Predictor
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.sampler import Sampler, Schedule
from limn.kernel.step import Step
from limn.kernel.walk import Walk


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
        known: Whether the network also reads what is known of a picture (:mod:`limn.kernel.known`).
        blends: Whether what is known takes the place of its answers; else it is left to itself.
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
    known: bool = False
    blends: bool = True
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
        edit: Callable[[Walk], Iterator[Step]] = Walk.__call__,
    ) -> Iterator[Step]:
        """Walk one batch from noise to state.

        Args:
            prompts: One for each picture.
            guidances: In any order.
            streams: One random stream for each picture.
            size: Height and width in pixels.
            sampler: Instead of the stage's own.
            steps: Instead of the stage's own.
            spacing: Spacing of the noise levels; the schedule's or sampler's own when empty.
            given: What earlier stages made (pictures, ...).
            noise: Unit noise to start from, or for token models tokens, -1 where hidden, (pictures, *state); drawn
                from the streams when ``None``.
            adapters: Besides the stage's own.
            encodings: Text encodings kept from earlier walks.
            max_rows: Most rows in one forward pass.
            ledger: Where forwards are noted.
            edit: Walks in place of the sampler alone; see :meth:`limn.kernel.edit.Edit.walk`.

        Yields:
            Each step, with ``x`` where the walk then stands and ``clean`` as predicted.
        """
        sampler, steps, given = sampler or self.sampler, steps or self.steps, dict(given or {})
        if self.known and KNOWN not in given:
            given[KNOWN] = nothing_known(self.codec, size, self.device).expand(len(prompts), -1, -1, -1)

        shape = self.codec.shape(*size)

        def answering(prompts: Sequence[Prompt], guidances: Sequence[Guidance]) -> Runner:
            return Runner(
                self.predictor, self.encoder, prompts, guidances, streams,
                given=given, adapters={**self.adapters, **(adapters or {})}, codec=self.codec, encodings=encodings,
                max_rows=max_rows, ledger=ledger,
            )  # fmt: skip

        walk = Walk(
            sampler=sampler,
            predict=answering(prompts, guidances),
            levels=self.schedule.levels(steps, sampler, spacing, shape),
            streams=streams,
            noise=lambda: (streams.normal(shape) if noise is None else noise).to(self.device),
            scale=self.schedule.start_scale(steps, sampler, spacing, shape),
            plain=lambda prompt: answering([prompt], ()),
        )
        yield from edit(walk)
