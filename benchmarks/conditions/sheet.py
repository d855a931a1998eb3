"""The same 16 prompts by emoji, muse, parti, vader, dalle2, reimagen, ediffi and glide, none chosen by hand."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.conditions.reimagen import indexed
from benchmarks.kit.drawing import generator_of
from benchmarks.kit.run import PICTOGRAMS
from benchmarks.kit.sheets import rows
from limn.data.picture_set import load
from limn.data.split import SPLITS
from limn.kernel.prompt import PLACE, Prompt
from limn.retrieve.lookup import Lookup

MODELS = ("emoji", "muse", "parti", "vader", "dalle2", "reimagen", "ediffi", "glide")
PROMPTS = (
    "a red heart", "a blue car", "a green apple", "a smiling cat face", "a dog face", "a frog", "a rocket",
    "an umbrella",
    "a slice of pizza in Noto style", "a 3d render of a banana", "a house, flat style", "a guitar in Twemoji style",
    "a woman firefighter", "a man cook", "a star", "a birthday cake",
)  # fmt: skip


def measure(*, count: int = 16, data: Path = PICTOGRAMS) -> dict[str, Any]:
    """Write ``docs/pictures/conditions.webp``: a row for each model, prompt k with seed k.

    vader gets "PICTURE in Noto style" with a picture of another style of the thing, reimagen two neighbours.
    """
    source = load(data, SPLITS)
    lookup = Lookup(collection="runs/conditions/sheet")
    collection = indexed(source, {}, {}, Path(lookup.collection))
    groups = dict[str, Any]()
    for name in MODELS:
        pictures = []
        for place, text in enumerate(PROMPTS[:count]):
            (near,) = lookup.neighbours([Prompt(text)], collection)
            prompt = {
                "vader": Prompt(f"{PLACE} in Noto style", (near[-1].image,)),
                "reimagen": Prompt(text, neighbours=near),
            }.get(name, Prompt(text))
            drawn = generator_of(name).generate(prompt, seed=place)[0].image
            pictures.append(np.asarray(drawn.resize((64, 64), Image.Resampling.LANCZOS)))
        groups[name] = pictures
    rows("conditions", groups, columns=count, scale=1, label=90)
    return {"file": "pictures/conditions.webp", "prompts": list(PROMPTS[:count]), "models": list(MODELS)}
