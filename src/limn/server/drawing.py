"""A job that draws: from its form to pictures in the store, as ``limn generate`` and ``limn edit`` do it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from limn import models, studio
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator, Progress
from limn.kernel.request import Request
from limn.kernel.runner import Ledger
from limn.provenance.seal import Seal
from limn.server import objects
from limn.server.events import Events
from limn.server.forms import asked, check_work
from limn.server.queue import Job
from limn.server.uploads import Uploads
from limn.server.worker import PAUSE, encoded, place, preview
from limn.store import Store
from limn.studio.axes import Axis
from limn.studio.editing import edit_of


@dataclass
class Studio:
    """What jobs share: the store, what was sent, and the models that were loaded.

    Args:
        store: Where pictures go.
        device: Where models run.
        load: Loads a model by its name.
        most: How many models stay loaded.
        own: Models that may be asked for beside those that need no path.
    """

    store: Store
    device: str = "cpu"
    load: Callable[..., Generator] = models.load
    most: int = 2
    own: Sequence[str] = ()
    events: Events = field(default_factory=Events)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _loaded: dict[str, Generator] = field(default_factory=dict)

    @property
    def uploads(self) -> Uploads:
        """What was sent."""
        return Uploads(self.store.root, self.own)

    @property
    def names(self) -> list[str]:
        """The models that may be asked for."""
        return [*models.names(), *self.own]

    def generator(self, name: str) -> Generator:
        """Return a model, loaded once; the one that was used longest ago makes room."""
        with self._lock:
            generator = self._loaded.pop(name, None) or self.load(name, device=self.device)
            self._loaded[name] = generator
            while len(self._loaded) > self.most:
                del self._loaded[next(iter(self._loaded))]
            return generator

    def complete(self, form: dict[str, Any]) -> tuple[Generator, list[Request]]:
        """Return the model of a form and its complete requests.

        Raises:
            InputError: If a value cannot be used, or it is too much for one job.
        """
        incomplete = asked(form, self.uploads)
        generator = self.generator(incomplete[0].model)
        edit = form.get("edit")
        if edit is not None:
            how = {name: value for name, value in edit.items() if name not in ("picture", "mask")}
            mask = self.uploads.path(edit["mask"]) if edit.get("mask") else None
            plan, usual = edit_of(self.uploads.path(edit["picture"]), generator, mask=mask, **how)
            chosen = {name: value for name, value in usual.items() if form.get(name) is None}
            incomplete = [replace(request, edit=plan, **chosen) for request in incomplete]
        made = [generator.complete(request) for request in incomplete]
        check_work(made)
        objects.wanted(form).check(generator, 0)
        return generator, made

    def draw(self, job: Job) -> Iterator[dict[str, Any]]:
        """Draw what a job asks for."""
        generator, made = self.complete(job.form)
        total = sum(len(request.items()) for request in made)
        cells: list[list[Path]] = []
        failed: list[dict[str, Any]] = []
        seal = Seal(mark=bool(job.form.get("mark", True)), sign=bool(job.form.get("sign", True)))
        for request in made:
            cells.append([])
            before = sum(map(len, cells))
            events = studio.generate(generator, request, self.store, device=self.device, seal=seal)
            with closing(events):  # type: ignore[type-var]
                for event in self._watched(generator, events, job):
                    if isinstance(event, studio.Kept | studio.Drawn):
                        cells[-1].append(event.path)
                        yield {"picture": place(event.path), "share": sum(map(len, cells)) / total}
                    elif isinstance(event, studio.Failed):
                        item = event.picture.item
                        failed.append({"seed": item.seed, "prompt": item.prompt.text, "why": event.picture.flaw})
                        yield {}
                    elif isinstance(event, dict):
                        yield {**event, "share": min(1.0, (before + event["share"]) / total)}
                    else:
                        yield {}
        paths = [path for cell in cells for path in cell]
        result: dict[str, Any] = {"pictures": [place(path) for path in paths], "failed": failed}
        if job.form.get("grid_x") or job.form.get("grid_y"):
            axes = [Axis.parse(text) if text else None for text in (job.form.get("grid_x"), job.form.get("grid_y"))]
            result["grid"] = studio.compose(self.store, cells, *axes, seal=seal).name
        yield {"result": result}
        yield from objects.beside(generator, made, self.store, job.form)
        if failed and not paths:
            raise InputError(f"picture: could not be drawn: {failed[0]['why']}")

    def _watched(self, generator: Generator, events: Iterator[Any], job: Job) -> Iterator[Any]:
        """Give events, and progress as what is told of it: how far, and now and then the guess at the picture."""
        shown, partial = 0.0, int(job.form.get("partial") or 0)
        for event in events:
            if not isinstance(event, Progress):
                yield event
                continue
            told: dict[str, Any] = {"step": event.step, "steps": event.steps}
            told["share"] = event.drawn + len(event.batch) * event.step / (event.steps + 1)
            wanted = {round(event.steps * (k + 1) / (partial + 1)) for k in range(partial)}
            due = event.step in wanted if partial else time.monotonic() - shown > PAUSE
            if due and self.events.wanted(job.id) and (guess := preview(generator, event)):
                told |= {"preview": guess, "index": event.batch[0]}
                shown = time.monotonic()
            yield told

    def replay(self, job: Job) -> Iterator[dict[str, Any]]:
        """Draw a picture again from its record, and compare every bit."""
        path = Path(job.form["path"])
        with closing(studio.replay(path, self._named, device=None)) as events:  # type: ignore[type-var]
            for event in events:
                if isinstance(event, studio.Replay):
                    told: dict[str, Any] = {"same": event.same, "largest": event.largest, "changed": event.changed}
                    told |= {"causes": list(event.causes), "flaw": event.picture.flaw}
                    yield {"result": {**told, "picture": encoded(event.picture.pixels)}}
                else:
                    yield {"step": event.step, "steps": event.steps, "share": event.step / (event.steps + 1)}

    def _named(self, name: str, device: str = "cpu") -> Generator:
        """Load the model that a record names, which need not be one that limn brings."""
        return models.load(name, device=device) if self.load is models.load else self.load(name, device=device)

    def explain(self, form: dict[str, Any]) -> dict[str, Any]:
        """Return what drawing a form would cost: forward passes and rows of a step, as asked for one picture."""
        generator, made = self.complete({**form, "n": 1})
        request, ledger = made[0], Ledger()
        for event in generator.draw(request, only={0}, batch=1, ledger=ledger):
            if isinstance(event, Progress):
                break
        names = sorted({name for forward in ledger.forwards for name in forward.names})
        told: dict[str, Any] = {"steps": request.steps, "forwards": len(ledger.forwards), "rows": ledger.rows}
        return {**told, "questions": names, "key": request.key(), "not_read": list(ledger.unread.values())}
