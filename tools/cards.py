"""Carry the measured figures from benchmarks/results into the model cards and the README's table."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from benchmarks.kit import intervals
from benchmarks.kit.results import ROOT, read
from benchmarks.pages import shown as share

from limn.models import SHIPPED
from limn.models.readers import KINDS, reader
from limn.train.card import write_card

START, END = "<!-- figures: python -m tools.cards -->", "<!-- end of figures -->"
MEASURED_ONLY = ("emoji", "judge_a", "judge_b", "shapes_guide", "shapes_guide_noisy", "reader", "upsampler")
"""Models of which the card says nothing that is not measured here; others keep what their training measured."""

NAMES = {
    "one": "one object", "two": "two objects", "three": "three objects",
    "train": "seen (colour, shape) pairs", "pair": "held-out pairs",
}  # fmt: skip
Rows = dict[str, str]
Figure = tuple[str, str, Callable[[Any], str]]
"""Expressions along the way through a results file; what the figure is called, with their groups; how it is said."""


def beside(drawn: Sequence[str], real: Sequence[str]) -> Callable[[Any], str]:
    """Say a share of drawn pictures, and in brackets that of real ones; both by their ways from the figure."""

    def say(row: Any) -> str:
        one, other = (next(walk(row, way))[1] for way in (drawn, real))
        return f"{share(one)} ({100 * other['share']:.0f} %)"

    return say


def distance(name: str) -> Callable[[Any], str]:
    def say(rows: Any) -> str:
        drawn, real = (rows.get(f"{kind}, {name}", {}).get("Frechet distance") for kind in ("drawn", "real"))
        return f"{drawn:.3g} ({real:.3g})" if drawn is not None else ""

    return say


def top(row: Any) -> str:
    return share(row["top-1"])


def gain(row: Any) -> str:
    more = row["learned - lanczos"]
    return f"{row['learned']['mean']:.2f}, {more['mean']:+.2f} ({more['low']:+.2f} to {more['high']:+.2f})"


def largest(sizes: Any) -> str:
    worst = (
        max(row["largest difference of latents"].values()) for name, row in sizes.items() if name in ("tiny", "6m")
    )
    return f"{max(worst):.1e}"


FOUND = "unseen real pictures find their caption among 100"
PLACED, DINO = "both found, each in its place", "DINOv2 ViT-S/14"
EMOJI: list[Figure] = [
    ("retrieval > ((?:seen|held-out) .*)", "emoji, {0}: prompt found among {row[ways]}, drawn (real pictures)",
     beside(("drawn", "top-1"), ("real", "top-1"))),
]  # fmt: skip
SHAPES: list[Figure] = [
    ("shapes_accuracy > (one|two|three), (train|pair) > all", "shapes, {0}, {1}: every attribute right", share),
]
MODELS: dict[str, list[Figure]] = {
    "shapes": SHAPES,
    "emoji": [
        *EMOJI,
        ("attributes > as asked > ((?:seen|held-out) people) > (style|tone|gender|profession)",
         "{0}: {1} as asked, as read", share),
        *(("quality > against held-out real pictures",
           f"Frechet distance to held-out pictures by {name} (of real ones)", distance(name))
          for name in ("judge_b", DINO)),
        *((f"quality > similarity to the nearest.* > ({kind} pairs) > {what}", f"{words}, {{0}}", say)
          for kind in ("seen", "held-out")
          for what, words, say in (
              ("copies.*", "copies of training pictures beyond look-alikes", share),
              ("nearest.*", "nearest training picture is the one that was asked for",
               lambda own: f"{100 * own:.0f} %" if own else ""),
          )),
        *(("two_objects > scenes", f"scenes of two {way}: {PLACED} (real)", beside((way, PLACED), ("real", PLACED)))
          for way in ("drawn in one go", "drawn thing by thing")),
        ("unseen_words > found among 100 > ((?:drawn from|the same)(?!.*usual).*)", "prompt found among 100, {0}",
         top),
    ],
    **{
        name: [(f"tokens_pictograms_passes > {way} > (found among.*)",
                "prompt {0} by a judge, seen and held-out pairs", share)]
        for name, way in (("muse", "muse, 8 passes"), ("parti", "parti, 64 passes"))
    },
    **{
        name: [(f"tokens_shapes_passes > {way} > all right", "one and two objects: every attribute right", share),
               (f"tokens_shapes_passes > {way} > attributes", "one and two objects: attributes right",
                lambda row: share({"share": row["mean"], **row}))]
        for name, way in (("muse_shapes", "muse_shapes, 8 passes"), ("parti_shapes", "parti_shapes, 64 passes"))
    },
    **{
        name: [(f"judges > {name} > 100-way, full captions > (.*)", FOUND + ", {0}", top),
               (f"judges > {name} > attributes > (.*)", "{0} read, of {row[ways]}", share)]
        for name in ("judge_a", "judge_b")
    },
    **{
        name: [(f"judges > {name} > 100-way", f"{FOUND}, all", top),
               (f"judges > {name} > true caption told .*noise level 0.0 > (.*)",
                "true caption told from a false one, {0}", share)]
        for name in ("shapes_guide", "shapes_guide_noisy")
    },
    "toys3d": [("scene3d_words > right > (kind|colour|accent|parts)", "held-out prompts: {0} as asked", share)],
    "reader": [
        ("attributes > as asked > real people, crisp > (style|tone|gender|profession)",
         "{0} of held-out people at work, crisp: read right", share),
    ],
    "upsampler": [
        ("upsampler > PSNR in dB > (.*(?:crisp|through the autoencoder))",
         "held-out pictograms, {0}: PSNR in dB, over Lanczos", gain),
    ],
}  # fmt: skip
README: list[Figure] = [
    ("speed > ((?:seconds|pictures).*)", "{0}", lambda row: f"{row['median'] if isinstance(row, dict) else row}"),
    *EMOJI,
    *SHAPES,
    ("branches > ((?!1 ).*branches) > time of one forward.*", "{0} in one forward, time over one by one",
     lambda row: f"{row['ratio']}"),
    ("against_diffusers", "latents against diffusers, largest difference", largest),
    ("against_diffusers > 6m > speed > (.*)", "{0}, 6 M U-Net: pictures a second, limn : diffusers",
     lambda row: f"{row['limn pictures a second']} : {row['diffusers pictures a second']}"),
]  # fmt: skip


def walk(value: Any, way: Sequence[str], words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield groups and value of each way through a results file."""
    if not way:
        yield words, value
        return
    for name, inner in value.items():
        if match := re.fullmatch(way[0], name):
            yield from walk(inner, way[1:], (*words, *match.groups()))


def rows(figures: Sequence[Figure]) -> Rows:
    result = {}
    for path, label, say in figures:
        name, *way = path.split(" > ")
        for words, value in walk(measured, way) if (measured := read(name)) else ():
            if text := say(value):
                result[label.format(*(NAMES.get(word, word) for word in words), row=value)] = text
    return result


def of_reader() -> Rows:
    """Return what the reader's own counts say, which ship with it."""
    return {
        f"{name} of held-out pictures, {kind}: read right (unreadable counts as wrong)": share(
            intervals.share(int(np.trace(counts)), int(counts.sum()))
        )
        for kind in KINDS
        for name, counts in reader().counts[kind].items()
    }


def main() -> None:
    for path in sorted(SHIPPED.glob("*/card.json")):
        card, name = json.loads(path.read_text("utf-8")), path.parent.name
        before = {} if name in MEASURED_ONLY else card["figures"]
        own = of_reader() if name == "reader" else {}
        write_card(path.parent, {**card, "figures": {**before, **own, **rows(MODELS.get(name, []))}})
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows(README).items())])
    readme = ROOT / "README.md"
    before_table, _, rest = readme.read_text("utf-8").partition(START)
    after = rest.partition(END)[2]
    readme.write_text(f"{before_table}{START}\n{table}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
