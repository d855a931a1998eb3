"""What is in the built pictograms, and whether their ground truth holds."""

import itertools
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.intervals import share
from benchmarks.kit.run import PICTOGRAMS, run
from limn.data.catalogue import TONES
from limn.data.colours import oklab
from limn.data.picture_set import PictureSet, load
from limn.data.scenes import Scenes
from limn.data.split import SPLITS, STYLES


def measure(data: Path = PICTOGRAMS) -> dict[str, Any]:
    """Return what each set holds and how often its ground truth is right (sheets: ``tools.laboratory_sheets``)."""
    clock = time.process_time()
    load(data)
    seconds = time.process_time() - clock
    everything = load(data, SPLITS)
    scenes = Scenes(everything.where(split="train"))
    clock = time.process_time()
    drawn = list(itertools.islice(scenes.stream(np.random.default_rng(0)), 500))
    each = (time.process_time() - clock) / len(drawn)
    manifest = json.loads((data / "manifest.json").read_text("utf-8"))["sets"]
    kept = ("package", "version", "sha256", "pictures", "splits")
    sets = {
        name: {key: entry[key] for key in kept} | {key: len(entry[key]) for key in ("lost", "repeats")}
        for name, entry in manifest.items()
    }
    return {
        "sets": sets,
        "held_out": held_out(everything),
        "tones_in_order": {style: tones_in_order(everything.where(style=style)) for style in STYLES},
        "colours_named_by_labels": colours_agree(everything),
        "captions": captions(everything),
        "cpu_seconds": {"load_train": round(seconds, 2), "scene": round(each, 5)},
    }


def held_out(everything: PictureSet) -> dict[str, Any]:
    """Shares held out, and what training would never see (which must be nothing)."""
    rows = list(zip(*(everything.columns[name] for name in ("label", "style", "split")), strict=True))
    pairs = {(label, style) for label, style, _ in rows}
    held = {(label, style) for label, style, split in rows if split == "pair"}
    people = list(zip(*(everything.columns[n] for n in ("profession", "gender", "tone", "split")), strict=True))
    cells = {row[:3] for row in people if row[0]}
    held_cells = {row[:3] for row in people if row[3] == "cell"}
    train = everything.where(split="train").columns
    unseen = {
        name: sorted(set(everything.columns[name]) - set(train[name]))
        for name in ("label", "style", "profession", "gender", "tone")
    }
    trained = {row[:3] for row in people if row[3] == "train"}
    return {
        "pairs": share(len(held), len(pairs)),
        "cells": share(len(held_cells), len(cells)),
        "never_in_training": unseen,
        "held_cells_in_training": len(held_cells & trained),
    }


def tones_in_order(style: PictureSet) -> dict[str, float]:
    """Share of concepts whose skin gets darker from medium-light to dark, in the pixels that change."""
    found: dict[str, dict[str, NDArray[np.uint8]]] = {}
    for label, tone, pixels in zip(style.columns["label"], style.columns["tone"], style.pictures, strict=True):
        if tone in TONES[1:]:
            found.setdefault(label, {})[tone] = pixels
    ordered = []
    for toned in found.values():
        if len(toned) < 5:
            continue
        stack = np.stack([toned[tone] for tone in TONES[1:]])
        sure = (np.ptp(stack[..., :3].astype(int), axis=0).max(-1) > 30) & (stack[..., 3] == 255).all(0)
        if sure.sum() >= 10:
            light = [float(np.median(oklab(pixels[sure][:, :3])[:, 0])) for pixels in stack[1:]]
            ordered.append(light == sorted(light, reverse=True))
    return share(sum(ordered), len(ordered))


def colours_agree(everything: PictureSet) -> dict[str, float]:
    """Where a label names a colour, whether it is among the colours measured from the pixels."""
    hits = []
    columns = (everything.columns[name] for name in ("label", "colours", "group"))
    for label, colours, group in zip(*columns, strict=True):
        told = re.match(r"(?:light )?(red|orange|yellow|green|blue|purple|brown|black|white|pink|grey)\b", label)
        if told and group != "people-body":
            hits.append(told[1] in {colour.split()[-1] for colour in colours})
    return share(sum(hits), len(hits))


def captions(everything: PictureSet) -> dict[str, Any]:
    counts = [len(found) for found in everything.columns["captions"]]
    every = [caption for found in everything.columns["captions"] for caption in found]
    words = Counter(word for caption in every for word in re.findall(r"[\w'-]+", caption.lower()))
    return {
        "a_picture": {"least": min(counts), "most": max(counts), "mean": round(float(np.mean(counts)), 2)},
        "all": len(every),
        "distinct": len(set(every)),
        "distinct_words": len(words),
        "mean_words": round(sum(words.values()) / len(every), 2),
    }


if __name__ == "__main__":
    run(measure)
