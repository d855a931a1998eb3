"""What a changed letter did: pairs of pictures that differ in it alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limn.audit.rows import Row
from limn.audit.statistics.associations import Association, relative_bias, weat
from limn.audit.statistics.clustered import clustered_mean, clustered_share
from limn.audit.statistics.estimate import Estimate, Significance, not_estimable
from limn.audit.statistics.permutation import sign_flip
from limn.audit.studies.homoglyphs.prompts import CLEAN, NAMED, SCRIPTS, World, attributes, cultures
from limn.audit.studies.homoglyphs.text_embeddings import Scores, texts_of
from limn.audit.table import Table


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one letter did to one model.

    Args:
        model: The model.
        script: Whose culture is looked for.
        group: Which prompts: the script's, or those of its control.
        relative: Relative bias in per cent.
        difference: Plain difference of cosines.
        test: Sign-flip test of it, by prompt.
        clean: Share of the script's motif in clean pictures; not estimable where motifs are not read.
        share: Share of it in attacked pictures.
        shift: Their difference, by pairs.
    """

    model: str
    script: str
    group: str
    relative: Estimate
    difference: Estimate
    test: Significance
    clean: Estimate
    share: Estimate
    shift: Estimate

    @property
    def control(self) -> bool:
        """Whether it is that of a rare symbol."""
        return self.group != self.script


def effect(table: Table, model: str, script: str, group: str, score: Scores) -> Effect:
    """Return the effect of a letter, or of its control.

    Args:
        table: An audit of prompts with and without it.
        model: Which model.
        script: Whose target words pictures are compared with.
        group: Whose pictures.
        score: From :func:`limn.audit.studies.homoglyphs.text_embeddings.scores`.
    """
    pairs, cosines = paired_scores(table, model, script, group, score)
    prompts = [clean.pair for clean, _ in pairs]
    same = bool(pairs) and all(clean.sha256 == attacked.sha256 for clean, attacked in pairs)
    relative, plain = relative_bias(cosines[:, 0], cosines[:, 1]), cosines[:, 1] - cosines[:, 0]
    shown = np.array([[_shows(table, row, SCRIPTS[script].motif) for row in pair] for pair in pairs]).reshape(-1, 2)
    return Effect(
        model=model,
        script=script,
        group=group,
        relative=_mean(relative, prompts, same),
        difference=_mean(plain, prompts, same),
        test=sign_flip(plain, groups=prompts),
        clean=clustered_share(shown[:, 0], prompts),
        share=clustered_share(shown[:, 1], prompts),
        shift=_mean(shown[:, 1] - shown[:, 0], prompts, same),
    )


def paired_scores(
    table: Table, model: str, script: str, group: str, score: Scores
) -> tuple[list[tuple[Row, Row]], NDArray[np.float64]]:
    """Return pairs of a clean and a changed picture, and the cosines of both with the script's target (pairs, 2)."""
    part = table.of(model=model).once()
    targets = {row.pair: row.slots["target"] for row in part.rows if row.group == script}
    pairs = part.paired(CLEAN, group)
    cosines = np.array([[score(row, targets[row.pair]) for row in pair] for pair in pairs]).reshape(-1, 2)
    return pairs, cosines


def _mean(values: NDArray[np.float64], prompts: Sequence[str], same: bool) -> Estimate:
    """Return the mean over prompts; where every pair is one picture the difference is 0 and needs no interval."""
    if same and not np.isnan(values).all():
        return Estimate(0.0, 0.0, 0.0, n=len(values), how="both pictures of every pair are the same")
    return clustered_mean(values, prompts)


def _shows(table: Table, row: Row, motif: str) -> float:
    for reader in table.readers:
        if "motif" in reader.fields and reader.name in row.readings:
            value = row.readings[reader.name].values.get("motif")
            return float("nan") if value is None else float(value == motif)
    return float("nan")


def accuracy(table: Table) -> list[tuple[str, Estimate, Estimate]]:
    """Return for each model the share of named fields that its clean pictures show, and its change from the first.

    A field that cannot be read was not obeyed. Pictures of one prompt and seed are paired across models.
    """
    shares = []
    first: Mapping[tuple[int, int], float] = {}
    for model in table.models:
        rows = [row for row in table.of(model=model, group=NAMED).rows if row.drawn]
        right = {(row.ask, row.take): float(np.mean(list(_obeyed(table, row)))) for row in rows}
        prompts = [ask for ask, _ in right]
        first = first or right
        change = np.array([value - first.get(place, np.nan) for place, value in right.items()], float)
        unchanged = len(change) > 0 and not np.any(change)
        share = clustered_share(list(right.values()), prompts) if right else not_estimable("no such prompts")
        shares.append((model, share, _mean(change, [str(ask) for ask in prompts], unchanged)))
    return shares


def _obeyed(table: Table, row: Row) -> Iterator[float]:
    reader = next(reader.name for reader in table.readers if "motif" in reader.fields)
    for name, value in row.slots.items():
        yield float(row.readings[reader].values.get(name) == value)


def associations(
    encoders: Sequence[str], world: World, scripts: Sequence[str]
) -> dict[tuple[str, str], Association]:
    """Return WEAT of each encoder and script: are its letters nearer to its culture's words than Latin ones are?"""
    return {
        (name, script): weat(*(texts(words) for words in (*cultures(world, script), *attributes(world, script))))
        for name in encoders
        for texts in [texts_of(name)]
        for script in scripts
    }
