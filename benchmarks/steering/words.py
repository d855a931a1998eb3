"""Words beyond one sentence: composed prompts, structured guidance, painting with words; by the exact reader.

The shapes model has only seen captions that name all objects, so "a red circle" says that nothing else is there;
``shapes_partial`` has seen captions that leave objects out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.kit.drawing import Pixels, draw
from benchmarks.kit.intervals import paired, share, shares
from benchmarks.kit.sheets import rows
from benchmarks.steering.common import CFG, SEEDS, SHAPES, WEAK, asked_for, drawn, each_seed, objects, texts
from limn.audit.statistics.permutation import sign_flip
from limn.data.shapes import PLACES, Asked, read_all
from limn.kernel.prompt import Prompt, Region

PARTIAL = "shapes_partial"


def composed(count: int) -> dict[str, Any]:
    asked = each_seed("two", count // 2)
    pictures: dict[str, list[Pixels]] = {}
    for place, want in enumerate(asked):
        for name, (model, text, guidance) in ways(want).items():
            pixels = draw(model, [text], guidance=guidance, seed=1000 + place).pixels[0]
            pictures.setdefault(name, []).append(pixels)
    rows("steering/composed", pictures)
    seen = {
        name: np.array([[thing in read for thing in in_order(want)]
                        for read, want in zip(objects(np.stack(pixels)), asked, strict=True)])
        for name, pixels in pictures.items()
    }  # fmt: skip
    both = {name: pairs.all(1) for name, pairs in seen.items()}
    gone = {name: ~pairs[:, 1] for name, pairs in seen.items()}
    return {
        "claim": "AND draws both objects more often than one prompt; NOT removes the second and keeps the first",
        "prompts": len(asked),
        "ways": {
            name: shares(both_objects=both[name], first_is_there=pairs[:, 0], second_is_absent=gone[name])
            for name, pairs in seen.items()
        },
        "captions name all: both, AND less first only": paired(both["AND"], both["first only"]),
        "captions name all: both, AND with places less first only": paired(
            both["AND, with places"], both["first only"]
        ),
        "captions name some: both, AND less first only": paired(both["some: AND"], both["some: first only"]),
        "captions name some: both, AND less both asked": paired(both["some: AND"], both["some: both asked"]),
        "absent, NOT less both asked": paired(gone["both, NOT second"], gone["both asked"]),
    }


def ways(want: Asked) -> Mapping[str, tuple[str, str, list[str]]]:
    """Return model, prompt and guidances of each way to ask for two objects."""
    where = {(thing.colour, thing.shape): thing.place for thing in want.scene.objects}
    one, two = want.text.split(" and ")
    first, second = (f"{text} at the {where[thing]}" for text, thing in zip((one, two), in_order(want), strict=True))
    also, placed = f"composed:prompts={two}", f"composed:prompts={second}"
    return {
        "first only": (SHAPES, one, [CFG]),
        "AND": (SHAPES, one, [CFG, also]),
        "AND, with places": (SHAPES, first, [CFG, placed]),
        "both asked": (SHAPES, want.text, [CFG]),
        "both, NOT second": (SHAPES, want.text, [CFG, f"{also},weights=-1"]),
        "some: first only": (PARTIAL, one, [CFG]),
        "some: AND": (PARTIAL, one, [CFG, also]),
        "some: AND, with places": (PARTIAL, first, [CFG, placed]),
        "some: both asked": (PARTIAL, want.text, [CFG]),
    }


def in_order(want: Asked) -> list[tuple[str, str]]:
    """Return the objects asked for in the order of the prompt."""
    return sorted(asked_for(want), key=lambda thing: want.text.index(" ".join(thing)))


KINDS = ("right", "swapped", "missing", "other")


def structured(count: int) -> dict[str, Any]:
    """On a model that binds weakly: are attributes swapped less often? By a sign-flip test."""
    pool = [want for want in each_seed("two", 2 * count) if differ(want)]
    asked = pool[: count * len(SEEDS)]
    pictures = drawn("structured", WEAK, texts(asked), {"plain": [CFG], "structured": [CFG, "structured"]})
    verdicts = {
        name: np.array([verdict(*pair) for pair in zip(read_all(one.pixels), asked, strict=True)])
        for name, one in pictures.items()
    }
    swaps, good = ({name: row == kind for name, row in verdicts.items()} for kind in ("swapped", "right"))
    p = sign_flip(np.subtract(swaps["plain"], swaps["structured"], dtype=float)).p
    return {
        "claim": "fewer attribute swaps with structured guidance (a small effect is expected)",
        "prompts": len(asked),
        "ways": {
            name: {kind: share(int((row == kind).sum()), len(asked)) for kind in KINDS}
            for name, row in verdicts.items()
        },
        "swaps undone": int((swaps["plain"] & ~swaps["structured"]).sum()),
        "swaps made": int((~swaps["plain"] & swaps["structured"]).sum()),
        "McNemar, exact, p": round(1.0 if p is None else p, 5),
        "swapped, structured less plain": paired(swaps["structured"], swaps["plain"]),
        "right, structured less plain": paired(good["structured"], good["plain"]),
    }


def differ(want: Any) -> bool:
    """Say whether two objects differ in colour and in shape."""
    return all(len(set(values)) == 2 for values in zip(*asked_for(want), strict=True))


def verdict(reading: Any, want: Any) -> str:
    """Say what became of two objects that differ in colour and in shape."""
    read = {(thing.colour, thing.shape) for thing in reading.objects}
    (c1, s1), (c2, s2) = asked_for(want)
    if {(c1, s1), (c2, s2)} <= read:
        return "right"
    if {(c1, s2), (c2, s1)} & read:
        return "swapped"
    return "missing" if len(reading.objects) < 2 else "other"


CORNERS = [place for place in PLACES if place != "centre"]
STRENGTHS = (0.1, 0.2, 0.3, 0.5)


def paint(count: int) -> dict[str, Any]:
    """Objects go where they are painted; what it costs in right pictures."""
    asked, rng = each_seed("two", count), np.random.default_rng(0)
    places = [[CORNERS[k] for k in rng.choice(4, 2, replace=False)] for _ in asked]
    painted = [painting(want, where) for want, where in zip(asked, places, strict=True)]
    ways = {"strength 0": [CFG]}
    ways |= {f"strength {strength:g}": [CFG, f"paint_with_words:strength={strength}"] for strength in STRENGTHS}
    found, follow, whole = {}, {}, {}
    for name, one in drawn("paint", SHAPES, painted, ways).items():
        at = [{(thing.colour, thing.shape): thing.place for thing in read.objects} for read in read_all(one.pixels)]
        rows = list(zip(at, asked, places, strict=True))
        overlap = np.array([[read.get(thing) == place for thing, place in zip(asked_for(want), where, strict=True)]
                            for read, want, where in rows])  # fmt: skip
        whole[name] = np.array([set(asked_for(want)) <= set(read) for read, want, _ in rows])
        follow[name] = overlap.mean(1)
        found[name] = {
            "objects in their region": share(int(overlap.sum()), overlap.size),
            "both objects drawn": share(int(whole[name].sum()), len(asked)),
        }
    best = max(found, key=lambda name: follow[name].mean())
    return {
        "claim": "objects follow painted regions (a region and a cell are quarters, so overlap is 1 or 0)",
        "prompts": len(asked),
        "strengths": found,
        "best": best,
        "in region, best less unpainted": paired(follow[best], follow["strength 0"]),
        "both drawn, best less unpainted": paired(whole[best], whole["strength 0"]),
    }


def painting(want: Asked, places: Sequence[str]) -> Prompt:
    """Give each object of a prompt a quarter of the picture."""
    regions = []
    for (colour, shape), place in zip(asked_for(want), places, strict=True):
        row, column = (value / 32 for value in PLACES[place])
        regions.append(Region(words=f"{colour} {shape}", box=(column, row, column + 0.5, row + 0.5)))
    return Prompt(want.text, regions=tuple(regions))
