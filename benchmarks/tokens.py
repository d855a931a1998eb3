"""Which way of drawing is cheaper? Masked, autoregressive and diffusion models of one size, on the same pictures.

Parts: ``passes`` (quality and Frechet distance against forward passes), ``steering`` (schedule of the scale, order
of the tokens), ``rerank`` (guidance and reranking, each and both), ``drift`` (editing without a mask), ``cost``
(time, operations and memory), ``sizes`` (loss against size; it trains). Models are taken from ``runs/train`` as they
are there, otherwise from those that ship. What is measured is kept in ``runs/claims/tokens``, so that the same
command goes on after a stop and measures nothing twice of the same weights.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks import tokens_cost, tokens_drift, tokens_sizes
from benchmarks.kit import results
from benchmarks.kit.charts import chart
from benchmarks.kit.drawing import Pixels, decoded, draw
from benchmarks.kit.intervals import mean, paired
from benchmarks.kit.judging import close_to
from benchmarks.kit.run import run
from benchmarks.tokens_worlds import SCRATCH, Pictograms, Shapes, available, folder_of, generator
from limn.codecs.tokens import Tokens
from limn.models.judges import judge
from limn.networks.vq import perplexity
from limn.train.batches import signed
from limn.train.sheet import psnr

SEEDS = (0, 1, 2)
TRIES, SPREAD = 16, 8
STEPS = {"masked": (4, 8, 12, 16, 24, 64), "diffusion": (4, 8, 16, 24, 64)}
PLAIN = "classifier_free:scale={}"


@dataclass(frozen=True)
class Book:
    """What has been measured of a world with so many prompts a seed, kept over stops."""

    world: Shapes
    prompts: int

    def once(self, key: str, weights: str, measure: Callable[..., Any], *arguments: Any) -> Any:
        """Return what was measured under a key of these weights, now if it was not before."""
        name = re.sub(r"\W+", "-", f"{key} {self.prompts} {weights[:12]}")
        found = results.kept(SCRATCH / self.world.title / f"{name}.json", lambda: measure(*arguments))
        print(f"{key}: {json.dumps(found)[:150]}", flush=True)
        return found

    def asked(self, count: int = 0) -> list[list[Any]]:
        return [self.world.ask(count or self.prompts, seed) for seed in SEEDS]

    def figures(self, name: str, **options: Any) -> tuple[dict[str, Any], NDArray[np.float64]]:
        """Draw one picture of each prompt of each seed; return passes and quality, and the score of each picture."""
        model, parts, passes = generator(name), list[Pixels](), 0
        for seed, some in zip(SEEDS, self.asked(), strict=True):
            drawn = draw(model, self.world.texts(some), seed=10_000 * (seed + 1), spread=SPREAD, **options)
            parts.append(drawn.pixels)
            passes = drawn.passes
        pixels, asked = np.concatenate(parts), [want for some in self.asked() for want in some]
        return {"passes": passes, **self.world.figures(pixels, asked, len(SEEDS))}, self.world.scores(pixels, asked)


def passes(book: Book) -> dict[str, Any]:
    masked, serial, diffusion = book.world.names
    ways = [(masked, steps) for steps in STEPS["masked"]] + [(serial, None)]
    ways += [(diffusion, steps) for steps in STEPS["diffusion"]]
    found: dict[str, Any] = {"judge": book.world.judge.weights[:16]}
    for name, key in {masked: "through the tokens and back", diffusion: "through the latents and back"}.items():
        found[key] = book.once(key, generator(name).weights, ceiling, book, name)
    for name, steps in ways:
        measured = book.once(f"passes, {name}, {steps}", generator(name).weights, plain, book, name, steps)
        found[f"{name}, {measured['passes']} passes"] = measured
    pair = [found[f"{name}, {count} passes"]["frechet"] for name, count in ((masked, 8), (serial, 64))]
    found["Frechet distance, masked at 8 passes over autoregressive at 64"] = round(pair[0] / pair[1], 3)
    return found


def plain(book: Book, name: str, steps: int | None) -> dict[str, Any]:
    return book.figures(name, steps=steps)[0]


def ceiling(book: Book, name: str) -> dict[str, Any]:
    """Return what the codec alone loses: true pictures, through it and back."""
    codec = generator(name).stages[0].codec
    some = [each for part in book.asked() for each in part]
    real = book.world.real(some)
    state = codec.encode(signed(real))
    pixels = decoded(codec, state)
    found = {**book.world.figures(pixels, some, len(SEEDS)), "psnr": round(float(psnr(pixels, real).mean()), 2)}
    if isinstance(codec, Tokens):
        found["perplexity"] = round(perplexity(state.long(), codec.tokenizer.codes), 1)
    return found


def steering(book: Book) -> dict[str, Any]:
    """The schedule of the scale and the order of the tokens; paired by prompt and seed."""
    name = book.world.names[0]
    ways: dict[str, dict[str, Any]] = {
        "no guidance": {"guidance": []},
        "constant scale": {"guidance": [PLAIN.format(3)]},
        "growing scale": {"guidance": [PLAIN.format(5) + ",schedule=linear"]},
        "random order": {"guidance": [PLAIN.format(3)], "sampler": "unmask:keep=random"},
        "no order noise": {"guidance": [PLAIN.format(3)], "sampler": "unmask:order_noise=0"},
    }

    def measure(options: dict[str, Any]) -> dict[str, Any]:
        figures, scores = book.figures(name, steps=8, **options)
        del figures["passes"]
        return {**figures, "scores": scores.round(5).tolist()}

    weights = generator(name).weights
    kept = {label: dict(book.once(f"steering, {label}", weights, measure, way)) for label, way in ways.items()}
    scores = {label: np.array(row.pop("scores")) for label, row in kept.items()}
    base = scores["constant scale"]
    return {
        "steps": 8,
        "scales": "constant 3; growing from 1 to 5, whose mean is 3",
        **kept,
        "guidance over none": paired(base, scores["no guidance"]),
        "growing over constant": paired(scores["growing scale"], base),
        "confident over random order": paired(base, scores["random order"]),
        "order noise over none": paired(base, scores["no order noise"]),
    }


def rerank(book: Book) -> dict[str, Any]:
    """Of several pictures of a prompt keep the one that a dual encoder finds nearest; with guidance and without."""
    found: dict[str, Any] = {"ranked by": book.world.ranking, "tries": TRIES}
    for name in book.world.names[:2]:
        kept: dict[str, NDArray[np.float64]] = {}
        for scale in (1, 3):
            key = f"rerank, {name}, scale {scale}"
            one, best = book.once(key, generator(name).weights, ranked, book, name, scale)
            kept[f"scale {scale}, one"], kept[f"scale {scale}, best of {TRIES}"] = np.array(one), np.array(best)
        none, ranking, guided, both = kept.values()
        found[name] = {
            **{label: mean(each) for label, each in kept.items()},
            "guidance over none": paired(guided, none),
            "reranking over none": paired(ranking, none),
            "both over guidance alone": paired(both, guided),
            "both over reranking alone": paired(both, ranking),
            "both over none, less the two apart (0: they add up)": paired(both - none, guided + ranking - 2 * none),
        }
    return found


def ranked(book: Book, name: str, scale: int) -> tuple[list[float], list[float]]:
    """Return the scores of each prompt's first picture, and of the one that is ranked best."""
    ranking, first, best = judge(book.world.ranking), list[float](), list[float]()
    for seed, some in zip(SEEDS, book.asked(max(2, book.prompts // 4)), strict=True):
        texts = book.world.texts(some)
        options: dict[str, Any] = {"steps": 8} if name == book.world.names[0] else {}
        options |= {"guidance": [PLAIN.format(scale)], "spread": SPREAD}
        flat = draw(generator(name), texts, seed=10_000 * (seed + 1), n=TRIES, **options).pixels
        scores = book.world.scores(flat, [want for want in some for _ in range(TRIES)]).reshape(len(some), TRIES)
        near = close_to(ranking, flat, [text for text in texts for _ in range(TRIES)])
        pick = near.reshape(len(some), TRIES).argmax(1)
        first += scores[:, 0].round(5).tolist()
        best += scores[np.arange(len(some)), pick].round(5).tolist()
    return first, best


def described(name: str) -> dict[str, Any]:
    card = json.loads((folder_of(name) / "card.json").read_text("utf-8"))
    return {about: card[about] for about in ("parameters", "training")}


def cost(book: Book) -> dict[str, Any]:
    weights = "".join(generator(name).weights[:4] for name in book.world.names)
    return dict(book.once("cost", weights, tokens_cost.measure, book.world))


def drift(book: Book) -> dict[str, Any]:
    """Editing without a mask; on shapes, where it can be read what stays."""
    model = generator(book.world.names[0])
    return dict(book.once("drift", model.weights, tokens_drift.measure, model, SEEDS, 12))


def sizes(book: Book) -> dict[str, Any]:
    runs = {
        f"{size}, seed {seed}": book.once(
            f"sizes, {size}, {seed}", tokens_sizes.VERSION, tokens_sizes.measure, size, seed
        )
        for size in tokens_sizes.SIZES
        for seed in SEEDS
    }
    return tokens_sizes.summary(runs, SEEDS)


PARTS: Mapping[str, Callable[[Book], dict[str, Any]]] = {
    "passes": passes, "steering": steering, "rerank": rerank, "cost": cost, "drift": drift, "sizes": sizes,
}  # fmt: skip
ONLY_SHAPES = ("drift", "sizes")
WORLDS: Mapping[str, Shapes] = {"shapes": Shapes(), "pictograms": Pictograms()}
Part = Literal["all", "passes", "steering", "rerank", "cost", "drift", "sizes", "plot"]


def measure(*parts: Part, world: Literal["shapes", "pictograms"] = "shapes", prompts: int | None = None) -> None:
    """Measure parts with so many prompts a seed, each into ``results/tokens_WORLD_PART.json``.

    ``all`` is all but ``sizes``, which trains; ``plot`` draws what was measured.
    """
    here = WORLDS[world]
    book = Book(here, prompts or here.count)
    for name in (name for name in PARTS if name != "sizes") if "all" in parts else parts:
        if name == "plot":
            plot()
        elif here.title == "shapes" or name not in ONLY_SHAPES:
            print(f"--- {here.title}, {name}", flush=True)
            models = {} if name == "sizes" else {model: described(model) for model in here.names if available(model)}
            about = {"models": models, "seeds": list(SEEDS), "prompts a seed": book.prompts}
            command = f"python -m benchmarks.tokens {name} --world {here.title} --prompts {book.prompts}"
            print(results.write(f"tokens_{here.title}_{name}", about | PARTS[name](book), command), flush=True)


def plot() -> None:
    """Draw ``docs/pictures/tokens-WORLD.svg``: quality against forward passes, from what was measured."""
    families = {"muse": "masked", "parti": "autoregressive", "flow": "diffusion"}
    titles = {"shapes": "attributes right", "pictograms": "prompt found among 100 by a judge"}
    for world, title in titles.items():
        lines: dict[str, list[tuple[float, ...]]] = {}
        for key, row in results.read(f"tokens_{world}_passes").items():
            family = families.get(key.partition(",")[0].partition("_")[0])
            if family and "passes" in row:
                share = next(value for value in row.values() if isinstance(value, dict))
                middle = share["mean"] if "mean" in share else share["share"]
                lines.setdefault(family, []).append((row["passes"], middle, share["low"], share["high"]))
        svg = chart(lines, f"{world}: {title}", "forward passes", logarithmic=True)
        results.picture(f"pictures/tokens-{world}.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    run(measure, quick={"prompts": 2})
