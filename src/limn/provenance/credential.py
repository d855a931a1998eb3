"""Content credentials (C2PA): a signed manifest in the file, and what one that is there is worth."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Final

from limn.kernel.errors import InputError, LimnError
from limn.provenance.authority import Authority

SOURCE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
TYPES: Final = {"PNG": "image/png", "WEBP": "image/webp", "JPEG": "image/jpeg", "SVG": "image/svg+xml"}
UNKNOWN: Final = "signingCredential.untrusted"


class UnsignedError(LimnError):
    """A picture could not be signed."""


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a file's credential is worth.

    Args:
        state: ``none``, ``valid and trusted``, ``valid, signer unknown`` or ``broken``.
        signer: Who signed, as the certificate says.
        claims: Which program says to have made it.
        problems: Codes of what is wrong.
    """

    state: str
    signer: str = ""
    claims: str = ""
    problems: tuple[str, ...] = ()


class Signer:
    """Signs pictures with one key.

    Args:
        authority: The certificate, the key, and who is trusted.

    Raises:
        InputError: The certificate or the key cannot sign.
    """

    def __init__(self, authority: Authority) -> None:
        import c2pa

        info = c2pa.C2paSignerInfo(
            alg=c2pa.C2paSigningAlg.ES256, sign_cert=authority.chain, private_key=authority.key,
            ta_url=None,
        )  # fmt: skip
        try:
            self._signer = c2pa.Signer.from_info(info)
        except Exception as error:  # the library raises kinds of its own
            raise InputError(f"signer.pem: cannot sign ({error}); give a certificate and key of ES256") from None
        settings = {
            "trust": {"trust_anchors": authority.anchors.decode()},
            "builder": {"thumbnail": {"enabled": False}},
        }
        self._context = c2pa.Context(c2pa.Settings.from_dict(settings))

    def sign(self, data: bytes, kind: str = "PNG", *, title: str = "") -> bytes:
        """Return a file with a signed manifest; nothing else in it changes.

        Args:
            data: The whole file.
            kind: PNG, WEBP, JPEG or SVG.
            title: What the picture is called in the manifest.

        Raises:
            UnsignedError: It cannot be signed.
        """
        import c2pa

        action = {"action": "c2pa.created", "digitalSourceType": SOURCE}
        manifest = {
            "claim_generator_info": [{"name": "limn", "version": metadata.version("limn")}],
            "title": title,
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
        }
        signed = io.BytesIO()
        try:
            builder = c2pa.Builder(json.dumps(manifest), context=self._context)
            builder.sign(self._signer, TYPES[kind], io.BytesIO(data), signed)
        except Exception as error:
            raise UnsignedError(f"could not be signed: {error}"[:200]) from error
        return signed.getvalue()


def credential(data: bytes, kind: str, anchors: bytes) -> Credential:
    """Return what a file's credential is worth.

    Args:
        data: The whole file.
        kind: PNG, WEBP, JPEG or SVG.
        anchors: PEM of the authorities that are trusted.
    """
    import c2pa

    context = c2pa.Context(c2pa.Settings.from_dict({"trust": {"trust_anchors": anchors.decode()}}))
    try:
        told: dict[str, Any] = json.loads(c2pa.Reader(TYPES[kind], io.BytesIO(data), context=context).json())
    except Exception as error:
        absent = "ManifestNotFound" in f"{type(error).__name__}: {error}"
        return Credential(state="none") if absent else Credential(state="broken", problems=(str(error)[:200],))
    manifest = told.get("manifests", {}).get(told.get("active_manifest"), {})
    signature, infos = manifest.get("signature_info", {}), manifest.get("claim_generator_info") or [{}]
    problems = tuple(str(row.get("code")) for row in told.get("validation_status") or ())
    others = [code for code in problems if code != UNKNOWN]
    state = "broken" if others or told.get("validation_state") == "Invalid" else "valid, signer unknown"
    state = "valid and trusted" if told.get("validation_state") == "Trusted" else state
    signer = ", ".join(str(signature[name]) for name in ("common_name", "issuer") if signature.get(name))
    return Credential(state=state, signer=signer, claims=str(infos[0].get("name", "")), problems=problems)
