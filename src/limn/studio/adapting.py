"""Another look for all objects of a model of three dimensions, by words (Kim and Chun 2023, DATID-3D).

Objects are drawn and seen from known sides, each view is edited by a flat text-to-image model, edits that do not
follow the words or seem to be seen from elsewhere are left out, and the decoder learns the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from limn import models
from limn.codecs.scenes import Scenes
from limn.data.toys3d.captions import prompts as toy_prompts
from limn.io.atomic import write_json
from limn.io.pictures import composite, read_picture
from limn.io.targets import keep_foreign
from limn.kernel.errors import InputError
from limn.models.changed_folder import write_changed
from limn.models.native import SOURCE
from limn.scene3d.adapting import Tuning, Views, adapted, towards
from limn.scene3d.triplane import Triplane
from limn.store import Store
from limn.studio.edited_views import Editing, Progress, View
from limn.studio.objects import codes

RECORD: Final = "adapted.json"
"""What was done, in the folder of the adapted model."""
_ROUNDS = 4


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be adapted, and how.

    Args:
        model: Name or folder of a model of three dimensions.
        to: Words that follow what an object is, as ``in Noto style``; ``{}`` in them stands for the object.
        out: Folder of the adapted model.
        prompts: Objects to draw; captions of toys if none.
        editor: The model that edits.
        strength: Of the edits.
        count: Edited views to learn from.
        views: Views of each object.
        keep: Share of edits that are kept for following the words best.
        pose: Angle in degrees by which an edit may seem to be seen from elsewhere; 180 for any.
        instance: A picture that edits should resemble, in place of the words.
        judge: The judge of words and resemblance.
        tuning: How the decoder learns.
        seed: Decides everything that is drawn.

    Raises:
        InputError: A value is out of bounds.
    """

    model: str
    to: str
    out: Path
    prompts: Sequence[str] = ()
    editor: str = "emoji"
    strength: float = 0.7
    count: int = 192
    views: int = 4
    keep: float = 0.7
    pose: float = 45.0
    instance: Path | None = None
    judge: str = "judge_a"
    tuning: Tuning = field(default_factory=Tuning)
    seed: int = 0

    def __post_init__(self) -> None:
        bounds = {"strength": (0.01, 1), "count": (1, 10**5), "views": (1, 64), "keep": (0.01, 1), "pose": (1, 180)}
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} must be from {low:g} to {high:g}, not {getattr(self, name):g}")
        if not self.to.strip():
            raise InputError('to: say how objects are to look, as --to "in Noto style"')

    def said(self, caption: str) -> str:
        """Return what an object is to be edited into.

        >>> Asked(model="m", to="in Noto style", out=Path("o")).said("a chair")
        'a chair in Noto style'
        """
        return self.to.replace("{}", caption) if "{}" in self.to else f"{caption} {self.to}"


class Adaptation:
    """One model being adapted; :meth:`run` does it.

    Args:
        asked: What and how.
        store: Keeps edits, so that the same command goes on.
        device: Where models run.
        force: Whether foreign files may be replaced.

    Raises:
        InputError: The model draws flat pictures, the editor cannot edit so, or a file is in the way.
    """

    def __init__(self, asked: Asked, store: Store, *, device: str = "cpu", force: bool = False) -> None:
        self.asked = asked
        self.generator = models.load(asked.model, device=device)
        codec = self.generator.stages[-1].codec
        if not isinstance(codec, Scenes):
            raise InputError(f"model: {asked.model} draws flat pictures; train one of objects by limn train toys3d")
        self.source: Triplane = codec.triplane
        names = ("config.json", "model.safetensors", "triplane.safetensors", SOURCE, RECORD)
        ours = set(names) if (asked.out / RECORD).exists() else set[str]()
        keep_foreign([asked.out / name for name in names], ours, force=force)
        picture = composite(np.asarray(read_picture(asked.instance))) if asked.instance is not None else None
        self.editing = Editing(
            self.source, editor=asked.editor, strength=asked.strength, judged_by=asked.judge, like=picture,
            store=store, device=device, seed=asked.seed,
        )  # fmt: skip
        self.kept: list[View] = []
        self.states: list[Tensor] = []

    def run(self) -> Iterator[Progress]:
        """Draw, edit, choose, learn and write.

        Raises:
            InputError: No edit is left to learn from.
            StoreError: A file cannot be written.
        """
        asked, tuned = self.asked, self.source
        yield from self.chosen()
        for step, loss, network in adapted(
            self.source, towards(self.views(), asked.tuning), asked.tuning, asked.seed
        ):
            tuned = network
            yield Progress(what="learning", done=step, total=asked.tuning.steps, loss=loss)
        self.write(tuned)

    def chosen(self) -> Iterator[Progress]:
        """Edit views, round by round, until enough are kept.

        Raises:
            InputError: None is.
        """
        asked, editing, least = self.asked, self.editing, float("-inf")
        for place in range(_ROUNDS):
            captions = self._captions(place)
            yield from self._draw(captions, place)
            before = len(editing.views)
            words = [asked.said(caption) for caption in captions]
            yield from editing.edit(captions, words, torch.stack(self.states[-len(captions) :]), asked.views)
            fresh = editing.views[before:]
            if not place:
                least = float(np.quantile([view.score for view in fresh], 1 - asked.keep))
            self.kept += [view for view in fresh if view.score >= least and view.away <= asked.pose]
            if len(self.kept) >= asked.count:
                break
        self.kept = self.kept[: asked.count]
        if not self.kept:
            seen = len(editing.views)
            raise InputError(f"pose: no edit of {seen} is within {asked.pose:g} degrees; raise it")

    def _captions(self, place: int) -> list[str]:
        """Return what a round draws: as many objects as are needed, by the share that was kept so far."""
        asked, seen = self.asked, len(self.editing.views)
        share = max(0.1, len(self.kept) / seen) if seen else asked.keep
        things = max(5, -(-int((asked.count - len(self.kept)) / share) // asked.views))
        known = list(asked.prompts) or [one.text for one in toy_prompts(things, "learned", seed=asked.seed + place)]
        return [known[number % len(known)] for number in range(things)]

    def _draw(self, captions: Sequence[str], place: int) -> Iterator[Progress]:
        """Draw objects and add their codes."""
        for row, caption in enumerate(captions):
            request = self.generator.request(caption, seed=self.asked.seed + 1000 * place + row)
            self.states.append(codes(self.generator, request, [0], batch=None, max_rows=None)[0])
            yield Progress(what="drawing", done=row + 1, total=len(captions))

    def views(self) -> Views:
        """Return what the decoder learns from."""
        return Views(
            codes=torch.stack(self.states), pictures=np.stack([view.after for view in self.kept]),
            objects=[view.thing for view in self.kept], cameras=[view.camera for view in self.kept],
        )  # fmt: skip

    def write(self, tuned: Triplane) -> None:
        """Write the adapted model's folder: the model's own, another decoder, the decoder before, and a record."""
        asked, folder = self.asked, models.locate(self.asked.model)
        write_changed(
            folder, asked.out, tuned.bare().state_dict(),
            inside="triplane.safetensors", beside={SOURCE: self.source.bare().state_dict()},
        )  # fmt: skip
        write_json(asked.out / RECORD, self.record())

    def record(self) -> dict[str, Any]:
        """Return what was asked for and what came of it."""
        asked, editing = self.asked, self.editing
        fields = asdict(replace(asked, instance=None, out=Path()))
        del fields["out"]
        return {
            **fields,
            "prompts": list(asked.prompts),
            "instance": asked.instance.name if asked.instance is not None else None,
            "source": self.generator.weights,
            "editor_weights": editing.editor.weights,
            "edits": len(editing.views),
            "kept": len(self.kept),
            "pose_error": round(editing.poses.error, 2) if editing.poses is not None else None,
            "away": round(float(np.median([view.away for view in editing.views])), 2),
        }
