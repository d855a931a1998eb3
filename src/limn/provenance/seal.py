"""What is done to a picture on its way to a person: pixels are marked, the record is written, the file is signed.

A request and its key know nothing of it: the same request draws the same pixels, marked or not.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from limn.io.files import first_line
from limn.kernel.errors import InputError, LimnError

if TYPE_CHECKING:
    from limn.provenance.credential import Signer

INSTALL: Final = "is not installed (limn[provenance])"


@dataclass(frozen=True)
class Seal:
    """How pictures are marked and signed.

    Args:
        mark: Whether pixels are marked, from 128 pixels on.
        sign: Whether files are signed.
    """

    mark: bool = True
    sign: bool = True

    @cached_property
    def key(self) -> bytes:
        """The key of the mark."""
        from limn.provenance.authority import mark_key

        return mark_key()

    @cached_property
    def signer(self) -> Signer | None:
        """What signs; None where nothing does."""
        if self.unsigned:
            return None
        from limn.provenance.authority import authority
        from limn.provenance.credential import Signer

        return Signer(authority())

    @cached_property
    def unsigned(self) -> str:
        """Why files are not signed; empty when they are."""
        if not self.sign:
            return "not signed: --no-sign"
        missing = [name for name in ("c2pa", "cryptography") if find_spec(name) is None]
        return f"not signed: {missing[0]} {INSTALL}" if missing else ""

    def marked(self, pixels: Any, key: str, *, keeps: bool = False) -> tuple[Any, dict[str, Any]]:
        """Return a picture with its mark, and what its record says of mark and credential.

        Args:
            pixels: (height, width, 3), uint8.
            key: The run's key; its first four bytes are the message.
            keeps: Whether the picture promises to keep pixels of another one, which a mark would change.
        """
        reason = self._unmarked(pixels, keeps)
        told = {"credential": self.unsigned or "c2pa"}
        if reason:
            return pixels, {"mark": f"not marked: {reason}", **told}
        from limn.provenance.mark import embed

        message = bytes.fromhex(key[:8])
        about = {"key": fingerprint(self.key), "message": message.hex(), "version": 1}
        return embed(pixels, message, self.key), {"mark": about, **told}

    def _unmarked(self, pixels: Any, keeps: bool) -> str:
        if not self.mark:
            return "--no-mark"
        if min(pixels.shape[:2]) < 128:
            return "smaller than 128 pixels"
        if keeps:
            return "an edit keeps the pixels around it"
        return f"reedsolo {INSTALL}" if find_spec("reedsolo") is None else ""

    def signed(self, data: bytes, kind: str = "PNG") -> bytes:
        """Return a file with its credential, where files are signed.

        Args:
            data: The whole file.
            kind: PNG, WEBP, JPEG or SVG.

        Raises:
            UnsignedError: It cannot be signed.
        """
        try:
            signer = self.signer
        except LimnError as error:
            from limn.provenance.credential import UnsignedError

            raise UnsignedError(first_line(error)) from error
        return data if signer is None else signer.sign(data, kind)


def fingerprint(key: bytes) -> str:
    """Return what names a key without telling it."""
    return hashlib.sha256(b"limn key" + key).hexdigest()[:16]


def remarked(pixels: Any, provenance: Any) -> Any:
    """Return a picture with the mark that a record says it was given; as it is where it was given none.

    Raises:
        InputError: The mark's key is not here.
    """
    about = provenance.get("mark") if isinstance(provenance, dict) else None
    if not isinstance(about, dict):
        return pixels
    from limn.provenance.authority import mark_key
    from limn.provenance.mark import embed

    key = mark_key()
    if about.get("key") != fingerprint(key):
        raise InputError(f"its mark was made with the key {about.get('key')}; put that mark.key into limn's home")
    return embed(pixels, bytes.fromhex(str(about.get("message"))), key)
