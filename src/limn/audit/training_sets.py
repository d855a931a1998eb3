"""What a model learned from, beside held-out pictures of the same law, for audits of copying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limn.kernel.errors import DataError, InputError

Pictures = NDArray[np.uint8]
HELD_SETS = 4  # of 340 held-out pictures of the world "copied"
SIZE = 64  # of pictures from folders
NAMED = 50  # files that are left out are named up to this many


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSet:
    """Pictures that were learned from, and others like them that were not.

    Args:
        name: What it is.
        pictures: uint8 (n, height, width, 3).
        captions: A prompt for each.
        copies: How often each was in the training set (n,).
        held: uint8 (m, height, width, 3), never learned from.
        held_captions: A prompt for each.
        left_out: Which files could not be used, and why; a line for each folder that has some.
    """

    name: str
    pictures: Pictures
    captions: tuple[str, ...]
    copies: NDArray[np.int64]
    held: Pictures
    held_captions: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    def without_repeats(self) -> TrainingSet:
        """Return the set without held-out pictures that are also learned from, pixel by pixel."""
        known = {picture.tobytes() for picture in self.pictures}
        kept = [k for k, picture in enumerate(self.held) if picture.tobytes() not in known]
        return replace(self, held=self.held[kept], held_captions=tuple(self.held_captions[k] for k in kept))

    def through(self, model: str) -> TrainingSet:
        """Return the set with held-out pictures as a model's autoencoder gives them back, as soft as it draws."""
        return replace(self, held=_coded(self.held, model))


def open_set(training: str, held: str = "") -> TrainingSet:
    """Open a training set.

    Args:
        training: ``copied`` (the world of people whose pictures are repeated), a folder that ``limn data build
            pictograms`` wrote, whose own splits are held out, or a folder of pictures with captions.
        held: A folder of held-out pictures, where the training set is a folder of pictures.

    Raises:
        InputError: If a folder of held-out pictures is needed and missing.
        DataError: If there is no such folder, or nothing in it.
    """
    if training == "copied":
        known = _copied()
    elif (Path(training) / "manifest.json").is_file():
        known = _pictograms(Path(training))
    elif held:
        pictures, captions, lacking = _folder(Path(training))
        others, held_captions, missing = _folder(Path(held))
        known = _once(training, pictures, captions, others, held_captions)
        known = replace(known, left_out=(*lacking, *missing))
    else:
        raise InputError("held: is missing; name a folder of pictures like the training pictures, not learned from")
    return known.without_repeats()


def fitted(pictures: Sequence[Pictures], like: Pictures) -> list[Pictures]:
    """Return pictures at the size of a training set's."""
    from PIL import Image

    height, width = like.shape[1:3]
    return [
        picture
        if picture.shape[:2] == (height, width)
        else np.asarray(Image.fromarray(picture).resize((width, height)))
        for picture in pictures
    ]


def _copied() -> TrainingSet:
    from limn.audit.synthetic import pool
    from limn.data.people.captions import phrase
    from limn.data.people.worlds import copied

    pictures, people, times = copied()
    held = pool(HELD_SETS)
    captions = tuple(phrase({"profession": person.profession}) for person in people)
    return TrainingSet(
        name="copied", pictures=pictures, captions=captions, copies=times, held=held, held_captions=("",) * len(held)
    )


def _pictograms(folder: Path) -> TrainingSet:
    from limn.data.picture_set import load

    seen, held = (
        (part.on(), tuple(captions[0] for captions in part.columns["captions"]))
        for part in (load(folder), load(folder, ("pair", "cell")))
    )
    return _once(str(folder), *seen, *held)


def _once(
    name: str, pictures: Pictures, captions: tuple[str, ...], held: Pictures, held_captions: tuple[str, ...]
) -> TrainingSet:
    """Return a set in which every picture is there once."""
    copies = np.ones(len(pictures), np.int64)
    return TrainingSet(
        name=name, pictures=pictures, captions=captions, copies=copies, held=held, held_captions=held_captions
    )


def _folder(folder: Path) -> tuple[Pictures, tuple[str, ...], tuple[str, ...]]:
    """Return pictures, a caption of each, and a line about those that cannot be used, if there are some."""
    from limn.data.folders import read_folder
    from limn.data.report import Report

    report = Report()
    examples = list(read_folder(folder, size=SIZE, report=report))
    if not examples:
        raise DataError(f"{folder}: holds no pictures with captions")
    captions = tuple((*example.captions, "")[0] for example in examples)
    names = ", ".join(name for name, _ in report.quarantine[:NAMED])
    more = f" and {report.bad - NAMED} more" if report.bad > NAMED else ""
    left_out = (f"{folder}: {report}. All that were left out: {names}{more}.",) if report.bad else ()
    return np.stack([example.picture[..., :3] for example in examples]), captions, left_out


def _coded(pictures: Pictures, model: str) -> Pictures:
    """Return pictures after encoding and decoding."""
    import torch

    from limn import models
    from limn.kernel.generator import Generator

    generator = models.load(model)
    if not isinstance(generator, Generator):
        raise InputError(f"through: {model} has no autoencoder")
    codec, decoded = generator.stages[-1].codec, []
    with torch.inference_mode():
        for start in range(0, len(pictures), SIZE):
            part = torch.from_numpy(np.ascontiguousarray(pictures[start : start + SIZE]))
            states = codec.decode(codec.encode(part.permute(0, 3, 1, 2).float() / 127.5 - 1)).clamp(-1, 1)
            decoded.append(((states + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
    return np.concatenate(decoded) if decoded else pictures
