"""What every sampler must satisfy, of clean states and of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from limn.kernel import registry
from limn.kernel.codec import HIDDEN
from limn.kernel.level import Level
from limn.kernel.rng import Streams
from limn.kernel.sampler import Predict, Sampler, Schedule
from limn.kernel.step import Step
from limn.samplers.decoding import Masking
from limn.samplers.levels import Discrete, Edm, Flow
from limn.testing.parts import check_part

SHAPE = (3, 4, 4)
TOKENS, CLASSES = 12, 7


def check_sampler(part: Sampler, schedules: Sequence[Schedule] = (), *, steps: int = 5) -> None:
    """Check that a sampler walks from noise to picture as models and guidances expect it to.

    Args:
        part: With any options; check one with the defaults, and one with its noise switched on.
        schedules: The noise levels to walk; if none are given, several kinds for samplers of clean states, and
            ``Masking`` for those of tokens.
        steps: Steps of a walk; 12, the number of tokens, for samplers that decide one token at each step.

    Raises:
        AssertionError: It skips levels, asks more often than it says, does not end at the answer of a network
            that is sure, changes what it gave away, or lets a picture depend on its neighbours.
    """
    check_part("samplers", part)
    clean = part.space == "clean"
    assert part.space in ("clean", "logits"), f"{registry.name_of(part)}: its space is {part.space!r}"
    every = schedules or ((Discrete(), Discrete(sigmas="karras"), Edm(), Flow()) if clean else (Masking(),))
    for schedule in every:
        walk = Walk(part, schedule, steps)
        _check_steps(walk)
        _check_given_away(walk)
        _check_neighbours(walk)
        if clean:
            _check_certain(walk)
            _check_precision(walk)
        else:
            _check_undecided(walk)


@dataclass
class Walk:
    """Walks of one sampler over one schedule; counts what is asked."""

    part: Sampler
    schedule: Schedule
    count: int
    asked: list[Step] = field(default_factory=list)

    def __call__(
        self, seeds: Sequence[int], predict: Predict | None = None, start: Tensor | None = None
    ) -> list[Step]:
        """Walk one picture for each seed."""
        streams, answer = Streams(seeds), predict or self.predict
        return list(self.part.walk(answer, self.start(streams) if start is None else start, self.levels, streams))

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return f"{registry.name_of(self.part)} on {type(self.schedule).__name__}"

    @property
    def levels(self) -> tuple[Level, ...]:
        """Its noise levels."""
        return self.schedule.levels(self.count, self.part)

    @property
    def predict(self) -> Callable[[Step], Tensor]:
        """Answers each picture by itself, and notes that it was asked."""

        def answer(step: Step) -> Tensor:
            self.asked.append(step)
            return torch.tanh(step.x) if self.part.space == "clean" else logits(step)

        return answer

    def start(self, streams: Streams) -> Tensor:
        """Return noise, or nothing that is decided."""
        if self.part.space == "clean":
            return streams.normal(SHAPE) * self.schedule.start_scale(self.count, self.part)
        return torch.zeros(len(streams), TOKENS)


def logits(step: Step) -> Tensor:
    """Return logits (pictures, tokens, classes) that depend on what is decided in their own picture only."""
    decided = (step.x + 2).double() @ torch.arange(1.0, TOKENS + 1).double()
    places = torch.arange(TOKENS)[:, None] + torch.arange(CLASSES) * 2
    return torch.sin(decided[:, None, None] + places).float() * 3


def _check_steps(walk: Walk) -> None:
    """One step is given for each pair of levels, and as many questions asked as the sampler says."""
    name, part = walk.name, walk.part
    steps = walk([1, 2])
    assert [step.next for step in steps] == list(walk.levels[1:]), f"{name}: does not visit every level"
    places = [(step.index, step.total) for step in steps]
    assert places == [(k, walk.count) for k in range(walk.count)], f"{name}: counts its steps wrongly"
    for step in steps:
        assert step.primary and step.clean is not None, f"{name}: gives a step without the clean state predicted"
        whole = torch.isfinite(step.x).all() if part.space == "clean" else step.x.dtype == torch.int64
        assert step.x.shape == step.clean.shape and whole, f"{name}: gives states of another shape or type"
    if part.space == "clean":
        assert len(walk.asked) == part.calls * (walk.count - 1) + 1, f"{name}: asks not as often as calls says"
        known = all(step.level in walk.levels[:-1] for step in walk.asked)
        assert known, f"{name}: asks about a level that the schedule did not give"
    primary = [step.index for step in walk.asked if step.primary]
    assert primary == list(range(walk.count)), f"{name}: asks at each step once with primary, else without"


def _check_given_away(walk: Walk) -> None:
    """Nothing happens before it is asked for, and what was given away stays."""
    name, random, streams = walk.name, torch.random.get_rng_state(), Streams([4])
    start, asked = walk.start(streams), len(walk.asked)
    before = start.clone()
    steps = iter(walk.part.walk(walk.predict, start, walk.levels, streams))
    assert len(walk.asked) == asked, f"{name}: asks before the first step is wanted"
    given = [(step.x, step.x.clone()) for step in steps]
    assert torch.equal(start, before), f"{name}: changes the state that it starts from"
    assert all(torch.equal(*pair) for pair in given), f"{name}: changes a state that it gave away"
    assert torch.equal(torch.random.get_rng_state(), random), f"{name}: draws from torch's global stream"


def _check_neighbours(walk: Walk) -> None:
    together, again = walk([5, 6, 7]), walk([7, 5])
    close = 1e-5 if walk.part.space == "clean" else 0.0
    for row, seed in enumerate((5, 6, 7)):
        pairs = zip(together, walk([seed]), strict=True)
        same = all(torch.allclose(both.x[[row]], one.x, rtol=close, atol=close) for both, one in pairs)
        assert same, f"{walk.name}: a picture depends on the others of its batch"
    same = torch.allclose(again[-1].x, together[-1].x[[2, 0]], rtol=close, atol=close)
    assert same, f"{walk.name}: a picture depends on its place in the batch"


def _check_certain(walk: Walk) -> None:
    """A network that always answers the same is believed in the end, however few the steps."""
    answer = torch.linspace(-1, 1, 48).view(1, *SHAPE)
    for steps in {1, 2, walk.count}:
        last = Walk(walk.part, walk.schedule, steps)([3], lambda step: answer)[-1]
        same = torch.allclose(last.x, answer, atol=1e-6)
        assert same, f"{walk.name}: {steps} steps do not end at what the network is sure of"


def _check_precision(walk: Walk) -> None:
    for dtype in (torch.float64, torch.float16):
        start = torch.ones(1, *SHAPE, dtype=dtype)
        last = walk([0], lambda step: step.x * 0.1, start)[-1]
        assert last.x.dtype == dtype, f"{walk.name}: turns states of {dtype} into {last.x.dtype}"


def _check_undecided(walk: Walk) -> None:
    """All tokens are decided in the end, by chance, but none by answers that are no numbers."""
    last = walk(list(range(8)))[-1].x
    assert (last != HIDDEN).all() and last.max() < CLASSES, f"{walk.name}: does not decide every token"
    assert len({tuple(row) for row in last.tolist()}) > 4, f"{walk.name}: hardly depends on the seed"

    def half_broken(step: Step) -> Tensor:
        answer = logits(step)
        answer[1] = torch.nan
        return answer

    broken = walk([5, 6], half_broken)[-1].x
    assert (broken[1] == HIDDEN).any(), f"{walk.name}: decides tokens by answers that are no numbers"
    assert torch.equal(broken[[0]], walk([5])[-1].x), f"{walk.name}: a broken picture touches its neighbour"
