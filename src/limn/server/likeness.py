"""Pictures of a store by likeness: a judge's vectors, kept beside them, against those of words or a picture."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from limn.io.atomic import write_bytes
from limn.io.files import read_bounded
from limn.io.pictures import MAX_ENLARGED, composite, decode, read_picture
from limn.io.targets import check_unlinked
from limn.kernel.errors import InputError, LimnError
from limn.models import dual_encoders
from limn.server.worker import place
from limn.store import Store, read_record
from limn.store.info import run_folders
from limn.store.run import picture_files

MAX_BYTES: Final = 2**28
AT_ONCE: Final = 64


class Likeness:
    """What a judge sees in the pictures of a store; each is looked at once.

    Args:
        store: Whose pictures.
        judge: As :func:`limn.models.dual_encoders.load` takes it.
    """

    def __init__(self, store: Store, judge: str = "judge_a") -> None:
        self.store, self.judge, self._encoder = store, judge, None
        self._lock = threading.Lock()

    def nearest(self, wanted: Path | str, limit: int) -> list[dict[str, Any]]:
        """Return pictures with their cosine, the most alike first.

        Args:
            wanted: A sentence, or the file of a picture.
            limit: At most so many.
        """
        with self._lock:
            encoder: Any = self._encoder or dual_encoders.load(self.judge)
            self._encoder = encoder
            names, vectors = self._vectors(encoder)
            if isinstance(wanted, Path):
                data = read_bounded(wanted, MAX_BYTES, "name a smaller one", error=InputError)
                pixels = composite(np.asarray(decode(data, name=wanted.name)))
                (query,) = encoder.images([pixels])
            else:
                (query,) = encoder.texts([wanted])
        scores = vectors @ query
        best = np.argsort(-scores, kind="stable")[:limit].tolist()
        paths = [self.store.root / "runs" / names[row] for row in best]
        return [
            {**place(path), "prompt": _prompt(path), "score": round(float(scores[row]), 4)}
            for path, row in zip(paths, best, strict=True)
        ]

    def _vectors(self, encoder: Any) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float32]]]:
        """Return the names of all pictures and their vectors, those that are new looked at now."""
        path = check_unlinked(self.store.root, self.store.root / f"likeness-{encoder.weights[:12]}.npz")
        known = self._read(path)
        here = [
            f"{folder.parent.name}/{folder.name}/{paths[0].name}"
            for folder in run_folders(self.store.root)
            for _, paths in sorted(picture_files(folder).items())
        ]
        new = [name for name in here if name not in known]
        for start in range(0, len(new), AT_ONCE):
            part = {
                name: image for name in new[start : start + AT_ONCE] if (image := self._picture(name)) is not None
            }
            known |= dict(zip(part, encoder.images(list(part.values())), strict=True)) if part else {}
        kept = [name for name in here if name in known]
        vectors = np.stack([known[name] for name in kept]) if kept else np.zeros((0, 1), np.float32)
        if new:
            buffer = io.BytesIO()
            np.savez(buffer, names=np.array(kept, dtype="U"), vectors=vectors)
            write_bytes(path, buffer.getvalue())
        return kept, vectors

    def _picture(self, name: str) -> Any:
        try:
            picture = read_picture(self.store.root / "runs" / name, max_pixels=MAX_ENLARGED)
        except LimnError:
            return None
        return np.asarray(picture if max(picture.size) <= 512 else picture.resize((512, 512), Image.Resampling.BOX))

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            with np.load(path, allow_pickle=False) as file:
                return dict(zip(file["names"].tolist(), file["vectors"], strict=True))
        except (OSError, ValueError, KeyError):
            return {}


def _prompt(path: Path) -> str:
    """Return what a picture was drawn by; nothing where its record does not say."""
    try:
        return str(read_record(path)["prompt"]["text"])[:200]
    except (LimnError, KeyError, TypeError):
        return ""
