"""eDiff-I: experts against one network at equal time, what each encoder brings, and when words count.

Runs beside the shipped experts: expert_all (quantiles 0 to 1, for the seconds of all experts together), and for
three experts expert_third_1, _2 and _3; those that are not in runs/train are left out by name.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from benchmarks.conditions.common import JUDGE, ask, png, remembered
from benchmarks.kit.drawing import generator_of
from benchmarks.kit.intervals import mean, share
from benchmarks.kit.judging import captions, meanings, places_of, some
from benchmarks.kit.run import PICTOGRAMS
from limn.data.picture_set import PictureSet, load
from limn.data.split import SPLITS
from limn.kernel.branch import Branches
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.level import Level
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step
from limn.models.judges import judge
from limn.networks.experts import Expert
from limn.networks.low_rank import LowRank
from limn.predictors.diffusion import Diffusion
from limn.predictors.experts import ByLevel
from limn.train.batches import states
from limn.train.network import averaged, codec_of, state_of
from limn.train.recipe import parse
from limn.train.tasks.experts import Experts

BINS = 10
SETS = {
    "one, trained on": ("expert_all",),
    "two experts": ("expert_low", "expert_high"),
    "three experts": ("expert_third_1", "expert_third_2", "expert_third_3"),
}


@dataclass(frozen=True, kw_only=True)
class Switch(Guidance):
    """Say other words from a share of the walk on (or up to it, with ``before``)."""

    rank: ClassVar[Rank] = Rank.READ
    space: ClassVar[str] = "any"

    text: str = ""
    at: float = 0.5
    before: bool = False

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask about the other words in their part of the walk."""
        there = step.share < self.at if self.before else step.share >= self.at
        return {**branches, "main": branches["main"].saying(self.text)} if there else branches


def measure(
    *, model: str = "ediffi", count: int = 200, seeds: int = 3, steps: int | None = None, data: Path = PICTOGRAMS,
    runs: Path = Path("runs/train"),
) -> dict[str, Any]:  # fmt: skip
    """Return losses by level, obedience on held-out pairs, each encoder's part, and when words count."""
    source, key = load(data, SPLITS), f"{count}-{seeds}-{steps}"
    asked = source.take(some(places_of(source, "pair"), count))
    sets = {
        name: parts
        for name, parts in SETS.items()
        if all((runs / part / "checkpoint.json").exists() for part in parts)
    }
    missing = sorted(set(SETS) - set(sets))
    return {
        "model": model, "judge": JUDGE, "seeds": seeds, "prompts": len(asked), "not trained": missing,
        "experts": remembered(
            "ediffi", f"experts-{key}-{len(sets)}", lambda: experts(sets, runs, asked, seeds, steps)
        ),
        "encoders": remembered("ediffi", f"encoders-{key}", lambda: encoders(model, asked, seeds, steps)),
        "words switched": remembered("ediffi", f"switched-{key}", lambda: switched(model, asked, seeds)),
    }  # fmt: skip


def experts(
    sets: dict[str, tuple[str, ...]], runs: Path, asked: PictureSet, seeds: int, steps: int | None
) -> dict[str, Any]:
    """Compare the parent and sets of experts grown from it: loss by level, and pictures that find their captions."""
    emoji = generator_of("emoji")
    parent: Any = emoji.main.predictor
    result = {"parent": figures(emoji, parent, asked, seeds, steps)}
    for name, parts in sets.items():
        chosen = ByLevel(
            parent=parent, experts=[_change(runs / part, parent) for part in parts], bounds=_bounds(runs, parts)
        )
        result[name] = {**figures(emoji, chosen, asked, seeds, steps), "seconds": _seconds(runs, parts)}
    return result


def figures(emoji: Any, predictor: Any, asked: PictureSet, seeds: int, steps: int | None) -> dict[str, Any]:
    """Return the loss in each tenth of the levels, and top-1 of 100 with a guidance of 3."""
    result: dict[str, Any] = {"seconds": 0.0, **losses(predictor, emoji, asked)}
    before = emoji.stages
    emoji.stages = tuple(replace(stage, predictor=predictor) for stage in before)
    try:
        pixels = ask(emoji, captions(asked), seeds, steps=steps).pixels
    finally:
        emoji.stages = before
    own = [meaning for meaning in meanings(asked) for _ in range(seeds)]
    told = [text for text in captions(asked) for _ in range(seeds)]
    ranks = judge(JUDGE).retrieval(pixels, told, meanings=own, ways=min(100, len(set(own))))
    return {**result, "top-1": share(int((ranks == 1).sum()), len(ranks))}


@torch.inference_mode()
def losses(predictor: Any, emoji: Any, asked: PictureSet) -> dict[str, Any]:
    """Return the mean squared error of the clean state of held-out pictures, by tenths of the noise levels."""
    clean = states(asked.on(), codec_of("emoji"))
    told = emoji.main.encoder.encode([Ask(Prompt(text)) for text in captions(asked)])
    result = dict[str, Any]()
    for tenth in range(BINS):
        sigma = (tenth + 0.5) / BINS
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(tenth))
        x = (1 - sigma) * clean + sigma * noise
        answer = predictor(x, Level(alpha=1 - sigma, sigma=sigma, time=sigma), told, [None] * len(clean))
        result[f"loss at {sigma:g}"] = mean((answer - clean).square().flatten(1).mean(1).numpy())
    return result


def encoders(model: str, asked: PictureSet, seeds: int, steps: int | None) -> dict[str, Any]:
    """Leave words, embedding or neither out, and give a reference picture of another style."""
    generator, one, texts = generator_of(model), judge(JUDGE), captions(asked)
    encoder, result = generator.main.encoder, dict[str, Any]()
    encode = encoder.encode  # type: ignore[attr-defined]
    own = [meaning for meaning in meanings(asked) for _ in range(seeds)]
    for name, drop in (("both", set()), ("words only", {"embedding"}), ("embedding only", {"words"})):
        encoder.encode = lambda asks, drop=drop: encode([replace(a, drop=a.drop | drop) for a in asks])  # type: ignore[attr-defined,misc]
        generator._encodings[0].clear()
        try:
            pixels = ask(generator, texts, seeds, steps=steps).pixels
        finally:
            encoder.encode = encode  # type: ignore[attr-defined]
            generator._encodings[0].clear()
        ranks = one.retrieval(
            pixels, [text for text in texts for _ in range(seeds)], meanings=own, ways=min(100, len(set(own)))
        )
        result[name] = {"top-1": share(int((ranks == 1).sum()), len(ranks))}
    reference = png(asked.on()[0])
    styled_ = ask(generator, [Prompt(text, (reference,)) for text in texts[1:]], 1, steps=steps).pixels
    plain = ask(generator, texts[1:], 1, steps=steps).pixels
    like = one.images(asked.on()[:1])
    closer = (one.images(styled_) @ like.T - one.images(plain) @ like.T).flatten().numpy()
    return {**result, "likeness that a reference picture adds": {"top-1": mean(closer)}}


def switched(model: str, asked: PictureSet, seeds: int) -> dict[str, Any]:
    """Say other words in the last tenth, or in the first two fifths, of twenty steps: whose picture is it?"""
    generator, one, texts = generator_of(model), judge(JUDGE), captions(asked)
    others, result = [*texts[1:], texts[0]], dict[str, Any]()
    for name, options in (
        ("other words in the last tenth", {"at": 0.9}),
        ("other words in the first two fifths", {"at": 0.4, "before": True}),
    ):
        pixels = np.concatenate([
            picture.pixels[None]
            for text, other in list(zip(texts, others, strict=True))[:40]
            for picture in generator.generate(
                text, n=seeds, seed=1000, steps=20, guide=[Switch(text=other, **options)]
            )
        ])  # fmt: skip
        seen = one.images(pixels)
        own, new = (one.texts([text for text in said[:40] for _ in range(seeds)]) for said in (texts, others))
        nearer = ((seen * own).sum(1) > (seen * new).sum(1)).numpy()
        result[name] = {"nearer to the prompt's own words": share(int(nearer.sum()), len(nearer))}
    return result


def _change(run: Path, parent: Diffusion) -> LowRank:
    expert = averaged(run)
    assert isinstance(expert, Expert)
    network: Any = parent.network
    return expert.requires_grad_(False).change(network.module)


def _bounds(runs: Path, parts: tuple[str, ...]) -> list[float]:
    wants = [Experts.objective_of(parse(state_of(runs / part).recipe)) for part in parts]
    return [float(want.quantile(torch.tensor(want.low))) for want in wants[1:]]


def _seconds(runs: Path, parts: tuple[str, ...]) -> float:
    return round(sum(state_of(runs / part).seconds for part in parts), 1)
