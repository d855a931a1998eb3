"""Editing pictures with the emoji model: into holes, from other words, and from the pictures' own noise.

Pictures are held-out pictograms. What is drawn into a hole is judged by judge_b, which guides nothing. The error at
the rim is the mean step of colour, of 255, between the last pixel outside and the first inside; real pictures have
one too. Where `runs/train/emoji_inpainting` holds a run of `limn train emoji_inpainting`, its model is measured
beside the model it began as, at equal steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.kit.drawing import Pixels, decoded, exported, generator_of
from benchmarks.kit.intervals import mean, paired, share
from benchmarks.kit.judging import captions, some
from benchmarks.kit.results import picture
from benchmarks.kit.run import PICTOGRAMS, run
from benchmarks.kit.sheets import small
from limn.data.picture_set import PictureSet, load
from limn.edit.outpaint import Outpaint
from limn.edit.repainting import Inside, Repainting
from limn.edit.sdedit import SDEdit
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.generator import Generator
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.stage import Stage
from limn.models.judges import judge
from limn.samplers.inversion import inverted
from limn.store.sheet import grid
from limn.train.sheet import psnr

SEEDS = (0, 1, 2)
TRAINED = Path("runs/train/emoji_inpainting/checkpoint.json")
SIDE = 64
STEPS, MORE = 6, 12
"""Steps of walks into holes, and of those that are walked in part."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Together(Repainting):
    """An edit of many pictures at once, with one region."""

    pictures: Any = None
    inside: Any = None

    def window(self, size: tuple[int, int]) -> tuple[Pixels, Inside | None]:
        return self.pictures[0], self.inside

    def start(self, stage: Stage, size: tuple[int, int]) -> Tensor:
        return _states(stage, self.pictures)

    def given(self, stage: Stage, size: tuple[int, int]) -> Mapping[str, Tensor]:
        each = [Together(pictures=one[None], inside=self.inside) for one in self.pictures]
        told = [Repainting.given(edit, stage, size) for edit in each]
        return {name: torch.cat([one[name] for one in told]) for name in told[0]}


def _states(stage: Stage, pictures: Pixels) -> Tensor:
    image = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        return stage.codec.encode(image).clone()


def edited(
    model: Generator, pictures: Pixels, texts: list[str], seed: int, inside: Inside | None = None, *, steps: int,
    scale: float = 3.0, **how: Any,
) -> Pixels:  # fmt: skip
    """Edit pictures in one batch; outside the region they come back as they were."""
    edit, stage = Together(pictures=pictures, inside=inside, **how), model.main
    *_, last = stage.walk(
        [Prompt(text) for text in texts], [ClassifierFree(scale=scale)], Streams(range(seed, seed + len(texts))),
        size=model.size, steps=steps, given=edit.given(stage, model.size),
        edit=partial(edit.walk, stage=stage, size=model.size),
    )  # fmt: skip
    drawn = decoded(stage.codec, last.x)
    return drawn if inside is None else np.where(inside[..., None], drawn, pictures)


def box(left: float, top: float, right: float, bottom: float) -> NDArray[np.bool_]:
    inside = np.zeros((SIDE, SIDE), bool)
    rows, columns = (slice(round(a * SIDE), round(b * SIDE)) for a, b in ((top, bottom), (left, right)))
    inside[rows, columns] = True
    return inside


def seam(pictures: Pixels, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean step of colour across the rim of a region, of each picture."""
    signed, steps = pictures.astype(np.float64), []
    for axis in (0, 1):
        rim = np.diff(inside.astype(int), axis=axis) != 0
        steps.append(np.abs(np.diff(signed, axis=1 + axis)).mean(-1)[:, rim])
    return np.concatenate(steps, 1).mean(1)


@cache
def held_out(data: Path, count: int) -> PictureSet:
    source = load(data, ("pair",))
    return source.take(some(np.arange(len(source)), count * len(SEEDS)))


def inpaint(*, data: Path = PICTOGRAMS, pictures: int = 6) -> dict[str, Any]:
    """The half of a picture that is hidden, by its caption; and another thing in a box, in the same style."""
    chosen, one = held_out(data, pictures), judge("judge_b")
    source, own, styles = chosen.on(), captions(chosen), np.array(chosen.columns["style"])
    other = list(own)
    for style in np.unique(styles):
        places = np.flatnonzero(styles == style)
        for place, taken in zip(places, np.roll(places, 1), strict=True):
            other[place] = own[taken]
    models = {"training-free": (generator_of("emoji"), {}), "training-free, each step 3 times": (
        generator_of("emoji"), {"resample": 3})}  # fmt: skip
    if TRAINED.exists():
        models["trained with the hole in sight"] = (generator_of(str(exported("emoji_inpainting"))), {})
    tasks = {"hidden half": (box(0.5, 0, 1, 1), own), "another thing": (box(0.125, 0.125, 0.875, 0.875), other)}
    result: dict[str, Any] = {"pictures": len(source), "seeds": len(SEEDS), "steps": STEPS}
    for task, (inside, texts) in tasks.items():
        rows, found = {}, {}
        for name, (model, how) in models.items():
            drawn = np.concatenate([
                edited(model, part, list(words), 1000 * seed, inside, steps=STEPS, **how)
                for seed, part, words in zip(
                    SEEDS, np.split(source, len(SEEDS)), np.split(np.array(texts), len(SEEDS)), strict=True
                )
            ])  # fmt: skip
            hits = one.retrieval(drawn, texts, ways=min(100, len(set(texts)))) == 1
            found[name] = hits.astype(float), seam(drawn, inside)
            outside = np.abs(drawn.astype(int) - source)[:, ~inside].max()
            rows[name] = {
                "asked thing found by judge_b": share(int(hits.sum()), len(hits)),
                "step at the rim": mean(found[name][1]),
                "largest error outside": int(outside),
            }
            print(task, name, rows[name], flush=True)
        holed = np.where(inside[..., None], np.uint8(255), source)
        for name, shown in (("white hole", holed), ("real picture", source)):
            if name == "white hole" or texts is own:
                hits = one.retrieval(shown, texts, ways=min(100, len(set(texts)))) == 1
                rows[name] = {
                    "asked thing found by judge_b": share(int(hits.sum()), len(hits)),
                    "step at the rim": mean(seam(shown, inside)),
                    "largest error outside": 0,
                }
        result[task] = rows
        first = found["training-free"]
        for name in [name for name in found if name != "training-free"]:
            result[f"{task}: {name}, less training-free"] = {
                "found": paired(found[name][0], first[0]), "step at the rim": paired(found[name][1], first[1])
            }  # fmt: skip
    return result


def strength(*, data: Path = PICTOGRAMS, pictures: int = 6) -> dict[str, Any]:
    """How much of the picture stays, and how often the new words are found, by strength."""
    chosen, one = held_out(data, pictures), judge("judge_b")
    source, own = chosen.on(), captions(chosen)
    texts, rows = list(np.roll(own, 1)), {}
    for share_of in (0.25, 0.5, 0.75, 1.0):
        drawn = edited(generator_of("emoji"), source, texts, 0, steps=MORE, strength=share_of)
        new, old = (one.retrieval(drawn, words, ways=min(100, len(set(words)))) == 1 for words in (texts, own))
        rows[f"{share_of:g}"] = {
            "new words found": share(int(new.sum()), len(new)),
            "old words found": share(int(old.sum()), len(old)),
            "PSNR to the picture, dB": mean(psnr(drawn, source)),
        }
        print(share_of, rows[f"{share_of:g}"], flush=True)
    return {"pictures": len(source), "steps": MORE, "strength": rows}


@torch.inference_mode()
def inversion(*, data: Path = PICTOGRAMS, pictures: int = 6) -> dict[str, Any]:
    """From pictures to their noise and back by Euler's method, with the words they have and without guidance."""
    chosen, model = held_out(data, pictures), generator_of("emoji")
    source, stage = chosen.on(), model.main
    clean = _states(stage, source)
    rows = stage.encoder.encode([Ask(Prompt(text)) for text in captions(chosen)])

    def predict(step: Any) -> Tensor:
        return stage.predictor(step.x, step.level, rows, [])

    through, result = decoded(stage.codec, clean), {}
    for steps in (6, 12, 24):
        levels = stage.schedule.levels(steps, stage.sampler)
        for refine in (0, 1, 3, 10) if steps < 24 else (0, 3):
            *_, back = inverted(predict, clean, levels, refine=refine)
            *_, last = stage.sampler.walk(predict, back.x, levels, Streams(range(len(source))))
            error = (last.x - clean).square().mean((1, 2, 3))
            result[f"{steps} steps, {refine} corrections"] = {
                "latents, dB": mean((10 * torch.log10(clean.square().mean((1, 2, 3)) / error)).numpy()),
                "pixels against the decoded latents, dB": mean(psnr(decoded(stage.codec, last.x), through)),
                "standard deviation of the noise": mean(back.x.std((1, 2, 3)).numpy()),
            }
            print(steps, refine, result[f"{steps} steps, {refine} corrections"], flush=True)
    codec = mean(psnr(through, source))
    return {"pictures": len(source), "the codec alone, pixels in dB": codec, "there and back": result}


ASKED = (
    ("a red apple", "a green apple"), ("a smiling face", "an angry face"), ("a cat face", "a dog face"),
    ("a blue car", "a yellow bus"), ("a red heart", "a blue heart"), ("a slice of pizza", "a hamburger"),
    ("a rocket", "an airplane"), ("a sunflower", "a red rose"),
)  # fmt: skip


def own_noise(model: Generator, one: Pixels, old: str, new: str) -> Pixels:
    """Edit a picture from its own noise."""
    edit = SDEdit.of(one, strength=1.0, invert=True, source=old)
    return model.generate(new, edit=edit, steps=MORE)[0].pixels


def sheet() -> None:
    """Draw ``docs/pictures/editing.webp``: eight pictures, each edited in seven ways; none is chosen by hand."""
    model = generator_of("emoji")
    old, new = ([f"a 3d render of {pair[k]}" for pair in ASKED] for k in (0, 1))
    shown = np.stack([p.pixels for text in old for p in model.generate(text, seed=1, steps=MORE)])
    rows = [
        shown,
        *(edited(model, shown, new, 0, steps=MORE, strength=share_of) for share_of in (0.5, 0.75)),
        np.stack([own_noise(model, one, *words) for one, *words in zip(shown, old, new, strict=True)]),
        edited(model, shown, new, 0, box(0, 0, 1, 0.5), steps=MORE),
        edited(model, shown, new, 0, box(0.5, 0, 1, 1), steps=MORE, resample=3),
        edited(model, shown, new, 0, box(0.25, 0.25, 0.75, 0.75), steps=MORE, strength=0.75),
    ]
    grown = [Outpaint.of(one, "right", 24).window(model.size) for one in shown]
    windows, inside = np.stack([window for window, _ in grown]), grown[0][1]
    rows.append(edited(model, windows, old, 0, inside, steps=MORE))
    small(grid([one for row in rows for one in row], 8), picture("pictures/editing.webp"))


if __name__ == "__main__":
    parts = {"inpaint": inpaint, "strength": strength, "inversion": inversion, "sheet": sheet}
    run(parts, quick={"pictures": 2})
