"""Which recipe learns most in equal processor time: one variant after another, going on where it stopped."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.kit.charts import chart
from benchmarks.kit.intervals import mean
from benchmarks.kit.judging import close_to, hits, some
from benchmarks.kit.results import kept, picture
from benchmarks.kit.run import PICTOGRAMS, run
from limn.data.picture_set import PictureSet, load
from limn.models.judges import judge
from limn.networks.transformer import Transformer, TransformerConfig
from limn.networks.weights import write_tensors
from limn.train.batches import stream
from limn.train.loop import train
from limn.train.network import averaged
from limn.train.recipe import Data, Optimiser, Recipe, Schedule
from limn.train.settings import changed
from limn.train.tasks.generator import Drawing, Generator
from limn.train.worlds.pictograms import Captioned

REPEATED, SEEDS = ("together", "noise 1.5"), (0, 1, 2)
"""What is trained from three seeds: the winner before the noise was raised, and with it."""

LOOKS = (0.25, 0.5, 0.75, 1.0)
"""Shares of the time at which the judge looks."""

STEPS, SCALE, WAYS = 10, 3.0, 50
PICTURES = 300
"""Of the 3D set, without skin tones: few enough for a few minutes to tell recipes apart."""

BASE = Recipe(
    name="base", task="trial", ema=0.99, data=Data(world="pictograms", styles=("3d",), autoencoder="emoji"),
    network={"width": 192, "depth": 6, "heads": 4, "channels": 16, "grid": 8, "patch": 1, "text_width": 128},
    optimiser=Optimiser(name="muon", lr=0.001, batch=32), schedule=Schedule(steps=1, warmup=50, flat=0.6),
)  # fmt: skip
SMALL = ("data.autoencoder=", "network.channels=3", "network.grid=32", "network.patch=4")
LARGE = ("data.autoencoder=", "network.channels=3", "network.grid=64", "network.patch=8", "schedule.flat=0.2")
TOGETHER = ("optimiser.lr=0.002", "objective.partial=0.75")
GROWN = "pixels 32 then 64"

VARIANTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "base": ("latents, transformer, flow, Muon, all captions", ()),
    "pixels 32": ("pixels at 32, patches of 4", SMALL),
    GROWN: ("pixels, 32 then 64", LARGE),
    "u-net": ("diffusers' U-Net on latents", ("task=unet",)),
    "x0": ("answers the clean latents", ("objective.target=x0",)),
    "v": ("answers v", ("objective.target=v",)),
    "short captions": ("short labels only", ("objective.captions=short",)),
    "full captions": ("captions that name every factor only", ("objective.captions=full",)),
    "half the tokens": ("half of the picture tokens in most steps", ("objective.partial=0.75",)),
    "words in sequence": ("no words in the norms", ("objective.words=sequence",)),
    "words in norms": ("no words in the sequence", ("objective.words=norms",)),
    "adamw": ("AdamW alone", ("optimiser.name=adamw",)),
    "batch 16": ("half the batch", ("optimiser.batch=16",)),
    "batch 64": ("twice the batch", ("optimiser.batch=64",)),
    "rate 0.0005": ("half the learning rate", ("optimiser.lr=0.0005",)),
    "rate 0.002": ("twice the learning rate", ("optimiser.lr=0.002",)),
    "falls at once": ("the rate falls from the start", ("schedule.flat=0",)),
    "together": ("half the tokens at twice the rate", TOGETHER),
    **{
        f"noise {noise:g}": (f"together{more} time_mean {noise:g}", (*TOGETHER, f"objective.time_mean={noise}"))
        for noise, more in ((0.5, ", more noise:"), (1.0, ","), (1.5, ","), (2.0, ","))
    },
}
"""What differs from the first one, in words and as settings; the most telling first."""


@dataclass(frozen=True, kw_only=True)
class Told(Drawing):
    """What a trial minimises.

    Args:
        captions: Which are told: all, only short labels, or only those that name much.
        words: Where they go: into the sequence and the norms, or one of the two.
    """

    captions: Literal["all", "short", "full"] = "all"
    words: Literal["both", "sequence", "norms"] = "both"


class Few(Captioned):
    """Few pictures, of the size that the network takes, with the captions that a trial tells."""

    def __init__(self, recipe: Recipe, words: Any, side: int, captions: str) -> None:
        super().__init__(recipe, small_world(Path(recipe.data.folder)), words)
        self.clean = F.avg_pool2d(self.clean, self.clean.shape[-1] // side)
        lengths = [np.array([len(self.captions[place].split()) for place in range(*ends)])
                   for ends in zip(self.starts, self.starts[1:], strict=False)]  # fmt: skip
        full = [own > np.median(own) for own in lengths]
        self.told = [np.flatnonzero(own if captions == "full" else ~own) for own in full]
        self.all = captions == "all"

    def pick(self, step: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order, chosen = super().pick(step)
        rng = stream(1, step)
        return order, chosen if self.all else self.starts[order] + [rng.choice(self.told[k]) for k in order]


class Trial(Generator):
    """A generator that learns from few pictures, and may be deaf on one ear."""

    Objective = Told

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        told: Any = self.objective
        self.captioned = Few(recipe, self.words, self.network.config.grid, told.captions)

    @classmethod
    def build(cls, recipe: Recipe) -> Any:
        network, objective = super().build(recipe), cls.objective_of(recipe)
        closed = {"both": (), "sequence": ("text_pool.weight",), "norms": ("text_in.weight", "text_places")}
        for name in closed[objective.words]:  # type: ignore[attr-defined]
            nn.init.zeros_(network.get_parameter(name)).requires_grad_(False)
        return network


class Unet(Trial):
    """The library's answer: diffusers' conditional U-Net of latents of 16 channels and 8 x 8 cells."""

    class Network(nn.Module):  # type: ignore[assignment]
        def __init__(self, config: TransformerConfig) -> None:
            super().__init__()
            from diffusers import UNet2DConditionModel

            self.config = config
            self.inner = UNet2DConditionModel(
                sample_size=8, in_channels=16, out_channels=16, block_out_channels=(64, 96), layers_per_block=1,
                norm_num_groups=16, attention_head_dim=4, cross_attention_dim=128,
                down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
                up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            )  # fmt: skip

        @classmethod
        def from_config(cls, config: Mapping[str, Any]) -> nn.Module:
            return cls(Transformer.from_config(config).config)

        def forward(self, state: Tensor, time: Tensor, text: Tensor, mask: Tensor, lines: None = None) -> Any:
            """Answer as the transformer does; a row without words sees zeros."""
            words, seen = text * mask.unsqueeze(-1).to(text.dtype), mask | ~mask.any(1, keepdim=True)
            return self.inner(state, time * 1000, encoder_hidden_states=words, encoder_attention_mask=seen).sample


def tried(name: str, seconds: float, prompts: int, data: Path, seed: int = 0) -> dict[str, Any]:
    """Train for so much processor time, and judge so many prompts at the end, half as many on the way.

    Returns:
        Weights, pictures shown, and at each look top-1, top-5 and similarity to the caption.
    """
    what, settings = VARIANTS[name]
    recipe = changed(BASE, (f"seed={seed}", f"data.folder={data}", *settings))
    small = changed(recipe, (*SMALL, "schedule.flat=1"))
    curve: list[dict[str, Any]] = []
    shown = 0
    with tempfile.TemporaryDirectory() as home:
        folder, first = Path(home) / "run", Path(home) / "small"
        for stage, looks in ((small, LOOKS[:2]), (recipe, LOOKS[2:])) if name == GROWN else ((recipe, LOOKS),):
            if curve:
                write_tensors(folder.rename(first) / "model.safetensors", grown(averaged(first).state_dict()))
                stage = replace(stage, init=str(first))
            for share, step in advanced(stage, folder, seconds, looks):
                pictures = shown + step * recipe.optimiser.batch
                judged = look(stage, folder, prompts if share == 1 else prompts // 2, data)
                curve.append({"share": share, "pictures": pictures, **judged})
                print(name, curve[-1], flush=True)
            shown = pictures
        weights = sum(weight.numel() for weight in averaged(folder).parameters())
    return {"what": what, "weights": weights, "pictures": shown, "curve": curve}


def advanced(recipe: Recipe, folder: Path, seconds: float, looks: tuple[float, ...]) -> Iterator[tuple[float, int]]:
    """Train between looks; yields share of the time and steps done.

    How many steps fit into the time is told from those that were done, for the schedule counts steps: first after a
    fiftieth of the time, then at every look.
    """
    begun = looks[0] - 0.25
    spent, total = begun * seconds, 10**6
    for share in (begun + 0.02, *looks):
        stage = replace(recipe, schedule=replace(recipe.schedule, steps=total))
        events = train(stage, folder)
        step, start = next(events).step, time.process_time()
        mark = step
        for event in events:
            step = event.step
            if spent + time.process_time() - start >= share * seconds or step >= total:
                break
        events.close()  # type: ignore[attr-defined]
        spent += (time.process_time() - start) * (step - mark + 1) / max(1, step - mark)
        total = max(step + 2, round(step * (looks[-1] - begun) * seconds / (spent - begun * seconds)))
        if share in looks:
            yield share, step


@torch.inference_mode()
def look(recipe: Recipe, folder: Path, prompts: int, data: Path) -> dict[str, Any]:
    """Draw from the averaged weights and let the judge find the prompts."""
    task, source = (Unet if recipe.task == "unet" else Trial)(recipe, "cpu"), small_world(data)
    places = some(np.arange(len(source)), prompts)
    # Every second prompt is a full caption, the others are plain ones.
    texts = [source.columns["captions"][place][0 if k % 2 else 5] for k, place in enumerate(places)]
    things = [source.columns["codepoint"][place] for place in places]
    drawn: Any = task.draw(averaged(folder), texts, STEPS)
    if drawn.shape[1] == 32:
        large = F.interpolate(torch.from_numpy(drawn).movedim(3, 1).float(), size=64, mode="bicubic")
        drawn = large.clamp(0, 255).round().byte().movedim(1, 3).numpy()
    one = judge("judge_b")
    ranks = one.retrieval(drawn, texts, meanings=things, ways=min(WAYS, len(set(things))))
    return {**hits(ranks), "similarity": mean(close_to(one, drawn, texts))}


def small_world(data: Path) -> PictureSet:
    """Return the pictures that every variant learns from and is asked for."""
    source = load(data, styles=("3d",))
    plain = [place for place, tone in enumerate(source.columns["tone"]) if tone in ("", "yellow")]
    return source.take(sorted(some(np.array(plain), PICTURES)))


def grown(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Move what was learned at 32 pixels in patches of 4 to 64 pixels in patches of 8."""

    def spread(weight: Tensor) -> Tensor:
        large = weight.reshape(3, 4, 4, -1).repeat_interleave(2, 1).repeat_interleave(2, 2)
        return large.reshape(3 * 8 * 8, *weight.shape[1:])

    # A pixel becomes four: each takes a quarter of its weight in, and its whole value out.
    return {
        **weights,
        "embed.weight": (spread(weights["embed.weight"].T) / 4).T.contiguous(),
        **{name: spread(weights[name]) for name in ("head.weight", "head.bias")},
    }


def measure(
    *, seconds: float = 120, prompts: int = 150, kept_in: Path = Path("runs/recipes"), only: str = "",
    data: Path = PICTOGRAMS,
) -> Mapping[str, Any] | None:  # fmt: skip
    """Train every variant, or ``only`` those named with commas between, for so long, and judge it."""
    torch.set_num_threads(1)

    def trained(name: str, seed: int) -> dict[str, Any]:
        path = kept_in / f"{name.replace(' ', '_')}{f'-{seed}' if seed else ''}.json"
        return dict(kept(path, lambda: tried(name, seconds, prompts, data, seed)))

    wanted = only.split(",") if only else [*VARIANTS]
    runs = {name: trained(name, 0) for name in VARIANTS if name in wanted}
    repeated = [[trained(name, seed) for seed in SEEDS] for name in REPEATED if name in wanted]
    if only:
        return None
    ends = {name: one["curve"][-1] for name, one in runs.items()}
    fewer, more = (np.array([one["curve"][-1]["similarity"]["mean"] for one in row]) for row in repeated)
    lines = {name: [(row["share"], row["similarity"]["mean"]) for row in one["curve"]] for name, one in runs.items()}
    svg = chart(lines, "similarity of pictures to their captions, by the judge", "share of the processor time")
    picture("pictures/recipes.svg").write_text(svg, "utf-8")
    return {
        "seconds": seconds, "looks": LOOKS, "steps": STEPS, "scale": SCALE, "ways": WAYS,
        "judge": "judge_b", "pictures": PICTURES,
        "seeds of " + " and ".join(REPEATED): len(SEEDS),
        "similarity over seeds: " + " less ".join(reversed(REPEATED)): mean(more - fewer),
        "variants": {
            name: {key: runs[name][key] for key in ("what", "weights", "pictures")}
            | {key: ends[name][key] for key in ("top-1", "top-5", "similarity")}
            for name in sorted(ends, key=lambda name: -ends[name]["similarity"]["mean"])
        },
        "curves": {name: one["curve"] for name, one in runs.items()},
    }  # fmt: skip


if __name__ == "__main__":
    run(measure, quick={"seconds": 0.1, "prompts": 4, "kept_in": Path("runs/quick/recipes")})
