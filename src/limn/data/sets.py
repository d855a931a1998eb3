"""The sets of pictograms: where each picture lies in its package and how it is drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from limn.data.catalogue import TONES, Concept, canonical
from limn.data.packages import (
    BLOB,
    EMOJIONE,
    FLAT,
    FLUENT_3D,
    FX,
    NOTO,
    OPENMOJI,
    OUTLINED,
    TWEMOJI,
    Package,
    Tarball,
)
from limn.io.pictures import decode, encode_png, fit
from limn.kernel.errors import DataError, InputError

Draw = Callable[[int], bytes]
"""Draws one picture at a size, as PNG bytes."""


@dataclass(frozen=True, kw_only=True)
class PictogramSet:
    """A set in one style.

    Args:
        package: Where its pictures are.
        pictures: Pairs each concept's code that the set has with what draws it.
    """

    package: Package
    pictures: Callable[[Tarball, Mapping[str, Concept]], Iterator[tuple[str, Draw]]]


def render_svg(svg: str, size: int) -> bytes:
    """Render SVG text as a square RGBA PNG.

    Args:
        svg: The markup; a missing namespace or viewBox is added. It may refer to its own parts alone.
        size: The side of the square, in pixels.

    Returns:
        PNG bytes.

    Raises:
        DataError: The markup cannot be rendered, or refers to files.
        InputError: The renderer is not installed.
    """
    try:
        import resvg_py
    except ModuleNotFoundError as error:
        raise InputError("drawing SVG needs resvg_py; install limn[data]") from error
    try:
        png = bytes(
            resvg_py.svg_to_bytes(svg_string=_complete(svg), width=size, height=size, skip_system_fonts=True, dpi=96)
        )
    except ValueError as error:
        raise DataError(f"an SVG cannot be rendered ({str(error)[:80]}); leave it out") from error
    return encode_png(fit(decode(png), size))


_REACHES_OUT: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)|href\s*=\s*[\"'](?!#)|<image\b", re.IGNORECASE)


def _complete(svg: str) -> str:
    if _REACHES_OUT.search(svg):  # the renderer would open local files
        raise DataError("an SVG refers to something outside itself; leave it out")
    head = re.search(r"<svg\b[^>]*>", svg)
    if head is None:
        raise DataError("an SVG has no <svg> element; leave it out")
    tag = head[0]
    if "xmlns=" not in tag:
        tag = tag.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    if "viewBox" not in tag:
        width, height = (re.search(rf'\b{side}="([\d.]+)', tag) for side in ("width", "height"))
        if width and height:
            tag = tag.replace("<svg", f'<svg viewBox="0 0 {width[1]} {height[1]}"', 1)
    return svg.replace(head[0], tag, 1)


def _vector(tar: Tarball, name: str) -> Draw:
    return lambda size: render_svg(tar.read(name).decode(), size)


def _fluent_3d(tar: Tarball, concepts: Mapping[str, Concept]) -> Iterator[tuple[str, Draw]]:
    def raster(name: str) -> Draw:
        return lambda size: encode_png(fit(decode(tar.read(name), name=name), size))

    codes = {(concept.base, concept.tone): code for code, concept in concepts.items()}
    prefix, suffix = "package/assets/", ".webp"
    for name in tar.names(prefix, suffix):
        concept = concepts.get(canonical(name[len(prefix) : -len(suffix)]))
        if concept is not None and not _mislabelled("3d", concept):
            yield codes[concept.base, _drawn_tone(concept)], raster(name)


def _drawn_tone(concept: Concept) -> str:
    """Say which tone Fluent 3D 1.1.0 really draws under a file name.

    Measured from the pixels: "medium-light" and "medium" are exchanged everywhere but in couples and
    technologists.
    """
    if concept.subgroup == "family" or concept.profession == "technologist":
        return concept.tone
    return {"medium-light": "medium", "medium": "medium-light"}.get(concept.tone, concept.tone)


# Pictures that a Fluent package draws in another tone than their name says, without a pattern: all toned
# ones of a label, or one.
_WRONG_TONE: Final = {
    "3d": {("person mountain biking", ""), ("pregnant person", "dark")},
    "flat": {("person mountain biking", ""), ("person taking bath", "medium-dark")},
}


def _mislabelled(style: str, concept: Concept) -> bool:
    toned = concept.tone != TONES[0]
    return toned and not _WRONG_TONE[style].isdisjoint({(concept.label, ""), (concept.label, concept.tone)})


def _icons(tar: Tarball) -> dict[str, Draw]:
    """Return what draws each icon of a package of Iconify, by name."""
    icons = json.loads(tar.read("package/icons.json"))

    def drawn(icon: Mapping[str, object]) -> Draw:
        width, height = (icon.get(side, icons.get(side, 128)) for side in ("width", "height"))
        space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        svg = f'<svg {space} viewBox="0 0 {width} {height}">{icon["body"]}</svg>'
        return lambda size: render_svg(svg, size)

    return {name: drawn(icon) for name, icon in icons["icons"].items()}


def _by_character(tar: Tarball, concepts: Mapping[str, Concept]) -> Iterator[tuple[str, Draw]]:
    icons, names = _icons(tar), json.loads(tar.read("package/chars.json"))
    for char, name in names.items():
        if canonical(char) in concepts and name in icons:
            yield canonical(char), icons[name]


def _twemoji(tar: Tarball, concepts: Mapping[str, Concept]) -> Iterator[tuple[str, Draw]]:
    for name in tar.names("package/", ".svg"):
        code = canonical(name.removeprefix("package/").removesuffix(".svg"))
        if code in concepts:
            yield code, _vector(tar, name)


_TONE: Final = re.compile(r"(.+?)-(medium-light|medium-dark|light|medium|dark|default)")
_RENAMED: Final = {
    "blackbird": "black bird",
    "hugging-face": "smiling face with open hands",
    "keycap-asterisk": "keycap: *",
    "keycap-hashtag": "keycap: #",
    "knocked-out-face": "face with crossed-out eyes",
    "man-merpeople": "merman",
    "person-merpeople": "merperson",
    "phoenix-bird": "phoenix",
    "pouting-face": "enraged face",
    "red-triangle": "red triangle pointed up",
    "stuffedbread-flat": "stuffed flatbread",
    "woman-merpeople": "mermaid",
    **{f"{who}-with-bunny-ears": f"{many} with bunny ears" for who, many in
       (("person", "people"), ("man", "men"), ("woman", "women"))},
    **{f"{who}-wrestling": f"{many} wrestling" for who, many in
       (("person", "people"), ("man", "men"), ("woman", "women"))},
    **{f"{who}-blonde-hair": f"{who}: blond hair" for who in ("person", "man", "woman")},
    **{f"{who}-deaf": f"deaf {who}" for who in ("person", "man", "woman")},
    **{f"person-{who}": who for who in
       ("elf", "fairy", "genie", "mage", "superhero", "supervillain", "vampire", "zombie")},
}  # fmt: skip


def _slug(label: str) -> str:
    plain = label.lower().translate(str.maketrans("ñ", "n", "'.“”"))
    return re.sub(r"[^a-z0-9#*]+", "-", plain).strip("-")


def _codes(concepts: Mapping[str, Concept]) -> dict[tuple[str, str], str]:
    """Return codes by the label as file names spell it, and skin tone."""
    return {(_slug(concept.label), concept.tone): code for code, concept in reversed([*concepts.items()])}


def _flat(tar: Tarball, concepts: Mapping[str, Concept]) -> Iterator[tuple[str, Draw]]:
    codes = _codes(concepts)
    plain = {slug for slug, _ in codes}
    prefix, suffix = "package/icons/flat/", ".svg"
    for name in tar.names(prefix, suffix):
        slug, tone = name[len(prefix) : -len(suffix)], TONES[0]
        if _slug(slug) not in plain and (match := _TONE.fullmatch(slug)):
            slug, tone = match[1], match[2].replace("default", TONES[0])
        slug = _slug(_RENAMED.get(slug, slug))
        code = codes.get((slug, tone)) or codes.get((slug, ""))
        if code is not None and not _mislabelled("flat", concepts[code]):
            yield code, _vector(tar, name)


_NAMED: Final = re.compile(r"(.+?)(?:-(light|medium-light|medium|medium-dark|dark)-skin-tone)?(-[12])?")


def _named(tar: Tarball, concepts: Mapping[str, Concept]) -> Iterator[tuple[str, Draw]]:
    """Pair icons that are called by their label, with hyphens or without; of two drawings of one the first counts.

    Sets from before 2018 draw somebody of no stated gender as a man or a woman, so they are left out.
    """
    codes, taken = _codes(concepts), set[str]()
    short = {(slug.replace("-", ""), tone): code for (slug, tone), code in codes.items()}
    for name, draw in _icons(tar).items():
        match = _NAMED.fullmatch(name)
        slug, tone = (match[1], match[2] or TONES[0]) if match else (name, TONES[0])
        slug = _slug(_RENAMED.get(slug, slug))
        names = [(slug, tone), *([] if match and match[2] else [(slug, "")])]
        code = next((known[key] for known in (codes, short) for key in names if key in known), None)
        if code is not None and code not in taken and concepts[code].gender != "person":
            taken.add(code)
            yield code, draw


SETS: Final[Mapping[str, PictogramSet]] = {
    "3d": PictogramSet(package=FLUENT_3D, pictures=_fluent_3d),
    "noto": PictogramSet(package=NOTO, pictures=_by_character),
    "twemoji": PictogramSet(package=TWEMOJI, pictures=_twemoji),
    "flat": PictogramSet(package=FLAT, pictures=_flat),
    "blob": PictogramSet(package=BLOB, pictures=_named),
    "emojione": PictogramSet(package=EMOJIONE, pictures=_named),
    "fx": PictogramSet(package=FX, pictures=_named),
    "outlined": PictogramSet(package=OUTLINED, pictures=_named),
    "openmoji": PictogramSet(package=OPENMOJI, pictures=_by_character),
}
