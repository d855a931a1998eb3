"""Noise levels: their order, their ends, and the conventions of each family."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ideal import SCHEDULES
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.sampler import Grid, Sampler, Schedule
from limn.samplers.ddim import DDIM
from limn.samplers.decoding import Masking
from limn.samplers.dpmpp_2m import DPMpp2M
from limn.samplers.euler import Euler
from limn.samplers.lcm import LCM
from limn.samplers.levels import Discrete, Edm, Flow
from limn.samplers.unmask import Unmask
from toys import toy

SAMPLERS: list[Sampler] = [DDIM(), Euler(), DPMpp2M(), LCM()]  # one for each way to place discrete timesteps


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    schedule = draw(st.sampled_from(list(SCHEDULES.values())))
    if isinstance(schedule, Discrete):
        return replace(
            schedule,
            spacing=draw(st.sampled_from([None, "leading", "trailing", "linspace"])),
            steps_offset=draw(st.integers(0, 2)),
            sigmas=draw(st.sampled_from([None, "karras", "exponential", "beta"])),
        )
    if isinstance(schedule, Flow):
        return replace(schedule, spacing=draw(st.sampled_from(["trailing", "linspace"])))
    return schedule


@given(schedule=schedules(), steps=st.integers(1, 50), sampler=st.sampled_from(SAMPLERS))
def test_levels_fall_from_noise_to_the_clean_end(schedule: Schedule, steps: int, sampler: Sampler) -> None:
    levels = schedule.levels(steps, sampler)
    assert len(levels) == steps + 1
    for here, there in pairwise(levels):
        assert here.ratio > there.ratio
        assert here.alpha <= there.alpha
        assert here.time >= there.time
    assert all(0 <= level.alpha <= 1 and level.sigma >= 0 and math.isfinite(level.time) for level in levels)
    assert (levels[-1].alpha, levels[-1].sigma) == (1, 0)
    assert 0 < schedule.start_scale(steps, sampler) < math.inf


@given(steps=st.integers(1, 1000), spacing=st.sampled_from(["leading", "trailing", "linspace"]))
def test_timesteps_stay_within_those_the_network_knows(steps: int, spacing: str) -> None:
    schedule = spec_schedule(spacing)
    times = [level.time for level in schedule.levels(steps, DDIM())[:-1]]
    assert len(set(times)) == steps
    assert min(times) >= 0
    assert max(times) <= 999
    assert all(time == int(time) for time in times)


def spec_schedule(spacing: str) -> Discrete:
    return Discrete(spacing=spacing, steps_offset=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["linear", "scaled_linear", "cosine", "zero_snr"])
def test_discrete_levels_preserve_variance(name: str) -> None:
    for sampler in SAMPLERS:
        for level in SCHEDULES[name].levels(20, sampler):
            assert level.alpha**2 + level.sigma**2 == pytest.approx(1, abs=1e-15)


def test_spacings_of_whole_timesteps() -> None:
    def times(spacing: str, steps: int, sampler: Sampler) -> list[float]:
        return [level.time for level in spec_schedule(spacing).levels(steps, sampler)[:-1]]

    assert times("leading", 4, DDIM()) == [751, 501, 251, 1]
    assert times("trailing", 4, DDIM()) == [999, 749, 499, 249]
    assert times("linspace", 4, DDIM()) == [999, 666, 333, 0]
    assert times("linspace", 3, Euler()) == [999, 499.5, 0]
    assert times("linspace", 3, DPMpp2M()) == [999, 666, 333]
    assert times("leading", 3, DPMpp2M()) == [751, 501, 251]


def test_each_sampler_has_its_own_spacing_unless_the_schedule_says() -> None:
    assert Discrete().levels(4, DDIM())[0].time == 750
    assert Discrete().levels(4, Euler())[0].time == 999
    assert Discrete(spacing="leading").levels(4, Euler())[0].time == 750


def test_zero_snr_starts_at_pure_noise() -> None:
    schedule = Discrete(zero_snr=True, spacing="trailing")
    assert schedule.levels(10, DDIM())[0].alpha == 0
    assert schedule.levels(10, DDIM())[0].sigma == 1
    assert schedule.levels(10, Euler())[0].alpha == pytest.approx(2**-12, rel=1e-6)


def test_a_walk_may_end_at_the_first_timestep() -> None:
    end = Discrete(set_alpha_to_one=False, steps_offset=1).levels(20, DDIM())[-1]
    assert end.alpha**2 == pytest.approx(1 - 0.00085, rel=1e-6)
    assert Discrete(set_alpha_to_one=False).levels(20, Euler())[-1].sigma == 0


def test_edm_levels_are_equation_5() -> None:
    levels = Edm().levels(18, Euler())
    roots = [80 ** (1 / 7) + k / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7)) for k in range(18)]
    for level, root in zip(levels, roots, strict=False):
        assert level.sigma == pytest.approx(root**7, rel=1e-9)
        assert level.time == pytest.approx(math.log(level.sigma) / 4)
    assert Edm().start_scale(18, Euler()) == 80


def test_flow_levels_are_a_straight_line_and_can_be_shifted() -> None:
    assert [level.time for level in Flow().levels(4, Euler())] == [1, 0.75, 0.5, 0.25, 0]
    shifted = Flow(shift=3).levels(4, Euler())
    assert [level.time for level in shifted] == pytest.approx([1, 2.25 / 2.5, 0.75, 0.75 / 1.5, 0])
    assert all(level.alpha + level.sigma == pytest.approx(1) for level in shifted)
    assert (shifted[0].alpha, shifted[0].sigma) == (0, 1)


@pytest.mark.parametrize("steps", [0, -3, 1001])
def test_too_few_or_too_many_steps_are_refused(steps: int) -> None:
    with pytest.raises(InputError, match="steps"):
        Discrete().levels(steps, DDIM())


@pytest.mark.parametrize("schedule", [Edm(), Flow()])
def test_no_steps_are_refused(schedule: Schedule) -> None:
    with pytest.raises(InputError, match="at least 1"):
        schedule.levels(0, Euler())


def test_every_registered_sampler_says_how_it_places_levels() -> None:
    for name in registry.names("samplers"):
        part = registry.find("samplers", name)
        assert issubclass(part, Sampler)
        assert part.grid in get_args(Grid)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace", "lcm"])
def test_a_spacing_of_timesteps_takes_the_place_of_the_schedules(spacing: str, sampler: Sampler) -> None:
    usual = Discrete(sigmas="karras", spacing="trailing", steps_offset=1)
    wanted = replace(usual, sigmas=None, spacing=spacing)  # type: ignore[arg-type]
    if sampler.grid == "distilled":  # keeps the timesteps of a distillation unless a walk asks for others
        assert wanted.levels(7, sampler) == replace(usual, sigmas=None).levels(7, sampler, "lcm")
        return
    assert usual.levels(7, sampler, spacing) == wanted.levels(7, sampler)
    assert usual.start_scale(7, sampler, spacing) == wanted.start_scale(7, sampler)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("spacing", ["karras", "exponential", "beta"])
def test_a_spacing_of_noise_keeps_the_schedules_ends(spacing: str, sampler: Sampler) -> None:
    usual = Discrete(spacing="linspace")
    assert usual.levels(7, sampler, spacing) == replace(usual, sigmas=spacing).levels(7, sampler)  # type: ignore[arg-type]
    flow = Flow(spacing="linspace")
    for schedule in (flow, Edm()):
        ours, plain = schedule.levels(7, sampler, spacing), schedule.levels(7, sampler)
        assert [ours[k].ratio for k in (0, 6, 7)] == pytest.approx([plain[k].ratio for k in (0, 6, 7)])
        assert all(here.ratio > there.ratio for here, there in pairwise(ours))
    assert Edm().levels(7, sampler, "karras") == Edm().levels(7, sampler)


def test_even_spacings_of_the_logarithm_and_symmetric_quantiles() -> None:
    sigmas = [level.sigma for level in Edm().levels(9, Euler(), "exponential")[:-1]]
    assert [one / two for one, two in pairwise(sigmas)] == pytest.approx([sigmas[0] / sigmas[1]] * 8)
    sigmas = [level.sigma for level in Edm().levels(9, Euler(), "beta")[:-1]]
    assert [one + two for one, two in zip(sigmas, sigmas[::-1], strict=True)] == pytest.approx([80.002] * 9)


@pytest.mark.parametrize(
    ("schedule", "sampler", "spacing", "message"),
    [
        (Discrete(), Euler(), "cubic", "give leading, trailing, linspace, lcm, karras, exponential, beta"),
        (Edm(), Euler(), "leading", "'leading' is not for this model; give karras, exponential, beta"),
        (Flow(), Euler(), "lcm", "give trailing, linspace, karras, exponential, beta"),
        (Masking(), Unmask(), "karras", "this model draws tokens"),
    ],
)
def test_spacings_that_mean_nothing_are_refused(
    schedule: Schedule, sampler: Sampler, spacing: str, message: str
) -> None:
    with pytest.raises(InputError, match=f"spacing: .*{message}"):
        schedule.levels(5, sampler, spacing)


def test_lcm_spacing_has_the_steps_of_the_distillation() -> None:
    assert [level.time for level in Discrete().levels(4, LCM())] == [999, 759, 499, 259, 0]
    assert Discrete(set_alpha_to_one=False).levels(4, LCM())[-1].sigma == 0
    with pytest.raises(InputError, match="steps: 51 is not allowed; this model takes 1 to 50"):
        Discrete().levels(51, LCM())


def test_a_stage_walks_the_levels_of_its_spacing() -> None:
    stage = replace(toy().stages[0], schedule=Flow())
    for spacing in ("", "linspace", "karras"):
        walk = stage.walk([Prompt("a heart")], [], Streams([1]), size=(8, 8), steps=4, spacing=spacing)
        assert [step.level for step in walk] == list(Flow().levels(4, DDIM(), spacing)[:-1])
