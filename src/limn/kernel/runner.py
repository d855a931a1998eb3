"""One batched forward: the union of all questions of all guidances, asked once, folded into one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from limn.kernel import registry
from limn.kernel.adapter import Adapter, RowAdapter, SecondModel, TextAdapter
from limn.kernel.branch import Branch, Branches
from limn.kernel.codec import Codec
from limn.kernel.encodings import Encodings
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.plan import Batch, Forwards, Plan
from limn.kernel.predictor import Ask, Conditioning, Encoder, Predictor
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.step import Step


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
    unread: dict[str, str] = field(default_factory=dict)
    """What was asked, and the words at its end that are past an encoder's limit and play no part."""

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
        self.guidances = sorted(guidances, key=lambda guidance: (guidance.rank, registry.name_of(guidance)))
        self.given, self.adapters = dict(given or {}), dict(adapters or {})
        self.codec, self.max_rows = codec, max_rows
        self.ledger = ledger if ledger is not None else Ledger()
        self._memories: list[dict[str, Any]] = [{} for _ in self.guidances]
        self._encodings = encodings if encodings is not None else Encodings(encoder)
        self._carried = {name: own for name, own in self.adapters.items() if isinstance(own, RowAdapter)}
        self._readings: dict[tuple[str, ...], Encodings] = {}
        # Equal prompts are expanded once, unless a guidance tells pictures apart.
        adaptive = any(guidance.adaptive for guidance in self.guidances)
        keys: list[object] = list(range(len(self.prompts)) if adaptive else self.prompts)
        first = {key: picture for picture, key in reversed([*enumerate(keys)])}
        self._expanded = sorted(first.values())
        self._places = [self._expanded.index(first[key]) for key in keys]
        self._plans: dict[tuple[tuple[tuple[str, Branch], ...], ...], Plan] = {}
        self._stacked: dict[tuple[tuple[object, ...], ...], Conditioning] = {}
        check_together(self.guidances, predictor.space)

    def __call__(self, step: Step) -> Tensor:
        """Answer a step with the guided clean state or logits (pictures, ...)."""
        step = replace(step, streams=self.streams, encoder=self._encodings, codec=self.codec)
        plan = self._plan(step)
        x = step.x.detach().requires_grad_(True) if plan.gradient else step.x
        step = replace(step, x=x, prompts=plan.prompts)
        answers = plan.answers([self._forward(forwards, step) for forwards in plan.forwards])
        main = self._combine(answers, step).detach()
        for memory in self._memories:  # no graph outlives its step
            memory.update({key: value.detach() for key, value in memory.items() if isinstance(value, Tensor)})
        return main

    def _plan(self, step: Step) -> Plan:
        """Expand the questions of each picture, equal prompts once unless a guidance is adaptive, and plan them."""
        memories = [dict(memory) for memory in self._memories]
        asked = []
        for picture in self._expanded:
            branches: Branches = {"main": Branch(self.prompts[picture])}
            pairs = zip(self.guidances, memories, strict=True)
            for guidance, memory in sorted(pairs, key=lambda pair: pair[0].rank is Rank.WEIGHTS):
                branches = guidance.expand(branches, replace(step, memory=memory, picture=picture))
            asked.append(branches)
        key = tuple(tuple(branches.items()) for branches in asked)
        if key not in self._plans:
            self._check_carried(asked)
            self._plans[key] = Plan([asked[place] for place in self._places], self._carried, self.max_rows)
        plan = self._plans[key]
        self.ledger.branches.setdefault(step.index, plan.union)
        return plan

    def _check_carried(self, asked: Sequence[Branches]) -> None:
        for name in sorted({name for branches in asked for branch in branches.values() for name in branch.carries}):
            if name not in self._carried:
                raise InputError(
                    f"adapter {name[:100]!r}: is no change that rows can carry; give the file of a LoRA or word"
                )

    def _forward(self, forwards: Forwards, step: Step) -> Tensor:
        """Answer all questions to one set of weights."""
        adapter, gradient = forwards.weights
        answers = []
        with torch.set_grad_enabled(gradient), self._weights(adapter) as predictor:
            for batch in forwards.batches:
                x = batch.pictures.of(step.x if gradient else step.x.detach())
                if batch.conditioning is None:
                    batch.conditioning = self._condition(batch)
                flops = _flops(predictor, x, batch.conditioning)
                with self._carrying(batch, forwards.carried):
                    answers.append(predictor(x, step.level, batch.conditioning, batch.edits))
                for edit in batch.edits:
                    if edit is not None:
                        edit.check()
                self.ledger.forwards.append(
                    Forward(
                        step=step.index, adapter=adapter, gradient=gradient, names=forwards.names, rows=len(x),
                        pictures=len(self.prompts), flops=flops, carried=forwards.carried,
                    )
                )  # fmt: skip
        return answers[0] if len(answers) == 1 else torch.cat(answers)

    def _carrying(self, batch: Batch, names: Sequence[str]) -> ExitStack:
        """Return a context in which each row carries its own adapter."""
        stack = ExitStack()
        for name in names:
            if rows := batch.carrying(name):
                stack.enter_context(self._carried[name].among(rows))
        return stack

    def _weights(self, adapter: str | None) -> AbstractContextManager[Predictor]:
        if adapter is None:
            return nullcontext(self.predictor)
        if adapter not in self.adapters:
            raise InputError(f"adapter {adapter!r} is not loaded; load it before a guidance names it")
        return self.adapters[adapter].on(self.predictor)

    def _condition(self, batch: Batch) -> Conditioning:
        """Return the rows of conditioning; the same rows are joined once a walk."""
        rows = list(zip(batch.pictures.places, batch.branches, strict=True))
        keys = tuple(
            (branch.changes, branch.prompt, branch.drop, branch.knobs, picture if self.given else None)
            for picture, branch in rows
        )
        if keys not in self._stacked:
            groups: dict[tuple[str, ...], list[int]] = {}
            for row, branch in enumerate(batch.branches):
                groups.setdefault(self._reading(branch), []).append(row)
            asks = [
                Ask(branch.prompt, branch.drop, {name: value[picture] for name, value in self.given.items()})
                for picture, branch in rows
            ]
            parts = [self._encoded(names, batch, [asks[row] for row in places]) for names, places in groups.items()]
            order = [row for places in groups.values() for row in places]
            stacked = (
                parts[0]
                if len(parts) == 1
                else Conditioning.stack(parts).pick([order.index(row) for row in range(len(rows))])
            )
            self._stacked[keys] = stacked.turned([dict(branch.knobs) for branch in batch.branches])
        return self._stacked[keys]

    def _reading(self, branch: Branch) -> tuple[str, ...]:
        """Return the adapters that give a branch's text encoder other weights."""
        own = ((name, self.adapters[name]) for name in branch.changes if name in self._carried)
        return tuple(name for name, adapter in own if isinstance(adapter, TextAdapter) and adapter.reading())

    def _encoded(self, reading: tuple[str, ...], batch: Batch, asks: Sequence[Ask]) -> Conditioning:
        other = self.adapters.get(batch.branches[0].adapter or "")
        encodings = other.encodings if isinstance(other, SecondModel) else self._encodings
        for text in dict.fromkeys(ask.prompt.text for ask in asks if "text" not in ask.drop):
            if len(words := encodings.unread(text)) > len(self.ledger.unread.get(text, "")):
                self.ledger.unread[text] = words
        if isinstance(other, SecondModel) or not reading:
            return encodings.encode(asks)
        kept = self._readings.setdefault(reading, Encodings(self._encodings.encoder))
        with ExitStack() as stack:
            for name in reading:
                if isinstance(adapter := self.adapters[name], TextAdapter) and (changed := adapter.reading()):
                    stack.enter_context(changed)
            return kept.encode(asks)

    def _combine(self, answers: Predictions, step: Step) -> Tensor:
        """Fold by rank; convert only when the next guidance works in another space."""
        space = self.predictor.space
        for guidance, memory in zip(self.guidances, self._memories, strict=True):
            own = memory if step.primary else dict(memory)  # secondary evaluations leave no trace
            wanted = space if guidance.space == "any" else guidance.space
            if wanted != space:
                convert = step.to_noise if wanted == "noise" else step.to_clean
                answers = {name: convert(answer) for name, answer in answers.items()}
                space = wanted
            if guidance.rank >= Rank.AMPLIFY:
                answers.setdefault("base", answers["main"])
            answers = guidance.combine(answers, replace(step, memory=own, space=space))
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
