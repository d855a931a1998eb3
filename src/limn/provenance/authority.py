"""A local authority, made at first use: what signs this person's pictures, and whom their own pictures trust.

In limn's home lie ``ca.pem`` and ``ca.key``, the authority; ``signer.pem`` and ``signer.key``, a certificate that it
issued for a year; and ``mark.key``. Who has a certificate of their own puts it in place of the signer's two files.
C2PA refuses a certificate that signed itself, so there are always two.
"""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limn.io.atomic import explained, write_bytes
from limn.io.files import read_bounded
from limn.io.lock import Lock
from limn.kernel.errors import InputError
from limn.provenance.home import home

MAX_PEM: Final = 2**20
DAYS: Final = (3650, 365)
"""For how long the authority and what it issues are valid."""


@dataclass(frozen=True, kw_only=True)
class Authority:
    """What signs.

    Args:
        chain: PEM of the signer's certificate and of those above it.
        key: PEM of its private key.
        anchors: PEM of the authorities that are trusted here.
    """

    chain: bytes
    key: bytes
    anchors: bytes


def authority(folder: Path | None = None) -> Authority:
    """Return the authority in a folder, limn's home if None; made when missing, the signer renewed when out of date.

    Raises:
        InputError: A file there is no certificate or key.
        StoreError: It cannot be written.
    """
    folder = folder or home()
    with Lock(folder / ".lock", f"the keys in {folder}", wait=30):
        if not (folder / "ca.pem").exists():
            _make_authority(folder)
        if not (folder / "signer.pem").exists() or _expires(folder / "signer.pem"):
            _issue(folder)
    names = ("signer.pem", "signer.key", "ca.pem")
    chain, key, anchors = (
        read_bounded(folder / name, MAX_PEM, "put a PEM there", error=InputError) for name in names
    )
    return Authority(chain=chain, key=key, anchors=anchors)


def mark_key(folder: Path | None = None) -> bytes:
    """Return the key of this person's mark, made when missing; whoever has it can find the mark, or make it.

    Raises:
        StoreError: It cannot be written.
    """
    folder = folder or home()
    path = folder / "mark.key"
    if not path.exists():
        with Lock(folder / ".lock", f"the keys in {folder}", wait=30):
            if not path.exists():
                _secret(path, secrets.token_hex(32).encode())
    return read_bounded(path, MAX_PEM, "put a short key there", error=InputError).strip()


def _make_authority(folder: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key, subject = ec.generate_private_key(ec.SECP256R1()), _name("limn local authority")
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    made = (
        _builder(subject, subject, key.public_key(), DAYS[0])
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    _secret(folder / "ca.key", _private(key))
    write_bytes(folder / "ca.pem", _public(made))


def _issue(folder: Path) -> None:
    """Give the signer a certificate of the authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    with explained(folder):
        above = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        own: Any = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    made = (
        _builder(_name("limn signer"), above.subject, key.public_key(), DAYS[1])
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own.public_key()), critical=False)
        .sign(own, hashes.SHA256())
    )
    _secret(folder / "signer.key", _private(key))
    write_bytes(folder / "signer.pem", _public(made) + _public(above))


def _builder(subject: Any, issuer: Any, key: Any, days: int) -> Any:
    from cryptography import x509

    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    made = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), now - day, now + days * day)
    return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _name(common: str) -> Any:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parts = ((NameOID.COMMON_NAME, common), (NameOID.ORGANIZATION_NAME, "limn local"))  # C2PA wants an organisation
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def _expires(path: Path) -> bool:
    """Say whether a certificate that we issued ends within a day; one of somebody else's is left alone."""
    from cryptography import x509

    try:
        made = x509.load_pem_x509_certificate(read_bounded(path, MAX_PEM, "put a PEM there", error=InputError))
    except ValueError:
        raise InputError(f"{path}: is no certificate; put one there, or remove it and a new one is made") from None
    ours = "limn local authority" in made.issuer.rfc4514_string()
    return ours and made.not_valid_after_utc < datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)


def _private(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization as how

    return bytes(key.private_bytes(how.Encoding.PEM, how.PrivateFormat.PKCS8, how.NoEncryption()))


def _public(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _secret(path: Path, data: bytes) -> None:
    """Write what only its owner may read."""
    write_bytes(path, data)
    with explained(path):
        path.chmod(0o600)
