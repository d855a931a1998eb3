"""One batched forward: the union of all questions of all guidances, asked once, folded into one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from limn.kernel.adapter import Adapter
from limn.kernel.branch import Branch, Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions
from limn.kernel.predictor import Ask, Conditioning, Encoder, Predictor
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.step import Step

__all__ = ["Forward", "Ledger", "Runner"]


@dataclass(frozen=True, kw_only=True)
class Forward:
    """One forward pass of the model.

    Args:
        step: Index of the step it served.
        adapter: Name of the weights that answered, ``None`` for the model as loaded.
        gradient: Whether it was differentiated.
        names: Branches answered, one name list for each distinct question.
        rows: Rows in the batch.
        pictures: Pictures in the batch.
    """

    step: int
    adapter: str | None
    gradient: bool
    names: tuple[str, ...]
    rows: int
    pictures: int


@dataclass
class Ledger:
    """What was asked of the model: the source of ``--explain`` and of every count of forward passes."""

    forwards: list[Forward] = field(default_factory=list)
    branches: dict[int, Branches] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows answered in all."""
        return sum(forward.rows for forward in self.forwards)


class Runner:
    """Answers steps for one batch of pictures: expand, one forward per set of weights, combine.

    Args:
        predictor: The model.
        encoder: Turns prompts into conditioning.
        prompts: One prompt for each picture.
        guidances: In any order; sorted by rank here.
        streams: One random stream for each picture.
        given: What earlier stages made, by name, each (pictures, ...).
        adapters: Other sets of weights that a branch may name.
        ledger: Where forwards are noted.
    """

    def __init__(
        self,
        predictor: Predictor,
        encoder: Encoder,
        prompts: Sequence[Prompt],
        guidances: Sequence[Guidance],
        streams: Streams,
        *,
        given: Mapping[str, Tensor] | None = None,
        adapters: Mapping[str, Adapter] | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.predictor, self.encoder, self.prompts, self.streams = predictor, encoder, tuple(prompts), streams
        self.guidances = sorted(guidances, key=lambda each: each.rank)
        self.given, self.adapters = dict(given or {}), dict(adapters or {})
        self.ledger = ledger if ledger is not None else Ledger()
        self._memories: list[dict[str, Any]] = [{} for _ in self.guidances]
        self._encoded: dict[tuple[object, ...], Conditioning] = {}
        self._stacked: dict[tuple[tuple[object, ...], ...], Conditioning] = {}
        _check_spaces(self.guidances, predictor.space)

    def __call__(self, step: Step) -> Tensor:
        """Answer a step with the guided clean state or logits (pictures, ...)."""
        step = replace(step, streams=self.streams, encoder=self.encoder)
        asked = self._expand(step)
        if any(branch.gradient for branches in asked for branch in branches.values()):
            step = replace(step, x=step.x.detach().requires_grad_(True))
        answers = self._answer(asked, step)
        return self._combine(answers, step).detach()

    def _steps(self, step: Step) -> list[Step]:
        """Give each guidance its own memory, and only a copy of it on secondary evaluations."""
        memories = self._memories if step.primary else [dict(memory) for memory in self._memories]
        return [replace(step, memory=memory) for memory in memories]

    def _expand(self, step: Step) -> list[Branches]:
        """Return the questions of each picture; equal prompts are expanded once and memory is only read."""
        steps, done = self._steps(replace(step, primary=False)), dict[Prompt, Branches]()
        for prompt in self.prompts:
            if prompt in done:
                continue
            branches: Branches = {"main": Branch(prompt)}
            for guidance, own in zip(self.guidances, steps, strict=True):
                branches = guidance.expand(branches, replace(own, primary=step.primary))
            done[prompt] = branches
        first = done[self.prompts[0]]
        for branches in done.values():
            if _plan(branches) != _plan(first):
                raise InputError(
                    "guidance: the prompts of one batch need different branches "
                    f"({', '.join(first)} against {', '.join(branches)}); draw them one at a time"
                )
        self.ledger.branches.setdefault(step.index, first)
        return [done[prompt] for prompt in self.prompts]

    def _answer(self, asked: Sequence[Branches], step: Step) -> Predictions:
        """Ask every distinct question once, one forward for each set of weights."""
        groups: dict[tuple[str | None, bool], dict[tuple[int, Branch], int]] = {}
        for picture, branches in enumerate(asked):
            for branch in branches.values():
                rows = groups.setdefault((branch.adapter, branch.gradient), {})
                rows.setdefault((picture, branch), len(rows))
        outputs = {key: self._forward(key, rows, asked[0], step) for key, rows in groups.items()}
        answers: Predictions = {}
        for name in asked[0]:
            places = []
            for picture, branches in enumerate(asked):
                branch = branches[name]
                places.append(groups[branch.adapter, branch.gradient][picture, branch])
            key = (asked[0][name].adapter, asked[0][name].gradient)
            output = outputs[key]
            whole = places == list(range(output.shape[0]))
            answers[name] = output if whole else output[torch.as_tensor(places, device=output.device)]
        return answers

    def _forward(
        self,
        key: tuple[str | None, bool],
        rows: Mapping[tuple[int, Branch], int],
        first: Branches,
        step: Step,
    ) -> Tensor:
        adapter, gradient = key
        pictures = [picture for picture, _ in rows]
        branches = [branch for _, branch in rows]
        conditioning = self._condition(pictures, branches)
        whole = pictures == list(range(step.x.shape[0]))
        x = step.x if whole else step.x[torch.as_tensor(pictures, device=step.x.device)]
        names = tuple(name for name, branch in first.items() if (branch.adapter, branch.gradient) == key)
        self.ledger.forwards.append(
            Forward(
                step=step.index, adapter=adapter, gradient=gradient, names=names, rows=len(rows),
                pictures=len(self.prompts),
            )
        )  # fmt: skip
        edits = [branch.attention for branch in branches]
        with torch.set_grad_enabled(gradient), self._weights(adapter) as predictor:
            return predictor(x if gradient else x.detach(), step.level, conditioning, edits)

    def _weights(self, adapter: str | None) -> AbstractContextManager[Predictor]:
        if adapter is None:
            return nullcontext(self.predictor)
        if adapter not in self.adapters:
            raise InputError(f"adapter {adapter!r} is not loaded; load it before a guidance names it")
        return self.adapters[adapter].on(self.predictor)

    def _condition(self, pictures: Sequence[int], branches: Sequence[Branch]) -> Conditioning:
        """Encode what has not been encoded on this walk, and join the rows."""
        keys: list[tuple[object, ...]] = [
            (branch.prompt, branch.drop, picture if self.given else None)
            for picture, branch in zip(pictures, branches, strict=True)
        ]
        stacked = self._stacked.get(tuple(keys))
        if stacked is not None:
            return stacked
        missing: dict[tuple[object, ...], Ask] = {}
        for key, picture, branch in zip(keys, pictures, branches, strict=True):
            if key not in self._encoded and key not in missing:
                given = {name: value[picture] for name, value in self.given.items()}
                missing[key] = Ask(branch.prompt, branch.drop, given)
        if missing:
            encoded = self.encoder.encode(list(missing.values()))
            self._encoded.update({key: encoded.pick([row]) for row, key in enumerate(missing)})
        distinct = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        together = Conditioning.stack([self._encoded[key] for key in distinct])
        self._stacked[tuple(keys)] = together.pick([distinct[key] for key in keys])
        return self._stacked[tuple(keys)]

    def _combine(self, answers: Predictions, step: Step) -> Tensor:
        """Fold by rank; convert only when the next guidance works in another space."""
        space = self.predictor.space
        for guidance, own in zip(self.guidances, self._steps(step), strict=True):
            wanted = space if guidance.space == "any" else guidance.space
            if wanted != space:
                convert = step.to_noise if wanted == "noise" else step.to_clean
                answers = {name: convert(answer) for name, answer in answers.items()}
                space = wanted
            answers = guidance.combine(answers, own)
        main = answers["main"]
        return step.to_clean(main) if space == "noise" else main


def _plan(branches: Branches) -> dict[str, tuple[str | None, bool]]:
    return {name: (branch.adapter, branch.gradient) for name, branch in branches.items()}


def _check_spaces(guidances: Sequence[Guidance], space: str) -> None:
    for guidance in guidances:
        continuous = guidance.space in ("clean", "noise")
        fits = guidance.space == "any" or (space == "clean" and continuous) or guidance.space == space
        if not fits:
            name = type(guidance).__name__
            raise InputError(f"guidance {name}: works in {guidance.space} space, this model answers in {space}")
