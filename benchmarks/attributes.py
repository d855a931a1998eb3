"""Are people drawn as asked? Style, skin tone, gender and profession, by the trained reader; real ones beside.

Gender and profession are what the pictograms represent, as drawn. An unreadable picture counts as not as asked, for
drawn and real pictures alike. The corrected share takes the reader's errors out by its confusion matrix on real
people at work that it never saw, through the autoencoder (Rogan and Gladen 1978), its values pooled: a wrong picture
is taken to be wrong as often in one way as in another. Gender is asked of women and men, for of others no word says
it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.drawing import draw
from benchmarks.kit.intervals import share
from benchmarks.kit.judging import some
from benchmarks.kit.run import PICTOGRAMS, run
from limn.audit.statistics.measurement_error import rogan_gladen
from limn.data.captions import STYLED, name_of
from limn.data.catalogue import GENDERS, TONES, from_columns
from limn.data.picture_set import PictureSet, load
from limn.data.split import SPLITS
from limn.models.readers import Reader, reader
from limn.train.batches import reconstructed
from limn.train.tasks.attribute_classifier import HELD_OUT, place_of

FIELDS = ("style", "tone", "gender", "profession")
WORDS = {"seen people": "train", "held-out people": "cell"}
GENDERED = GENDERS[:2]


def measure(*, model: str = "emoji", prompts: int = 200, data: Path = PICTOGRAMS) -> dict[str, Any]:
    source, one = load(data, SPLITS), reader()
    held = [place for place in at_work(source) if place_of(source.columns["key"][place]) < HELD_OUT]
    real = source.take(held)
    soft = reconstructed(real.on(), "emoji", np.random.default_rng(0), 0.0)
    asked = {"real people, crisp": as_asked(one.read(real.on(), fields=FIELDS), real)}
    reading = one.read(soft, fields=FIELDS)
    asked["real people, through the autoencoder"] = as_asked(reading, real)
    failed = {"real people, through the autoencoder": unreadable(reading, real)}
    counts = confusions(one, reading, real)
    for words, split in WORDS.items():
        places = [place for place in at_work(source) if source.columns["split"][place] == split]
        people = source.take(some(np.array(places), prompts))
        reading = one.read(draw(model, sentences(people)).pixels, fields=FIELDS)
        read = as_asked(reading, people)
        asked |= {words: read, f"{words}, corrected": corrected(one, read, people, counts)}
        failed[words] = unreadable(reading, people)
        print(words, read, flush=True)
    about = {"model": model, "reader": one.weights, "thresholds": dict(one.thresholds)}
    return {**about, "as asked": asked, "unreadable": failed}


def at_work(source: PictureSet) -> list[int]:
    """Return the places of people at work with a gender and one skin tone."""
    columns = source.columns
    rows = zip(columns["profession"], columns["gender"], columns["tone"], strict=True)
    return [place for place, (work, gender, tone) in enumerate(rows) if work and gender in GENDERS and tone in TONES]


def sentences(source: PictureSet) -> list[str]:
    """Say each picture in one sentence that names style, skin tone, gender and profession."""
    names = (name_of(from_columns(source.columns, place)) for place in range(len(source)))
    return [STYLED[style][1].format(name) for style, name in zip(source.columns["style"], names, strict=True)]


def as_asked(read: Mapping[str, Any], asked: PictureSet) -> dict[str, Any]:
    """Return how often each field, and all of them, are read as asked."""
    right = {
        name: np.array([a == b for a, b in zip(read[name].values, asked.columns[name], strict=True)])
        for name in FIELDS
    }
    right["all four"] = np.all(list(right.values()), 0)
    gendered = np.array([gender in GENDERED for gender in asked.columns["gender"]])
    right |= {name: right[name][gendered] for name in ("gender", "all four")}
    return {name: share(int(each.sum()), len(each)) for name, each in right.items()}


def unreadable(read: Mapping[str, Any], asked: PictureSet) -> dict[str, int]:
    """Count pictures of which a field cannot be read."""
    return {"of": len(asked), **{name: sum(value is None for value in read[name].values) for name in FIELDS}}


def confusions(one: Reader, readings: Mapping[str, Any], shown: PictureSet) -> dict[str, NDArray[np.int64]]:
    """Count what is read of what is shown, (values, values + 1) of each field, the last column for unreadable."""
    counts = {}
    for name, read in readings.items():
        values = [*one.fields[name], None]
        counts[name] = np.zeros((len(values) - 1, len(values)), np.int64)
        for true, found in zip(shown.columns[name], read.values, strict=True):
            counts[name][values.index(true), values.index(found)] += 1
    return counts


def corrected(
    one: Reader, read: Mapping[str, Any], asked: PictureSet, counts: Mapping[str, NDArray[np.int64]]
) -> dict[str, Any]:
    """Take the reader's errors out of the shares, by its counts of the values that were asked for."""
    figures = {}
    for name in FIELDS:
        values = one.fields[name]
        wanted = GENDERED if name == "gender" else dict.fromkeys(asked.columns[name])
        hit, shown, false, others = calibration(counts[name], [values.index(value) for value in wanted])
        number = read[name]["n"]
        found = rogan_gladen(
            round(read[name]["share"] * number), number,
            right_positives=hit, positives=shown, right_negatives=others - false, negatives=others,
        )  # fmt: skip
        if found.value is not None:
            figures[name] = {"share": found.value, "low": found.low or 0.0, "high": found.high or 0.0, "n": number}
    return figures


def calibration(counts: NDArray[np.int64], rows: Sequence[int]) -> tuple[int, int, int, int]:
    """Pool a confusion matrix: shown and read; shown; shown as another value but read; shown as another value."""
    part = counts[list(rows)]
    among = part[:, list(rows)]
    hit, shown = int(np.trace(among)), int(part.sum())
    return hit, shown, int(among.sum()) - hit, shown * (len(rows) - 1)


if __name__ == "__main__":
    run(measure, quick={"prompts": 3})
