"""Carry the measured figures from benchmarks/results into the model cards and the README's table."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.kit import intervals
from benchmarks.kit.results import ROOT, read
from benchmarks.pages import shown as share
from limn.models import SHIPPED
from limn.models.readers import KINDS, reader
from limn.train.card import write_card

START, END = "<!-- figures: python -m benchmarks.cards -->", "<!-- end of figures -->"
SWAPPED = "true caption told from one with exchanged parts, noise level 0.0"
OBJECTS = {"one": "one object", "two": "two objects", "three": "three objects"}
SPLITS = {"train": "seen (colour, shape) pairs", "pair": "held-out pairs"}
MEASURED_ONLY = ("emoji", "judge_a", "judge_b", "shapes_guide", "shapes_guide_noisy", "reader", "upsampler")
"""Models of which the card says nothing that is not measured here; others keep what their training measured."""

Rows = dict[str, str]


def shapes() -> Rows:
    result = read("shapes_accuracy")
    return {
        f"shapes, {words}, {pairs}: every attribute right": share(result[f"{kind}, {split}"]["all"])
        for split, pairs in SPLITS.items()
        for kind, words in OBJECTS.items()
        if f"{kind}, {split}" in result
    }


def tokens() -> dict[str, Rows]:
    result, figures = read("tokens_shapes_passes"), dict[str, Rows]()
    pictograms = read("tokens_pictograms_passes")
    for key, name in (("muse, 8 passes", "muse"), ("parti, 64 passes", "parti")):
        for kind, value in pictograms.get(key, {}).items():
            if kind.startswith("found among"):
                figures[name] = {f"prompt {kind} by a judge, seen and held-out pairs": share(value)}
    for key, name in (("muse_shapes, 8 passes", "muse_shapes"), ("parti_shapes, 64 passes", "parti_shapes")):
        if key in result:
            right = result[key]["attributes"]
            figures[name] = {
                "one and two objects: every attribute right": share(result[key]["all right"]),
                "one and two objects: attributes right": share({"share": right["mean"], **right}),
            }
    return figures


def judges() -> dict[str, Rows]:
    figures: dict[str, Rows] = {}
    for name, result in read("judges").items():
        if not isinstance(result, dict) or "weights" not in result:
            continue
        rows = figures[name] = dict[str, str]()
        for kind, hit in result.get("100-way, full captions", {"all": result.get("100-way")}).items():
            rows[f"unseen real pictures find their caption among 100, {kind}"] = share(hit["top-1"])
        for kind, value in result.get("attributes", {}).items():
            rows[f"{kind} read, of {value['ways']}"] = share(value)
        for what, value in result.get(
            "true caption told from one with exchanged parts, noise level 0.0", {}
        ).items():
            rows[f"true caption told from a false one, {what}"] = share(value)
    return figures


def attributes() -> Rows:
    one, rows = reader(), dict[str, str]()
    for kind in KINDS:
        for name, counts in one.counts[kind].items():
            right = intervals.share(int(np.trace(counts)), int(counts.sum()))
            rows[f"{name} of held-out pictures, {kind}: read right (unreadable counts as wrong)"] = share(right)
    crisp = read("attributes").get("as asked", {}).get("real people, crisp", {})
    for name in ("style", "tone", "gender", "profession"):
        if name in crisp:
            rows[f"{name} of held-out people at work, crisp: read right"] = share(crisp[name])
    return rows


def upsampler() -> Rows:
    rows = {}
    for kind, row in read("upsampler").get("PSNR in dB", {}).items():
        gain, parts = row["learned - lanczos"], kind.split(", ")
        if parts[-1] in ("crisp", "through the autoencoder"):
            rows[f"held-out pictograms, {kind}: PSNR in dB, over Lanczos"] = (
                f"{row['learned']['mean']:.2f}, {gain['mean']:+.2f} ({gain['low']:+.2f} to {gain['high']:+.2f})"
            )
    return rows


def waiting() -> Rows:
    return {
        name: f"{value['median']}" if isinstance(value, dict) else f"{value}"
        for name, value in read("speed").items()
        if name.startswith(("seconds", "pictures"))
    }


def against() -> Rows:
    result = read("against_diffusers")
    if not result:
        return {}
    worst = max(max(result[size]["largest difference of latents"].values()) for size in ("tiny", "6m"))
    return {
        "latents against diffusers, largest difference": f"{worst:.1e}",
        **{
            f"{name}, 6 M U-Net: pictures a second, limn : diffusers": (
                f"{row['limn pictures a second']} : {row['diffusers pictures a second']}"
            )
            for name, row in result["6m"]["speed"].items()
        },
    }


def beside(value: Mapping[str, Any], real: Mapping[str, Any]) -> str:
    """Say a share, and in brackets that of real pictures."""
    return f"{share(value)} ({100 * real['share']:.0f} %)"


def emoji() -> Rows:
    return {
        f"emoji, {kind}: prompt found among {row['ways']}, drawn (real pictures)": beside(
            row["drawn"]["top-1"], row["real"]["top-1"]
        )
        for kind, row in read("retrieval").items()
        if isinstance(row, dict) and "drawn" in row
    }


def drawn_as_asked() -> Rows:
    people, rows = read("attributes").get("as asked", {}), dict[str, str]()
    for kind in ("seen people", "held-out people"):
        for field in ("style", "tone", "gender", "profession"):
            if kind in people:
                rows[f"{kind}: {field} as asked, as read"] = share(people[kind][field])
    near = read("quality").get("against held-out real pictures", {})
    for name in ("judge_b", "DINOv2 ViT-S/14"):
        if f"drawn, {name}" in near:
            drawn, real = (near[f"{kind}, {name}"]["Frechet distance"] for kind in ("drawn", "real"))
            rows[f"Frechet distance to held-out pictures by {name} (of real ones)"] = f"{drawn:.3g} ({real:.3g})"
    for kind, row in read("quality").get("similarity to the nearest training picture, by judge_b", {}).items():
        copies = row.get("copies beyond look-alikes", {})
        if "share" in copies:
            rows[f"copies of training pictures beyond look-alikes, {kind}"] = share(copies)
        if own := row.get("nearest is the picture that was asked for"):
            rows[f"nearest training picture is the one that was asked for, {kind}"] = f"{100 * own:.0f} %"
    scenes, what = read("two_objects").get("scenes", {}), "both found, each in its place"
    for way in ("drawn in one go", "drawn thing by thing"):
        if way in scenes:
            rows[f"scenes of two {way}: {what} (real)"] = beside(scenes[way][what], scenes["real"][what])
    for kind, row in read("unseen_words").get("found among 100", {}).items():
        if kind.startswith(("drawn from", "the same")) and "usual" not in kind:
            rows[f"prompt found among 100, {kind}"] = share(row["top-1"])
    return rows


def branches() -> Rows:
    return {
        f"{name} in one forward, time over one by one": f"{row['time of one forward over one by one']['ratio']}"
        for name, row in read("branches").items()
        if name.endswith("branches") and not name.startswith("1 ")
    }


def main() -> None:
    measured: dict[str, Rows] = {"shapes": shapes(), "emoji": emoji() | drawn_as_asked(), **tokens(), **judges()}
    measured |= {"reader": attributes(), "upsampler": upsampler()}
    for path in sorted(SHIPPED.glob("*/card.json")):
        card, name = json.loads(path.read_text("utf-8")), path.parent.name
        before = {} if name in MEASURED_ONLY else card["figures"]
        write_card(path.parent, {**card, "figures": {**before, **measured.get(name, {})}})
    rows = {**waiting(), **emoji(), **shapes(), **branches(), **against()}
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])
    readme = ROOT / "README.md"
    before_table, _, rest = readme.read_text("utf-8").partition(START)
    after = rest.partition(END)[2]
    readme.write_text(f"{before_table}{START}\n{table}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
