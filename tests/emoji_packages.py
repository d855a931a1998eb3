"""Small npm packages with the layout of the real ones, so that builds are tested without a network."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from limn.data import packages, pictograms, sets

SAMPLE = Path(__file__).parent / "sample" / "pictograms"
SKINS = (
    "#f7dece",
    "#b0785a",
    "#e0bb95",
    "#7a4f3a",
    "#4a2c20",
)  # as Fluent 3D files them: second and third exchanged

GROUPS = {
    "groups": {"0": "smileys-emotion", "1": "people-body", "2": "component", "4": "food-drink", "9": "flags"},
    "subgroups": {
        "14": "heart",
        "20": "hands",
        "25": "person-role",
        "29": "person-resting",
        "42": "food-fruit",
        "97": "flag",
    },
}


def entry(
    label: str, code: str, group: int, subgroup: int, tags: tuple[str, ...] = (), tones: int = 0
) -> dict[str, object]:
    first, *rest = code.split("-")
    skins = [
        {"label": label, "hexcode": "-".join([first, f"1F3F{'BCDEF'[tone - 1]}", *rest]), "tone": tone}
        for tone in range(1, tones + 1)
    ]
    row = {"label": label, "hexcode": code, "group": group, "subgroup": subgroup, "tags": list(tags), "version": 1}
    return row | ({"skins": skins} if skins else {})


ENTRIES = [
    entry("red heart", "2764-FE0F", 0, 14, ("love", "emotion")),
    entry("red apple", "1F34E", 4, 42, ("fruit", "ripe")),
    entry("banana", "1F34C", 4, 42, ("fruit",)),
    entry("woman cook", "1F469-200D-1F373", 1, 25, ("chef",), tones=5),
    entry("person taking bath", "1F6C0", 1, 29, (), tones=5),
    entry("waving hand", "1F44B", 1, 20, (), tones=5),
    entry("chequered flag", "1F3C1", 9, 97),
    {"label": "regional indicator A", "hexcode": "1F1E6"},
]


def svg(colour: str, *, box: str = 'viewBox="0 0 36 36"', space: str = 'xmlns="http://www.w3.org/2000/svg"') -> str:
    return f'<svg {space} {box}><rect x="4" y="4" width="28" height="28" fill="{colour}"/></svg>'


def tarball(files: Mapping[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return sink.getvalue()


def webp(colour: str, size: int = 256) -> bytes:
    picture = Image.new("RGBA", (size, size))
    picture.paste(Image.new("RGBA", (size // 2, size // 2), colour), (size // 4, size // 4))
    sink = io.BytesIO()
    picture.save(sink, "WEBP", lossless=True)
    return sink.getvalue()


def named() -> bytes:
    """A package of icons that are called by their labels."""
    names = {"red-heart": "#f00", "redapple": "#d22", "banana-1": "#dd2", "banana-2": "#cc2", "woman-cook": "#fc3",
             "woman-cook-medium-skin-tone": "#c96", "person-taking-bath": "#fc3", "chequered-flag": "#000",
             "banana-dark-skin-tone": "#420"}  # fmt: skip
    icons = {name: {"body": f'<rect width="64" height="64" fill="{fill}"/>'} for name, fill in names.items()}
    return tarball({"icons.json": json.dumps({"icons": icons, "width": 64, "height": 64}).encode()})


def fake_packages() -> dict[str, bytes]:
    """Tarballs with the layout of the real ones, by the name of their set."""
    tones = {f"1f44b-1f3f{step}": colour for step, colour in zip("bcdef", SKINS, strict=True)}
    icons = {name: {"body": f'<rect width="128" height="128" fill="{colour}"/>'} for name, colour in
             {"heart": "#f00", "apple": "#d22", "flag": "#000"}.items()}  # fmt: skip
    chars = {"2764": "heart", "1f34e": "apple", "1f3c1": "flag", "1f34c": "not-there"}
    return {
        "emojibase": tarball(
            {"en/data.json": json.dumps(ENTRIES).encode(), "meta/groups.json": json.dumps(GROUPS).encode()}
        ),
        "3d": tarball({f"assets/{code}.webp": webp(colour) for code, colour in
                       {"2764-fe0f": "#f03030", "1f34c": "#ffd020", "1f44b": "#ffc83d", **tones}.items()}),
        "noto": tarball({"icons.json": json.dumps({"icons": icons, "width": 128, "height": 128}).encode(),
                         "chars.json": json.dumps(chars).encode()}),
        "twemoji": tarball({"2764.svg": svg("#dd2e44").encode(), "1f34e.svg": svg("#dd2e45", space="").encode(),
                            "1f34c.svg": svg("#dd2e44").encode(), "1f3c1.svg": svg("#000").encode()}),
        **{name: named() for name in ("blob", "emojione", "fx", "outlined")},
        "openmoji": tarball({"icons.json": json.dumps({"icons": icons, "width": 128, "height": 128}).encode(),
                             "chars.json": json.dumps(chars).encode()}),
        "flat": tarball({f"icons/flat/{name}.svg": svg(colour).encode() for name, colour in
                         {"red-heart": "#f8312f", "woman-cook-default": "#fcea2b",
                          "woman-cook-medium-dark": "#9b6b50",
                          "person-taking-bath-dark": "#4b2b21", "person-taking-bath-medium-dark": "#fcea2c",
                          "chequered-flag": "#000"}.items()}),
    }  # fmt: skip


def pack(folder: Path) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Write the tarballs, and give what then stands for the pinned packages: a namespace, a name, its value."""
    for name, data in fake_packages().items():
        real = packages.EMOJIBASE if name == "emojibase" else sets.SETS[name].package
        fake = replace(real, sha256=sha256(data).hexdigest())
        (folder / fake.file).write_bytes(data)
        if name == "emojibase":
            yield vars(pictograms), "EMOJIBASE", fake
            yield vars(packages), "EMOJIBASE", fake
        else:
            yield sets.SETS, name, replace(sets.SETS[name], package=fake)  # type: ignore[misc]
