"""From the trained runs of the recipes of streams to the folders that ship: vader, reimagen, dalle2, ediffi, glide.

    python -m tools.conditions runs/train --out src/limn/weights

A model is written when all its runs are there; what is missing is named. Runs: conditioned (with interleaved beside
it), translator, prior, expert_low, expert_high, cascade.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from limn.io.atomic import write_text
from limn.io.configurations import read_json
from limn.models import SHIPPED, load
from limn.train.export import export
from limn.train.model_folder import write_sums

PARTS = {
    "conditioned": "streams", "translator": "translator", "prior": "prior", "expert_low": "expert_low",
    "expert_high": "expert_high", "cascade": "cascade",
}  # fmt: skip
"""Folders of weights by the run that they are exported from."""

TURNS = "interleaved:first='classifier_free:scale=3',second='classifier_free:scale=3,drop=neighbours',ratio=0.5"
STREAMS = {"family": "conditioned", "streams": "streams", "steps": 8, "sampler": "euler", "scale": 3.0}
MODELS: dict[str, dict[str, Any]] = {
    "vader": {**STREAMS, "kinds": ["picture"]},
    "reimagen": {**STREAMS, "kinds": ["neighbour"], "guide": [TURNS]},
    "dalle2": {**STREAMS, "kinds": ["embedding"], "words": False, "embedding": "prior"},
    "ediffi": {
        **STREAMS, "kinds": ["embedding"], "embedding": "translator", "experts": ["expert_low", "expert_high"]
    },
    "glide": {"family": "glide", "base": "emoji", "upsampler": "cascade", "size": 256, "steps": 6, "scale": 3.0},
}  # fmt: skip
NEEDS = {
    "vader": ("streams",), "reimagen": ("streams",), "dalle2": ("streams", "prior", "translator"),
    "ediffi": ("streams", "translator", "expert_low", "expert_high"), "glide": ("cascade",),
}  # fmt: skip
ABOUT = {
    "vader": ("words and pictures in any order", ("weinbach2022mvader", "eichenberg2022magma")),
    "reimagen": ("words and captioned pictures that are looked up", ("chen2023reimagen",)),
    "dalle2": ("an embedding that is made of words or of pictures", ("zbinden2022implementing", "ramesh2022unclip")),
    "ediffi": ("words and an embedding, by experts for noise levels", ("balaji2022ediffi",)),
    "glide": ("words, small at first and then at 256 pixels", ("nichol2022glide", "saharia2021sr3")),
}
KEPT = ("data", "licence", "training")


def main() -> None:
    """Export what was trained, and write the models that can be."""
    parser = argparse.ArgumentParser(prog="python -m tools.conditions", description=__doc__)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    for run, part in PARTS.items():
        if (given.runs / run / "checkpoint.json").exists():
            export(given.runs / run, given.out / part, styles=False)
            print(f"{part}: {weight(given.out / part):.2f} MB")
    for name, config in MODELS.items():
        missing = [part for part in NEEDS[name] if not (given.out / part).is_dir()]
        if missing:
            print(f"{name}: not written, {', '.join(missing)} not trained")
            continue
        write(given.out / name, name, config)
        print(f"{name}: written")


def write(folder: Path, name: str, config: dict[str, Any]) -> None:
    """Write a model's configuration, card and hashes; its weights are those of the folders that it names."""
    folder.mkdir(exist_ok=True)
    base = read_json(SHIPPED / "emoji" / "config.json")
    write_text(folder / "config.json", json.dumps({**config, "styles": base["styles"]}, indent=1) + "\n")
    cards = [read_json(folder.parent / part / "card.json") for part in NEEDS[name]]
    does, papers = ABOUT[name]
    card = {
        "name": name, "kind": "A text-to-image model", "draws": f"emoji-like pictograms, from {does}",
        **{key: "; ".join(dict.fromkeys(str(one[key]) for one in cards)) for key in KEPT},
        "parts": ["emoji", *NEEDS[name]], "parameters": sum(int(one["parameters"]) for one in cards),
        "size": config.get("size", 64), "papers": list(papers), "figures": {},
    }  # fmt: skip
    write_text(folder / "card.json", json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    write_sums(folder)
    load(folder)  # what does not fit is found here


def weight(folder: Path) -> float:
    """Return the bytes of a folder in millions."""
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


if __name__ == "__main__":
    main()
