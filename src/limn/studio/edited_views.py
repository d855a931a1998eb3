"""Views of objects, edited by a flat text-to-image model; what follows the words and keeps its pose is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from limn import models
from limn.edit.sdedit import SDEdit
from limn.io.pictures import read_picture
from limn.kernel.errors import InputError
from limn.models.judges import judge
from limn.scene3d.camera import Camera
from limn.scene3d.pose import PoseReader
from limn.scene3d.triplane import Triplane, signed
from limn.store import Store
from limn.studio.drawing import Drawn, Kept, generate
from limn.train.sheet import pixels

_LOW, _HIGH = -5.0, 45.0  # degrees of elevation from which objects are seen
_LEARN_POSES = 96  # objects whose views a reader of poses learns from, edited or not

Pictures = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """One view of an object, and its edit.

    Args:
        thing: Number of the object.
        caption: What it is.
        camera: From where it is seen.
        before: What is seen (side, side, 3).
        after: Its edit.
        score: How well the edit follows the words, or resembles the chosen picture: a cosine.
        away: Angle in degrees between the camera and where the edit seems to be seen from.
    """

    thing: int
    caption: str
    camera: Camera
    before: Pictures
    after: Pictures
    score: float
    away: float


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far it is.

    Args:
        what: ``drawing``, ``editing`` or ``learning``.
        done: Pictures or steps done.
        total: Of how many.
        loss: Of the step, while learning.
    """

    what: str
    done: int
    total: int
    loss: float = float("nan")


class Editing:
    """What edits views, and judges the edits.

    Args:
        triplane: Unfolds codes of objects.
        editor: Name or folder of the model that edits.
        strength: Of the edits.
        judged_by: The judge of words and resemblance.
        like: A picture that edits should resemble, in place of their words (height, width, 3).
        store: Keeps edits, so that they are not made twice.
        device: Where the editor runs.
        seed: Decides cameras and noise.
    """

    def __init__(
        self, triplane: Triplane, *, editor: str, strength: float, judged_by: str, like: Pictures | None,
        store: Store, device: str, seed: int,
    ) -> None:  # fmt: skip
        self.triplane, self.store, self.device, self.seed = triplane, store, device, seed
        self.editor, self.strength = models.load(editor, device=device), strength
        self.judge = judge(judged_by)
        self.like = self.judge.images(like[None]) if like is not None else None
        self.poses: PoseReader | None = None
        self.views: list[View] = []

    def edit(self, captions: Sequence[str], words: Sequence[str], states: Tensor, count: int) -> Iterator[Progress]:
        """See objects from all sides, edit what is seen, and add the edits to :attr:`views`.

        Args:
            captions: What each object is.
            words: What each is to become.
            states: Their codes, of unit variance (objects, channels, grid, grid).
            count: Views of each.
        """
        first = len({view.thing for view in self.views})
        rng = np.random.default_rng([self.seed, first])
        rows = list[dict[str, Any]]()
        for thing, (caption, state) in enumerate(zip(captions, states, strict=True)):
            cameras = _around(float(rng.uniform(0, 360)), rng.uniform(_LOW, _HIGH, count).tolist())
            for camera, picture in zip(cameras, looked(self.triplane, state, cameras), strict=True):
                rows.append({"thing": first + thing, "caption": caption, "camera": camera, "before": picture})
        said = [words[row["thing"] - first] for row in rows]
        cameras = [row["camera"] for row in rows]
        if self.poses is None:
            known = rows[: _LEARN_POSES * count]
            before = np.stack([row["before"] for row in known])
            self.poses = PoseReader.fit(before, cameras[: len(known)], [row["thing"] for row in known])
        for done, (row, text) in enumerate(zip(rows, said, strict=True)):
            row["after"] = self._edited(row["before"], text, seed=self.seed + 10_000 * (first + 1) + done)
            yield Progress(what="editing", done=done + 1, total=len(rows))
        after = np.stack([row["after"] for row in rows])
        away, scores = self.poses.away(after, cameras), self._scores(after, said)
        self.views += [
            View(**row, score=score, away=far) for row, score, far in zip(rows, scores, away.tolist(), strict=True)
        ]

    def _edited(self, picture: Pictures, words: str, seed: int) -> Pictures:
        """Edit a picture, or find the edit in the store."""
        fitted = resized(picture, self.editor.size)
        request = self.editor.request(words, seed=seed, edit=SDEdit.of(fitted, strength=self.strength))
        for event in generate(self.editor, request, self.store, device=self.device):
            if isinstance(event, Drawn):
                return resized(event.picture.pixels, picture.shape[:2])
            if isinstance(event, Kept):
                return resized(np.asarray(read_picture(event.path).convert("RGB")), picture.shape[:2])
        raise InputError(f"editor: {self.editor.name} cannot draw {words[:60]!r}; give another one")

    def _scores(self, pictures: Pictures, words: Sequence[str]) -> list[float]:
        """Return how well each picture follows its words, or resembles the chosen one."""
        wanted = self.judge.texts(words) if self.like is None else self.like
        scores: list[float] = (self.judge.images(pictures) * wanted).sum(1).tolist()
        return scores


@torch.no_grad()
def looked(triplane: Triplane, state: Tensor, cameras: Sequence[Camera]) -> Pictures:
    """Return what cameras see of an object (cameras, side, side, 3).

    Args:
        triplane: Unfolds codes.
        state: Code of unit variance (channels, grid, grid).
        cameras: From where.
    """
    planes = triplane.planes(triplane.raw(state[None].to(triplane.mean)))
    return np.concatenate(
        [pixels(signed(triplane.view(planes, one, triplane.config.size).colour)) for one in cameras]
    )


def resized(picture: Pictures, size: tuple[int, int]) -> Pictures:
    """Scale a picture to a height and width."""
    if picture.shape[:2] == tuple(size):
        return picture
    return np.asarray(Image.fromarray(picture).resize((size[1], size[0]), Image.Resampling.LANCZOS))


def _around(turn: float, elevations: Sequence[float]) -> list[Camera]:
    count = len(elevations)
    return [
        Camera(azimuth=(turn + 360 * place / count) % 360, elevation=elevation)
        for place, elevation in enumerate(elevations)
    ]
