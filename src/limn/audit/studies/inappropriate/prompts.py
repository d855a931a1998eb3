"""Lists of prompts in the form of I2P (inappropriate image prompts), and the scores that were released with them.

limn brings no such list; name a file of your own. Columns of I2P (Schramowski et al. 2023): prompt, categories,
hard, inappropriate_percentage, nudity_percentage, q16_percentage, sd_safety_percentage, prompt_toxicity, sd_seed,
sd_guidance_scale, sd_image_width, sd_image_height; ``scores_only.csv`` has no prompts, and some copies call the
seed evaluation_seed.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from limn.audit.probe import Ask
from limn.io.files import open_text
from limn.kernel.errors import DataError, InputError

COLUMNS = (
    "prompt", "categories", "hard", "inappropriate_percentage", "nudity_percentage", "q16_percentage",
    "sd_safety_percentage", "prompt_toxicity", "lexica_url", "sd_seed", "evaluation_seed", "seed",
    "sd_guidance_scale", "sd_image_width", "sd_image_height", "sd_model", "case_number", "",
)  # fmt: skip
"""Columns of I2P and of copies of it that are known; others are told of."""

CATEGORIES = "categories"
"""The slot that lists a prompt's categories, separated by commas."""

THINGS = ("triangle", "circle", "star", "ring")
"""What harmless prompts are about; of the first, purple crosses are to be expected."""

LOOKS = ("small", "large", "large striped", "large dotted")
SEEDS = ("sd_seed", "evaluation_seed", "seed")
MOST = 1 << 20  # characters of one cell
SHOWN = 8  # lines that are named of those left out

_MINORS = re.compile(
    r"\b(child(ren|hood|like|ish)?|kids?|kiddo|bab(y|ies)|toddlers?|infants?|newborns?|boys?|girls?|girly|teen\w*|"
    r"adolescen\w*|minors?|juveniles?|under-?age\w*|school\w*|pre-?teen\w*|pubescen\w*|youth\w*|young\w*|loli\w*|"
    r"shota\w*|daughters?|sons?|pupils?|students?|cheerleaders?|\d{1,2}[ -]*(y/?o|years?[ -]*old|year[ -]old)s?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One line of a list.

    Args:
        line: Where it ends in the file, counted from 1.
        prompt: The words; empty in a file of scores only.
        categories: What it was listed for; a prompt may have several.
        seed: Seed of its first picture, or None.
        hard: Whether at least half of its released pictures were inappropriate; None where the file does not say.
        scores: Shares from 0 to 1 by name, for example ``"inappropriate"``, of released pictures.
    """

    line: int
    prompt: str
    categories: tuple[str, ...]
    seed: int | None = None
    hard: bool | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


def mentions_minor(prompt: str) -> bool:
    """Say whether a prompt may be about somebody who is not grown up; such prompts are never drawn.

    It errs to the side of leaving out: "young" and "students" count too.

    >>> mentions_minor("two girls at school"), mentions_minor("a red triangle")
    (True, False)
    """
    return _MINORS.search(prompt) is not None


def read_list(path: Path) -> tuple[Listed, ...]:
    """Read a CSV file of prompts or scores; every line is an entry, also where two have the same words.

    Args:
        path: The file, UTF-8.

    Raises:
        InputError: If there is no such file.
        DataError: If it has no column ``categories``, or a line cannot be read.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; name a CSV file with the columns prompt and categories")
    before = csv.field_size_limit(MOST)  # one number for the whole process
    try:
        with open_text(path, error=InputError) as opened:
            lines = csv.DictReader(opened)
            if "categories" not in (lines.fieldnames or ()):
                raise DataError(
                    f"{path}: has no column categories; its columns are {', '.join(lines.fieldnames or ())}"
                )
            return tuple(_listed(path, lines.line_num, line) for line in lines)
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is no CSV file in UTF-8 ({error})") from None
    finally:
        csv.field_size_limit(before)


def asks_of(listed: Sequence[Listed], most: int = 0) -> tuple[Ask, ...]:
    """Return what is drawn of a list, with the list's seeds; prompts that may be about minors are left out.

    Args:
        listed: The list.
        most: How many at most, spread evenly over the list; all if 0.
    """
    kept = [line for line in listed if not _why_not(line)]
    count = min(most, len(kept)) if most else len(kept)
    return tuple(
        Ask(
            prompt=line.prompt,
            slots={CATEGORIES: ", ".join(line.categories)},
            group=line.categories[0],
            seed=line.seed,
        )
        for line in (kept[place * len(kept) // count] for place in range(count))
    )


def _why_not(line: Listed) -> str:
    """Return why a line is not drawn."""
    if not line.prompt:
        return "have no prompt"
    if not line.categories:
        return "have no category"
    return "may be about minors" if mentions_minor(line.prompt) else ""


def left_out(path: Path, score: str = "") -> str:
    """Say which lines of a list count for nothing, and why; empty where all count.

    Args:
        path: The list.
        score: Count lines without this released score, in place of those that are not drawn.
    """
    listed, reasons = read_list(path), dict[str, list[int]]()
    for line in listed:
        why = _why_not(line) if not score else "" if score in line.scores else f"have no {score}_percentage"
        if why:
            reasons.setdefault(why, []).append(line.line)
    many = sum(map(len, reasons.values()))
    named = (f"{len(lines):,} {why} ({_some(lines)})" for why, lines in reasons.items())
    unknown = [name for name in _columns(path) if name not in COLUMNS and not name.endswith("_percentage")]
    facts = [f"{many:,} of {len(listed):,} lines of {path} are left out: {'; '.join(named)}."] if many else []
    facts += [f"Nothing uses its columns {', '.join(unknown)}."] if unknown else []
    return " ".join(facts)


def _columns(path: Path) -> list[str]:
    with open_text(path, error=InputError) as opened:
        return [name.strip() for name in next(csv.reader(opened), [])]


def _some(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:SHOWN]))
    more = f" and {len(lines) - SHOWN:,} more" if len(lines) > SHOWN else ""
    return f"{'lines' if len(lines) > 1 else 'line'} {shown}{more}"


def harmless(most: int = 0) -> tuple[Ask, ...]:
    """Return prompts about one thing in all colours and looks; of three things nothing is to be expected."""
    from limn.data.shapes import COLOURS

    prompts = [(f"a {look} {colour} {thing}", thing) for look, colour, thing in product(LOOKS, COLOURS, THINGS)]
    return tuple(
        Ask(prompt=words, slots={CATEGORIES: thing, thing: "yes"}, group=thing)
        for words, thing in prompts[: most or None]
    )


def _listed(path: Path, number: int, line: Mapping[str, str | None]) -> Listed:
    try:
        seed = next((line[name] for name in SEEDS if line.get(name)), None)
        hard = (line.get("hard") or "").strip().lower()
        return Listed(
            line=number,
            prompt=(line.get("prompt") or "").strip(),
            categories=tuple(name.strip() for name in (line["categories"] or "").split(",") if name.strip()),
            seed=None if seed is None else _seed(seed),
            hard=None if not hard else hard in ("1", "1.0", "true"),
            scores={
                name.removesuffix("_percentage"): _share(value)
                for name, value in line.items()
                if name and name.endswith("_percentage") and value
            },
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{path}: line {number} cannot be read ({error})") from None


def _seed(text: str) -> int:
    """Return a seed; some copies write it as a float, which is exact for small ones only."""
    seed = int(text) if text.strip().isdecimal() else float(text)
    if seed < 0 or seed != int(seed) or (isinstance(seed, float) and seed > 2**53):
        raise ValueError(f"{text} is no seed")
    return int(seed)


def _share(text: str) -> float:
    share = float(text) / 100
    if not (math.isfinite(share) and 0 <= share <= 1):
        raise ValueError(f"{text} is no percentage")
    return share
