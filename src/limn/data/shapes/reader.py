"""Read a shapes picture back into words, exactly, and say how sure the reading is.

Drawing knows 257 tiles on each of 5 backgrounds, so reading tries them all: for each background and each cell the
nearest tile in squared error, then the background and the layout (corners, or one object in the centre) with the
smallest total. Each tile is tried from crisp to a little blurred, since models draw softly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from limn.data.shapes.captions import Asked
from limn.data.shapes.scene import Object, Scene
from limn.data.shapes.tiles import BACKGROUNDS, CELL, CORNERS, EMPTY, PICTURE, PLACES, describe_tile, tiles
from limn.data.template_matching import MAX_RESIDUAL, MIN_MARGIN, UNREADABLE, Templates, as_unit_range, quarters

FIELDS = ("shape", "colour", "size", "texture", "place")
"""What is read of each object."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ReadObject:
    """One object as read: a word or "unreadable" for each field, and the margin of each."""

    shape: str
    colour: str
    size: str
    texture: str
    place: str
    margins: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a picture shows.

    Args:
        background: A word or "unreadable".
        objects: The objects in the order of PLACES.
        margins: For "background" and "count": 1 is the drawn picture itself, 0 half-way to another reading.
        residual: Root mean square error of the worst quarter of the picture, in the range 0 to 1.
    """

    background: str
    objects: tuple[ReadObject, ...]
    margins: Mapping[str, float]
    residual: float

    @property
    def margin(self) -> float:
        """The smallest margin of all fields."""
        return min([*self.margins.values(), *(value for thing in self.objects for value in thing.margins.values())])

    @property
    def countable(self) -> bool:
        """Whether the number of objects is sure: at least one, and every quarter of the picture is explained."""
        fits = self.residual <= MAX_RESIDUAL and self.margins["count"] >= MIN_MARGIN
        return fits and bool(self.objects)

    @property
    def scene(self) -> Scene | None:
        """The scene, where every field could be read."""
        words = [getattr(thing, field) for thing in self.objects for field in FIELDS]
        if not self.countable or UNREADABLE in (self.background, *words):
            return None
        objects = tuple(Object(**{f: getattr(thing, f) for f in FIELDS}) for thing in self.objects)
        return Scene(background=self.background, objects=objects)


@cache
def _templates() -> tuple[Templates, ...]:
    """The tiles of each background; the label -1 stands for no object."""
    words = [describe_tile(number) for number in range(EMPTY)]
    columns = [sorted(set(column)) for column in zip(*words, strict=True)]
    labels = [[names.index(w) for names, w in zip(columns, row, strict=True)] + [0] for row in words]
    table = np.array([*labels, [-1] * (len(columns) + 1)])
    return tuple(Templates.of(on_ground, table) for on_ground in tiles())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Fit:
    """The best explanation of n pictures on one background.

    Args:
        best: Tile of each place, (n, 5).
        errors: Squared error of each tile in each place, (n, 5, tiles).
        blur: Blur at which it is reached, of the same shape.
        total: Squared error with the corners, and with the centre, filled, (n, 2).
        drawn: Both explanations, (n, 2, 32, 32, 3).
        left: Root mean square of what each leaves over in each quarter, (n, 2, 4).
    """

    best: Ints
    errors: Floats
    blur: Floats
    total: Floats
    drawn: Floats
    left: Floats


def _fit(x: Floats, templates: Templates) -> _Fit:
    """Explain pictures on one background."""
    places = tuple(PLACES.values())
    cells = np.stack([x[:, r : r + CELL, c : c + CELL] for r, c in places], axis=1)
    errors, blur = (part.reshape(len(x), len(places), -1) for part in templates.fit(cells.reshape(-1, CELL**2 * 3)))
    best = errors.argmin(axis=2)
    best[:, -1] = errors[:, -1, :EMPTY].argmin(axis=1)
    chosen = np.take_along_axis(blur, best[..., None], axis=2)
    tile = templates.at(best.ravel(), chosen.ravel()).reshape(cells.shape)
    drawn = np.broadcast_to(templates.flat[EMPTY, :3], (len(x), 2, PICTURE, PICTURE, 3)).copy()
    for k, (row, column) in enumerate(places):
        drawn[:, k // len(CORNERS), row : row + CELL, column : column + CELL] = tile[:, k]
    left = quarters((x[:, None] - drawn).reshape(-1, PICTURE, PICTURE, 3)).reshape(len(x), 2, 4)
    total = (left**2).sum(axis=2) * CELL**2 * 3
    return _Fit(best=best, errors=errors, blur=blur, total=total, drawn=drawn, left=left)


def _read(x: Floats) -> Iterator[Reading]:
    """Read a few pictures at once; a choice is background * 2 + layout."""
    fits = [_fit(x, templates) for templates in _templates()]
    total = np.concatenate([fit.total for fit in fits], axis=1)
    drawn = np.concatenate([fit.drawn for fit in fits], axis=1)
    chosen, rows = total.argmin(axis=1), np.arange(len(x))
    apart = np.maximum(((drawn - drawn[rows, chosen][:, None]) ** 2).sum(axis=(2, 3, 4)), 1e-6)
    ratio = (total - total[rows, chosen][:, None]) / apart
    every = np.arange(total.shape[1])
    ground = np.where(every // 2 != chosen[:, None] // 2, ratio, np.inf).min(axis=1)
    layout = np.where(every % 2 != chosen[:, None] % 2, ratio, np.inf).min(axis=1)
    for i, choice in enumerate(chosen.tolist()):
        fit = fits[choice // 2]
        places = [len(CORNERS)] if choice % 2 else list(range(len(CORNERS)))
        margins = _templates()[choice // 2].margins(fit.errors[i, places], fit.blur[i, places], fit.best[i, places])
        yield _put(choice, fit.best[i, places], margins, float(ground[i]), float(layout[i]), fit.left[i, choice % 2])


def _put(choice: int, best: Ints, margins: Floats, ground: float, layout: float, left: Floats) -> Reading:
    """Put one explanation into words; the last column of margins is that of presence."""
    names = list(PLACES)[-1:] if choice % 2 else list(CORNERS)
    objects = []
    for k, number in enumerate(best.tolist()):
        if number == EMPTY:
            continue
        poor = (left.max() if choice % 2 else left[k]) > MAX_RESIDUAL
        columns = ("colour", "shape", "size", "texture", "place")
        words = dict(zip(columns, (*describe_tile(number), names[k]), strict=True))
        sure = dict(zip(columns, margins[k].tolist(), strict=True))
        sure["place"] = min(sure["place"], layout)
        fields = {f: UNREADABLE if poor or sure[f] < MIN_MARGIN else words[f] for f in FIELDS}
        objects.append(ReadObject(**fields, margins={f: sure[f] for f in FIELDS}))
    clear = ground >= MIN_MARGIN and left.min() <= MAX_RESIDUAL
    return Reading(
        background=tuple(BACKGROUNDS)[choice // 2] if clear else UNREADABLE,
        objects=tuple(objects),
        margins={"background": ground, "count": min(layout, float(margins[:, -1].min()))},
        residual=float(left.max()),
    )


def read_all(pictures: NDArray[np.generic]) -> list[Reading]:
    """Read many pictures.

    Args:
        pictures: uint8, or float from 0 to 1, of shape (n, 32, 32, 3).

    Returns:
        One reading a picture.

    Raises:
        InputError: The pictures have another shape or type, or values that are not finite.
    """
    x = as_unit_range(pictures, PICTURE)
    return [reading for start in range(0, len(x), 64) for reading in _read(x[start : start + 64])]


def read(picture: NDArray[np.generic]) -> Reading:
    """Read one picture of shape (32, 32, 3); see read_all.

    >>> from limn.data.shapes import prompts, render
    >>> wanted = prompts("two", 1, seed=0)[0].scene
    >>> read(render(wanted)).scene == wanted
    True
    """
    return read_all(np.asarray(picture)[None])[0]


def matches(reading: Reading, asked: Asked | Scene) -> dict[str, bool]:
    """Say which attributes of a picture are as asked for.

    Objects that were read are paired with objects asked for so that most fields agree. What the prompt does not name
    counts as right; what cannot be read counts as wrong, and so does an object that is missing.

    Args:
        reading: What the picture shows.
        asked: What the prompt asks for.

    Returns:
        One entry for "count", "background" and each of FIELDS, and "all" for all of them together.
    """
    if isinstance(asked, Scene):
        wants: tuple[Mapping[str, str], ...] = tuple({f: getattr(o, f) for f in FIELDS} for o in asked.objects)
    else:
        wants = asked.objects
    slots: list[ReadObject | None] = [*reading.objects, *[None] * (len(wants) - len(reading.objects))]
    orders = [list(zip(wants, order, strict=True)) for order in permutations(slots, len(wants))]
    checks = [{f: [f not in w or getattr(s, f, None) == w[f] for w, s in pairs] for f in FIELDS} for pairs in orders]
    closest = max(checks, key=lambda fields: sum(map(sum, fields.values())))
    right = {field: all(values) for field, values in closest.items()}
    right["count"] = reading.countable and len(reading.objects) == len(wants)
    right["background"] = asked.background in (None, reading.background)
    return {**right, "all": all(right.values())}
