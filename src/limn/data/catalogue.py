"""What each emoji is: label, tags, group and, for people, profession, gender and skin tone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from limn.data.packages import Tarball

TONES: Final = ("yellow", "light", "medium-light", "medium", "medium-dark", "dark")
GENDERS: Final = ("woman", "man", "person")

_COLUMNS: Final = ("label", "group", "subgroup", "profession", "gender", "tone")
_LEFT_OUT: Final = {"component", "flags"}
_WOMAN: Final = re.compile(r"\b(woman|women|girl|princess|mermaid|mrs|breast-feeding)\b", re.IGNORECASE)
_MAN: Final = re.compile(r"\b(man|men|boy|prince|merman|santa)\b", re.IGNORECASE)
_ROLE: Final = re.compile(r"\b(?:woman|man|person)\b ?")
_ONE_ROLE: Final = {"prince": "royalty", "princess": "royalty", "with crown": "royalty"}


@dataclass(frozen=True, kw_only=True)
class Concept:
    """One emoji, which every set may draw in its own style.

    Args:
        code: Canonical code point, such as ``1f469-1f3fb-200d-1f373``.
        base: The code of the same emoji without skin tone.
        label: Name without skin tone, such as ``woman cook``.
        tags: Related words.
        group: Such as ``people-body``.
        subgroup: Such as ``person-role``.
        version: Unicode emoji version that brought the emoji without skin tone.
        profession: For people at work, such as ``cook``; else empty.
        gender: ``woman``, ``man``, ``person``, ``both`` (couples), or empty.
        tone: One of :data:`TONES`, two of them joined by ``+``, or empty where no skin tone applies.
    """

    code: str
    base: str
    label: str
    tags: tuple[str, ...]
    group: str
    subgroup: str
    version: float
    profession: str = ""
    gender: str = ""
    tone: str = ""

    @property
    def cell(self) -> tuple[str, str, str] | None:
        """Profession, gender and tone of a person at work; None for all else."""
        return (self.profession, self.gender, self.tone) if self.profession else None


def from_columns(columns: Mapping[str, Sequence[Any]], place: int, **changed: str) -> Concept:
    """Return what a picture of a set shows, as far as its columns say.

    Args:
        columns: Of a :class:`limn.data.picture_set.PictureSet`.
        place: Of the picture.
        changed: Fields that take another value, such as ``tone``.
    """
    row = {name: columns[name][place] for name in _COLUMNS} | changed
    return Concept(code="", base="", tags=(), version=0, **row)


def canonical(code: str) -> str:
    """Bring a code point sequence to one form: lower case, no leading zeros, no FE0F.

    >>> canonical("0023-FE0F-20E3")
    '23-20e3'
    """
    return "-".join(part.lstrip("0") for part in code.lower().split("-") if part != "fe0f")


def read_catalogue(emojibase: Tarball) -> dict[str, Concept]:
    """Read emojibase: every emoji and tone variant but flags and components.

    Args:
        emojibase: The package ``emojibase-data``.

    Returns:
        Concepts by canonical code, in emojibase order.
    """
    names: Mapping[str, Mapping[str, str]] = json.loads(emojibase.read("package/meta/groups.json"))
    concepts = {}
    for entry in json.loads(emojibase.read("package/en/data.json")):
        group = names["groups"].get(str(entry.get("group")), "component")
        if group in _LEFT_OUT:
            continue
        subgroup = names["subgroups"][str(entry["subgroup"])]
        for variant in (entry, *entry.get("skins", ())):
            concept = _concept(entry, variant, group, subgroup)
            concepts[concept.code] = concept
    return concepts


def _concept(entry: Mapping[str, Any], variant: Mapping[str, Any], group: str, subgroup: str) -> Concept:
    label = entry["label"].replace("’", "'")
    tones = variant.get("tone", 0 if "skins" in entry else None)
    if isinstance(tones, list):
        tone = "+".join(TONES[index] for index in tones)
    else:
        tone = "" if tones is None else TONES[tones]
    role = _ROLE.sub("", label).strip() if subgroup == "person-role" else ""
    return Concept(
        code=canonical(variant["hexcode"]),
        base=canonical(entry["hexcode"]),
        label=label,
        tags=tuple(entry.get("tags", ())),
        group=group,
        subgroup=subgroup,
        version=float(entry.get("version", 0)),
        profession=_ONE_ROLE.get(role, role),
        gender=_gender(label, subgroup),
        tone=tone,
    )


def _gender(label: str, subgroup: str) -> str:
    if not (subgroup.startswith("person") and subgroup != "person-symbol") and subgroup != "family":
        return ""
    woman, man = bool(_WOMAN.search(label)), bool(_MAN.search(label))
    if woman and man:
        return "both"
    return "woman" if woman else "man" if man else "person"
