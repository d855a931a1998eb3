"""Pictures and adapters that came over the network, each under the SHA-256 of its content."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from limn import models
from limn.io.atomic import make_folder, write_bytes
from limn.io.pictures import decode
from limn.io.targets import check_name, check_unlinked
from limn.kernel.errors import InputError, unknown_name

MAX_PIXELS: Final = 16_000_000
_ID: Final = re.compile(r"[0-9a-f]{64}")
_NAMED: Final = re.compile(r"upload:([0-9a-f]{64})")


class Uploads:
    """A folder of pictures that were decoded once, and written anew without what else they held.

    Args:
        root: The store.
        models: What may be asked for beside the models that need no path, as their owner wrote it.
    """

    def __init__(self, root: Path, models: Sequence[str] = ()) -> None:
        self.root, self.folder, self.models = root, root / "uploads", tuple(models)
        self.learned = root / "learned"

    def add(self, data: bytes, *, name: str = "picture") -> str:
        """Keep a picture and return its name.

        Raises:
            DataError: It is no PNG, JPEG or WebP, damaged, or too large.
        """
        picture = decode(data, name=name, max_pixels=MAX_PIXELS)
        return self.keep(picture)

    def keep(self, picture: Image.Image) -> str:
        """Keep a decoded picture and return its name."""
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(picture)).save(buffer, "PNG")
        content = buffer.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        make_folder(self.folder)
        path = self.path(digest, missing=True)
        if not path.exists():
            write_bytes(path, content)
        return digest

    def path(self, digest: str, *, missing: bool = False) -> Path:
        """Return the file of a picture.

        Raises:
            InputError: There is none of this name.
        """
        if not _ID.fullmatch(digest):
            raise InputError(
                f"upload: {digest[:80]!r} is no picture; give the name that an upload was answered with"
            )
        path = check_unlinked(self.root, self.folder / f"{digest}.png")
        if not missing and not path.is_file():
            raise InputError(f"upload: {digest[:12]} is not here; send the picture again")
        return path

    def named(self, text: str) -> str:
        """Return a text with the file of each picture that it names as ``upload:NAME``."""
        return _NAMED.sub(lambda match: str(self.path(match[1])), text)

    def adapter(self, text: str) -> str:
        """Return the file, with its weight, of an adapter that was learned here, named as ``NAME[:weight]``.

        Raises:
            InputError: There is none of this name.
        """
        name, colon, weight = text.partition(":")
        path = self.learned / f"{check_name(name.removesuffix('.safetensors'), 'adapter')}.safetensors"
        if not check_unlinked(self.root, path).is_file():
            raise InputError(f"adapter: {name[:60]!r} is not here; learn it, or put it into {self.learned}")
        return f"{path}{colon}{weight}"

    def model(self, name: str) -> str:
        """Return a model's name, if it may be asked for over the network.

        Raises:
            InputError: It is none of those.
        """
        if name not in (known := [*models.names(), *self.models]):
            raise unknown_name("model", name, known)
        return name

    def within(self, path: str) -> bool:
        """Say whether a file may be read for somebody on the network: sent, learned here, or brought by limn."""
        if path.startswith("limn:"):
            return ".." not in path
        where = Path(path).expanduser().absolute()
        return ".." not in where.parts and where.parent in (self.folder.absolute(), self.learned.absolute())
