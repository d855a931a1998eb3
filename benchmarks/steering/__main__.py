"""Measure the claims named on the command line, or all; each writes ``results/steering_NAME.json`` and a sheet."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.kit.run import Measure, run
from benchmarks.steering.guides import art, clip, clip_alone, image
from benchmarks.steering.safety import safety, safety_scale
from benchmarks.steering.scale import cost, emoji_scale, scale
from benchmarks.steering.words import composed, paint, structured

CLAIMS = (art, clip, clip_alone, composed, cost, emoji_scale, image, paint, safety, safety_scale, scale, structured)


def for_each_seed(claim: Callable[[int], Mapping[str, Any]]) -> Measure:
    """Return a claim that is measured on ``--prompts`` prompts a seed."""

    def measure(*, prompts: int = 100) -> Mapping[str, Any]:
        return claim(prompts)

    return measure


if __name__ == "__main__":
    run({claim.__name__: for_each_seed(claim) for claim in CLAIMS}, "steering", quick={"prompts": 4})
