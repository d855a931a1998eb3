"""Train one variant for so many seconds of processor time and let a judge look at what it draws on the way."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.kit.drawing import decoded
from benchmarks.kit.intervals import mean
from benchmarks.kit.judging import close_to, hits, some
from benchmarks.recipes.variants import Variant
from limn.data.pictograms import PictureSet, load
from limn.models.judges import judge
from limn.networks.autoencoder import Autoencoder
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer
from limn.predictors.diffusion import clean_from
from limn.train import optimise
from limn.train.batches import stream
from limn.train.ema import Average
from limn.train.network import build, codec_of
from limn.train.recipe import Schedule
from limn.train.sheet import pixels
from limn.train.task import autocast
from limn.train.tasks.generator import Generator, generation
from limn.train.worlds.pictograms import Captioned

__all__ = ["LOOKS", "PICTURES", "SCALE", "STEPS", "WAYS", "tried"]

LOOKS = (0.25, 0.5, 0.75, 1.0)
"""Shares of the time at which the judge looks."""

STEPS, SCALE, WAYS = 10, 3.0, 50
PICTURES = 300
"""Of the 3D set, without skin tones: few enough for a few minutes to tell recipes apart."""


def tried(variant: Variant, seconds: float, prompts: int, data: Path, seed: int = 0) -> dict[str, Any]:
    """Train for so much processor time, and judge so many prompts at the end, half as many on the way.

    Returns:
        Weights, pictures seen, and at each look top-1, top-5 and similarity to the caption.
    """
    torch.manual_seed(seed)
    trial = _Trial(replace(variant, recipe=replace(variant.recipe, seed=seed)), data)
    schedule = Schedule(minutes=seconds / 60, warmup=50, flat=variant.flat)
    spent, looks = 0.0, list(LOOKS)
    curve: list[dict[str, Any]] = []
    while spent < seconds:
        start = time.process_time()
        trial.advance(schedule, spent)
        spent += time.process_time() - start
        if spent >= looks[0] * seconds:
            last = len(looks) == 1
            found = trial.look(prompts if last else prompts // 2)
            curve.append({"share": looks.pop(0), "pictures": trial.seen, **found})
            print(variant.what, curve[-1], flush=True)
    weights = sum(each.numel() for each in trial.network.parameters())
    return {"what": variant.what, "weights": weights, "pictures": trial.seen, "curve": curve}


class _Trial:
    """A network in training, what it learns from and who judges it."""

    def __init__(self, variant: Variant, data: Path) -> None:
        self.variant, self.words = variant, TokenVectors()
        self.objective = Generator.objective_of(variant.recipe)
        self.source = small_world(data)
        self.feed = Captioned(variant.recipe, self.source, self.words)
        self.codec = codec_of(variant.recipe.data.autoencoder) if variant.recipe.data.autoencoder else None
        self.whole = self.feed.clean
        self.small = F.avg_pool2d(self.whole, 2) if self.codec is None else self.whole
        self.growing = variant.grow
        if variant.grow or variant.side == 32:
            self.feed.clean = self.small
        first = replace(variant.recipe, network={**variant.recipe.network, "grid": 32, "patch": 4})
        self._start(build(first) if variant.grow else _deaf(variant.network(), variant.words))
        self.allowed = _allowed(self.source, variant.captions)
        self.step = self.seen = 0

    def _start(self, network: nn.Module) -> None:
        self.network = network
        self.optimisers = optimise.make(network, self.variant.recipe.optimiser)
        self.average = Average(network, self.variant.recipe.ema)

    def advance(self, schedule: Schedule, spent: float) -> None:
        recipe, progress = self.variant.recipe, schedule.progress(self.step, spent)
        if self.growing and progress >= 0.5:
            self.growing, self.feed.clean = False, self.whole
            self._start(_grown(self.network, self.variant.network()))
        optimise.set_rate(self.optimisers, recipe.optimiser.lr * schedule.rate(self.step, progress))
        order, said = self.feed.pick(self.step)
        if self.allowed is not None:
            rng = stream(1, self.step)
            said = np.array([rng.choice(self.allowed[place]) for place in order]) + self.feed.starts[order]
        batch = self.feed.batch(order, said)
        generator = torch.Generator().manual_seed(self.step + recipe.seed * 2**32)
        kept = torch.rand(len(batch.clean), generator=generator) >= self.objective.drop
        mask = batch.mask & kept[:, None]
        text = self.words.vectors(batch.ids) * mask[..., None]

        clean, some = batch.clean, dict[str, Tensor]()
        if self.variant.dropped and progress < 0.75:
            rows = clean.shape[2]
            lines = (
                torch.randperm(rows, generator=generator)[: round(rows * (1 - self.variant.dropped))].sort().values
            )
            clean, some = clean[:, :, lines], {"lines": lines}

        def answer(x: Tensor, time: Tensor) -> Tensor:
            found: Tensor = self.network(x, time, text, mask, **some)
            return found

        with autocast(recipe, "cpu"):
            loss = generation(answer, clean, self.objective, generator)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), recipe.optimiser.clip)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        self.step += 1
        self.seen += len(batch.clean)
        self.average.update(self.network, self.step)

    @torch.inference_mode()
    def look(self, prompts: int) -> dict[str, Any]:
        """Draw from the averaged weights and let the judge find the prompts."""
        own = {name: each.clone() for name, each in self.network.state_dict().items()}
        self.network.load_state_dict(self.average.weights, strict=False)
        columns, places = self.source.columns, some(np.arange(len(self.source)), prompts)
        # Every second prompt is a full caption, the others are plain ones.
        texts = [columns["captions"][place][0 if k % 2 else 5] for k, place in enumerate(places)]
        things = [columns["codepoint"][place] for place in places]
        one, drawn = judge("judge_b"), self._draw(texts)
        self.network.load_state_dict(own)
        ranks = one.retrieval(drawn, texts, meanings=things, ways=min(WAYS, len(set(things))))
        return {**hits(ranks), "similarity": mean(close_to(one, drawn, texts))}

    def _draw(self, texts: list[str]) -> NDArray[np.uint8]:
        ids, mask = self.words.ids(texts)
        text, kind = self.words.vectors(ids) * mask[..., None], self.objective.target
        shape = (len(texts), *self.feed.clean.shape[1:])
        x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        for k in range(STEPS):
            sigma, answers = 1 - k / STEPS, []
            for each in (torch.zeros_like(mask), mask):
                with autocast(self.variant.recipe, "cpu"):
                    answers.append(self.network(x, torch.full((len(x),), sigma), text, each).float())
            free, said = (clean_from(kind, each, x, 1 - sigma, sigma) for each in answers)
            clean = free + SCALE * (said - free)
            x = x + (clean - x) / (sigma * STEPS)
        if isinstance(self.codec, Autoencoder):
            return decoded(self.codec, x)
        return pixels(F.interpolate(x, size=64, mode="bicubic") if x.shape[-1] == 32 else x)


def small_world(data: Path) -> PictureSet:
    """Return the pictures that every variant learns from and is asked for."""
    source = load(data, styles=("3d",))
    plain = [place for place, tone in enumerate(source.columns["tone"]) if tone in ("", "yellow")]
    return source.take(sorted(some(np.array(plain), PICTURES)))


def _deaf(network: nn.Module, words: str) -> nn.Module:
    """Close one of the two ways by which words come in."""
    closed = {"both": (), "sequence": ("text_pool",), "norms": ("text_in",)}[words]
    for name in closed:
        layer = getattr(network, name)
        nn.init.zeros_(layer.weight)
        layer.requires_grad_(False)
    if words == "norms":
        assert isinstance(network, Transformer)
        nn.init.zeros_(network.text_places)
        network.text_places.requires_grad_(False)
    return network


def _allowed(source: PictureSet, captions: str) -> list[NDArray[np.int64]] | None:
    """Return which captions of each picture are said; None for all."""
    if captions == "all":
        return None
    found = []
    for each in source.columns["captions"]:
        lengths = np.array([len(words.split()) for words in each])
        wanted = lengths <= np.median(lengths) if captions == "short" else lengths > np.median(lengths)
        found.append(np.flatnonzero(wanted))
    return found


def _grown(small: nn.Module, large: nn.Module) -> nn.Module:
    """Move what was learned at 32 pixels in patches of 4 to 64 pixels in patches of 8."""
    weights = dict(small.state_dict())
    cells = 3 * 4 * 4
    weight, bias = weights["embed.weight"], weights["head.bias"]
    # A pixel becomes four: each takes a quarter of its weight in, and its whole value out.
    spread = weight.view(-1, 3, 4, 4).repeat_interleave(2, 2).repeat_interleave(2, 3).flatten(1) / 4
    head = weights["head.weight"].view(3, 4, 4, -1).repeat_interleave(2, 1).repeat_interleave(2, 2).flatten(0, 2)
    weights["embed.weight"], weights["head.weight"] = spread, head
    weights["head.bias"] = bias.view(3, 4, 4).repeat_interleave(2, 1).repeat_interleave(2, 2).flatten()
    assert len(bias) == cells
    large.load_state_dict(weights)
    return large
