"""One batched forward: the union of all questions of all guidances, asked once, folded into one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from limn.kernel import registry
from limn.kernel.adapter import Adapter, RowAdapter, SecondModel
from limn.kernel.branch import Branch, Branches
from limn.kernel.codec import Codec
from limn.kernel.encodings import Encodings
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.predictor import Ask, Conditioning, Encoder, Predictor
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.step import Step

__all__ = ["Forward", "Ledger", "Runner", "check_together"]


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
        flops: Floating-point operations, as far as the predictor counts them; otherwise 0.
        carried: Adapters that some of its rows carried.
    """

    step: int
    adapter: str | None
    gradient: bool
    names: tuple[str, ...]
    rows: int
    pictures: int
    flops: int = 0
    carried: tuple[str, ...] = ()

    @property
    def weights(self) -> str:
        """What answered, in words."""
        return " + ".join([self.adapter or "as loaded", *self.carried])


@dataclass
class Ledger:
    """What was asked of the model: the source of ``--explain`` and of every count of forward passes."""

    forwards: list[Forward] = field(default_factory=list)
    branches: dict[int, Branches] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows answered in all."""
        return sum(forward.rows for forward in self.forwards)

    @property
    def flops(self) -> int:
        """Floating-point operations in all, of the predictors that count them."""
        return sum(forward.flops for forward in self.forwards)


class Runner:
    """Answers steps for one batch of pictures: expand, one forward per set of weights, combine.

    Args:
        predictor: The model.
        encoder: Turns prompts into conditioning.
        prompts: One prompt for each picture.
        guidances: In any order; sorted by rank, and within a rank by name, here.
        streams: One random stream for each picture.
        given: What earlier stages made, by name, each (pictures, ...).
        adapters: Other sets of weights that a branch may name.
        codec: Turns states into pictures, for guidances that look at them.
        encodings: Encodings of ``encoder`` kept from earlier walks.
        max_rows: Most rows in one forward pass; more are answered by several, with equal results.
        ledger: Where forwards are noted.

    Raises:
        InputError: If the guidances cannot be used together or with this model.
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
        codec: Codec | None = None,
        encodings: Encodings | None = None,
        max_rows: int | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.predictor, self.encoder, self.prompts, self.streams = predictor, encoder, tuple(prompts), streams
        self.guidances = sorted(guidances, key=lambda each: (each.rank, registry.name_of(each)))
        self.given, self.adapters = dict(given or {}), dict(adapters or {})
        self.codec, self.max_rows = codec, max_rows
        self.ledger = ledger if ledger is not None else Ledger()
        self._memories: list[dict[str, Any]] = [{} for _ in self.guidances]
        self._encodings = encodings if encodings is not None else Encodings(encoder)
        self._stacked: dict[tuple[tuple[object, ...], ...], Conditioning] = {}
        check_together(self.guidances, predictor.space)

    def __call__(self, step: Step) -> Tensor:
        """Answer a step with the guided clean state or logits (pictures, ...)."""
        step = replace(step, streams=self.streams, encoder=self._encodings, codec=self.codec)
        asked = self._expand(step)
        step = replace(step, prompts=tuple(branches["main"].prompt for branches in asked))
        if any(branch.gradient for branches in asked for branch in branches.values()):
            step = replace(step, x=step.x.detach().requires_grad_(True))
        answers = self._answer(asked, step)
        main = self._combine(answers, step).detach()
        for memory in self._memories:  # no graph outlives its step
            memory.update({key: each.detach() for key, each in memory.items() if isinstance(each, Tensor)})
        return main

    def _steps(self, step: Step) -> list[Step]:
        """Give each guidance its own memory, and only a copy of it on secondary evaluations."""
        memories = self._memories if step.primary else [dict(memory) for memory in self._memories]
        return [replace(step, memory=memory) for memory in memories]

    def _expand(self, step: Step) -> list[Branches]:
        """Return the questions of each picture; equal prompts are expanded once unless a guidance is adaptive."""
        steps = [replace(own, primary=step.primary) for own in self._steps(replace(step, primary=False))]
        adaptive = any(guidance.adaptive for guidance in self.guidances)
        done: dict[Prompt | int, Branches] = {}
        asked = []
        for picture, prompt in enumerate(self.prompts):
            key = picture if adaptive else prompt
            if key not in done:
                branches: Branches = {"main": Branch(prompt)}
                for guidance, own in zip(self.guidances, steps, strict=True):
                    branches = guidance.expand(branches, replace(own, picture=picture))
                done[key] = branches
            asked.append(done[key])
        self.ledger.branches.setdefault(step.index, _union(asked))
        return asked

    def _answer(self, asked: Sequence[Branches], step: Step) -> Predictions:
        """Ask every distinct question once, one forward for each set of weights."""
        groups: dict[_Weights, dict[tuple[int, Branch], int]] = {}
        for picture, branches in enumerate(asked):
            for branch in branches.values():
                rows = groups.setdefault(self._key(branch), {})
                rows.setdefault((picture, branch), len(rows))
        union = _union(asked)
        outputs = {key: self._forward(key, list(rows), union, step) for key, rows in groups.items()}
        answers: Predictions = {}
        for name in union:
            wanted = [branches.get(name, branches["main"]) for branches in asked]
            keys = [self._key(branch) for branch in wanted]
            places = [groups[key][row] for key, row in zip(keys, enumerate(wanted), strict=True)]
            if len(set(keys)) == 1:
                answers[name] = _rows(outputs[keys[0]], places)
            else:
                answers[name] = torch.stack([outputs[key][row] for key, row in zip(keys, places, strict=True)])
        return answers

    def _forward(self, key: _Weights, rows: Sequence[tuple[int, Branch]], union: Branches, step: Step) -> Tensor:
        adapter, gradient = key
        names = tuple(name for name, branch in union.items() if self._key(branch) == key)
        others = dict.fromkeys(branch.adapter for _, branch in rows if branch.adapter != adapter)
        carried = tuple(name for name in others if name is not None)
        size = self.max_rows or len(rows)
        answers = []
        with torch.set_grad_enabled(gradient), self._weights(adapter) as predictor:
            for start in range(0, len(rows), size):
                part = rows[start : start + size]
                pictures, branches = [picture for picture, _ in part], [branch for _, branch in part]
                x = _rows(step.x if gradient else step.x.detach(), pictures)
                conditioning = self._condition(pictures, branches)
                edits = [branch.attention for branch in branches]
                flops = _flops(predictor, x, conditioning)
                with self._carrying(branches, carried):
                    answers.append(predictor(x, step.level, conditioning, edits))
                self.ledger.forwards.append(
                    Forward(
                        step=step.index, adapter=adapter, gradient=gradient, names=names, rows=len(part),
                        pictures=len(self.prompts), flops=flops, carried=carried,
                    )
                )  # fmt: skip
        return answers[0] if len(answers) == 1 else torch.cat(answers)

    def _key(self, branch: Branch) -> _Weights:
        """Say which forward a question belongs to; what rows can carry joins the forward of the model as loaded."""
        carried = isinstance(self.adapters.get(branch.adapter or ""), RowAdapter)
        return (None if carried else branch.adapter), branch.gradient

    def _carrying(self, branches: Sequence[Branch], names: Sequence[str]) -> ExitStack:
        """Return a context in which each row carries its own adapter."""
        stack = ExitStack()
        for name in names:
            adapter, rows = self.adapters[name], [row for row, each in enumerate(branches) if each.adapter == name]
            if rows and isinstance(adapter, RowAdapter):
                stack.enter_context(adapter.among(rows))
        return stack

    def _weights(self, adapter: str | None) -> AbstractContextManager[Predictor]:
        if adapter is None:
            return nullcontext(self.predictor)
        if adapter not in self.adapters:
            raise InputError(f"adapter {adapter!r} is not loaded; load it before a guidance names it")
        return self.adapters[adapter].on(self.predictor)

    def _condition(self, pictures: Sequence[int], branches: Sequence[Branch]) -> Conditioning:
        """Return the rows of conditioning for one set of weights; the same rows are joined once a walk."""
        other = self.adapters.get(branches[0].adapter or "")
        encodings = other.encodings if isinstance(other, SecondModel) else self._encodings
        keys = tuple(
            (id(encodings), branch.adapter, branch.prompt, branch.drop, picture if self.given else None)
            for picture, branch in zip(pictures, branches, strict=True)
        )
        if keys not in self._stacked:
            asks = [
                Ask(branch.prompt, branch.drop, {name: value[picture] for name, value in self.given.items()})
                for picture, branch in zip(pictures, branches, strict=True)
            ]
            self._stacked[keys] = encodings.encode(asks)
        return self._stacked[keys]

    def _combine(self, answers: Predictions, step: Step) -> Tensor:
        """Fold by rank; convert only when the next guidance works in another space."""
        space = self.predictor.space
        if not self.guidances:
            return answers["main"]
        for guidance, own in zip(self.guidances, self._steps(step), strict=True):
            wanted = space if guidance.space == "any" else guidance.space
            if wanted != space:
                convert = step.to_noise if wanted == "noise" else step.to_clean
                answers = {name: convert(answer) for name, answer in answers.items()}
                space = wanted
            if guidance.rank >= Rank.AMPLIFY:
                answers.setdefault("base", answers["main"])
            answers = guidance.combine(answers, replace(own, space=space))
        main = answers["main"]
        return step.to_clean(main) if space == "noise" else main


def _flops(predictor: Predictor, x: Tensor, conditioning: Conditioning) -> int:
    """Return the operations that the predictor says it is about to spend, before it does."""
    count = getattr(predictor, "flops", None)
    return int(count(x, conditioning)) if count is not None else 0


def check_together(guidances: Sequence[Guidance], space: str) -> None:
    """Refuse guidances that cannot be used together, or with a model that answers in this space.

    Args:
        guidances: What is to be used.
        space: ``"clean"`` or ``"logits"``.

    Raises:
        InputError: With a sentence that names the guidance.
    """
    seen: dict[str, str] = {}
    for guidance in guidances:
        name = registry.name_of(guidance)
        for part in (guidance, *guidance.parts):
            continuous = space == "clean" and part.space in ("clean", "noise")
            if not (continuous or part.space in ("any", space)):
                wrong = f"works in {part.space} space, this model answers in {space}"
                raise InputError(f"guidance {registry.name_of(part)}: {wrong}")
        for key in {name, guidance.slot or name}:
            if key in seen:
                other = "is given twice" if seen[key] == name else f"takes the place of {seen[key]}"
                raise InputError(f"guidance {name}: {other}; use one of them")
        seen.update({name: name, guidance.slot or name: name})


_Weights = tuple[str | None, bool]


def _union(asked: Sequence[Branches]) -> Branches:
    """Return the questions of all pictures, each as the first picture that has it asks it."""
    return {name: branch for branches in reversed(asked) for name, branch in branches.items()}


def _rows(values: Tensor, places: Sequence[int]) -> Tensor:
    whole = list(places) == list(range(values.shape[0]))
    return values if whole else values[torch.as_tensor(places, device=values.device)]
