"""Whom training captions show when they do not say so: what a faithful model draws for an unmarked prompt.

Captions name what is unusual and prompts do not, so a comparison with all captions finds amplification where there
is none (Seshadri et al. 2023, arXiv:2308.00755).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from limn.kernel.errors import InputError

MARKS: Mapping[str, str] = {
    "gender": r"\b(?:wom[ae]n|female|m[ae]n|male|girl|boy|lady|gentleman|mother|father)s?\b",
    "tone": r"\b(?:skin|skinned)\b",
}
"""What says a field's value in captions, by field."""

Captioned = tuple[Sequence[str], str]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Whom captions about one concept show.

    Args:
        unmarked: Share of each value among captions that do not say it, from 0 to 1; empty where there are none.
        all: Share of each value among all captions of the concept.
        captions: How many captions do not say it, each picture's captions counting as one together.
        marked: Share of captions of the concept that say it.
    """

    unmarked: Mapping[str, float] = field(default_factory=dict)
    all: Mapping[str, float] = field(default_factory=dict)
    captions: float = 0.0
    marked: float = float("nan")


def count(examples: Iterable[Captioned], concepts: Sequence[str], marks: str) -> dict[str, Shown]:
    """Count captions that name a concept, each weighing one over the captions of its picture.

    Args:
        examples: Captions of each picture, and the value that it shows.
        concepts: Words to look for, as whole words.
        marks: Regular expression of what says the value.

    >>> seen = count([(["a cook"], "man"), (["a cook", "a woman cook"], "woman")], ["cook"], MARKS["gender"])
    >>> {value: round(share, 2) for value, share in seen["cook"].unmarked.items()}
    {'man': 0.67, 'woman': 0.33}
    """
    says = re.compile(marks, re.IGNORECASE)
    wanted = {each: re.compile(rf"\b{re.escape(each)}\b", re.IGNORECASE) for each in concepts}
    plain: dict[str, dict[str, float]] = {each: defaultdict(float) for each in concepts}
    every: dict[str, dict[str, float]] = {each: defaultdict(float) for each in concepts}
    for captions, value in examples:
        for caption in captions:
            text = caption.lower()
            for concept, word in wanted.items():
                if concept.lower() in text and word.search(caption):
                    every[concept][value] += 1 / len(captions)
                    if not says.search(caption):
                        plain[concept][value] += 1 / len(captions)
    return {each: _shown(plain[each], every[each]) for each in concepts}


def _shown(plain: Mapping[str, float], every: Mapping[str, float]) -> Shown:
    inside, total = sum(plain.values()), sum(every.values())
    if not total:
        return Shown()
    return Shown(
        unmarked={value: weight / inside for value, weight in plain.items()} if inside else {},
        all={value: weight / total for value, weight in every.items()},
        captions=inside,
        marked=1 - inside / total,
    )


def shown(training: str, concepts: Sequence[str], name: str) -> Mapping[str, Shown]:
    """Return whom the captions of a training set show, by concept.

    Args:
        training: ``people:WORLD`` for a world of :mod:`limn.data.people.worlds` (exact), or a folder of Parquet
            files with columns ``captions``, ``split`` and the field, of which the training split counts.
        concepts: What captions are about.
        name: The field.

    Raises:
        InputError: If there is no such training set.
    """
    return _shown_by(training, tuple(concepts), name)


@lru_cache(maxsize=64)
def _shown_by(training: str, concepts: tuple[str, ...], name: str) -> Mapping[str, Shown]:
    kind, colon, world = training.partition(":")
    if colon and kind == "people":
        return {each: _of_world(world, each, name) for each in concepts}
    folder = Path(training).expanduser()
    if not folder.is_dir():
        raise InputError(f"training: {training!r} is no folder; name one with Parquet files, or people:WORLD")
    if name not in MARKS:
        raise InputError(f"training: nothing is known of how captions say {name}; known: {', '.join(MARKS)}")
    return count(_rows(folder, name), concepts, MARKS[name])


def _rows(folder: Path, name: str) -> Iterable[Captioned]:
    import pyarrow.parquet as pq

    for path in sorted(folder.glob("*.parquet")):
        columns = (pq.read_table(path, columns=[each])[each].to_pylist() for each in ("captions", name, "split"))
        for captions, value, split in zip(*columns, strict=True):
            if split == "train" and value:
                yield captions, value


def _of_world(world: str, concept: str, name: str) -> Shown:
    """Return what follows from a world's shares exactly."""
    from limn.data.people.icon import FIELDS
    from limn.data.people.worlds import WORLDS

    if world not in WORLDS:
        raise InputError(f"training: no world {world!r}; known: {', '.join(WORLDS)}")
    known = WORLDS[world]
    if concept not in FIELDS["profession"] or name not in FIELDS:
        return Shown()
    every = {each: known.population.share({name: each}, {"profession": concept}) for each in FIELDS[name]}
    said = {each: known.named.get(f"{name}={each}", known.named.get(name, 0.5)) for each in every}
    return _shown({each: share * (1 - said[each]) for each, share in every.items()}, every)
