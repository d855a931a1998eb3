"""Structured guidance on a model that binds weakly: are attributes swapped less often? By a sign-flip test."""

from typing import Any

import numpy as np

from benchmarks.kit.intervals import paired, share
from benchmarks.steering.common import CFG, SEEDS, WEAK, asked_for, drawn, each_seed, texts
from limn.audit.statistics.permutation import sign_flip
from limn.data.shapes import read_all

KINDS = ("right", "swapped", "missing", "other")


def structured(count: int) -> dict[str, Any]:
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
