"""Label noise: how many pictures of a class show something else, behind the judge's errors and by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.group_shares import group_share
from limn.audit.readers.reader import Value
from limn.audit.rows import ReaderFacts, Row
from limn.audit.statistics.estimate import Share, from_draws
from limn.audit.statistics.measurement_error import behind, rates_of
from limn.audit.statistics.shares import share
from limn.audit.table import Account, Table

DRAWS = 2000
RIGHT, WRONG, UNSURE = "right", "wrong", "unsure"
"""What a person says of a picture."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Label noise of one class, or of all together.

    Args:
        name: Of the class; empty for all.
        account: Pictures asked for, drawn and readable by the judge.
        read: Share of readable pictures that the judge reads as another class.
        behind: The same behind the judge's errors; not estimable where nobody counted them.
        checked: Share of pictures that people called wrong, those of all classes weighing as they are.
        best: What is believed: that with people's answers where there are some, else that behind the errors, else
            as read.
        kept: Noise of the pictures that the judge reads as asked, which filtering by it would leave.
    """

    name: str
    account: Account
    read: Share
    behind: Share
    checked: Share
    best: Share
    kept: Share


def label_noise(
    table: Table, judge: tuple[ReaderFacts, str, Mapping[str, str]] | None, answers: Mapping[str, str]
) -> list[Noise]:
    """Estimate the label noise of every class, and of all together first.

    Args:
        table: Every picture, its class as group.
        judge: Who read, in which field, and its word for each class; None where nobody did.
        answers: What people say of some pictures that were picked by chance, by key.
    """
    values = _classes(table, judge)
    each = [_of_class(table.of(group=group), group, values, judge, answers) for group in table.groups]
    sizes = [one.account.asked for one in each]
    drawn = [row for row in table.rows if row.drawn]
    behind, kept = (_mean([getattr(one, name) for one in each], sizes) for name in ("behind", "kept"))
    return [_together("", table, drawn, values, (behind, kept), answers), *each]


def _classes(table: Table, judge: tuple[ReaderFacts, str, Mapping[str, str]] | None) -> dict[str, Value]:
    """Return the class that the judge read of each picture, empty for none of the set's; None where unreadable."""
    if judge is None:
        return {}
    facts, field, words = judge
    labels = {word: label for label, word in words.items()}
    read = zip(table.rows, table.values(field, by=facts.name), strict=True)
    return {row.key: None if value is None else labels.get(str(value), "") for row, value in read}


def _of_class(
    part: Table,
    group: str,
    values: Mapping[str, Value],
    judge: tuple[ReaderFacts, str, Mapping[str, str]] | None,
    answers: Mapping[str, str],
) -> Noise:
    drawn = [row for row in part.rows if row.drawn]
    corrected = kept = Share.none("nobody read the pictures")
    if judge is not None:
        facts, field, words = judge
        corrected, kept = _behind(part, field, words[group], facts), _kept(part, field, words[group], facts)
    return _together(group, part, drawn, values, (corrected, kept), answers)


def _together(
    name: str,
    part: Table,
    drawn: Sequence[Row],
    values: Mapping[str, Value],
    counted: tuple[Share, Share],
    answers: Mapping[str, str],
) -> Noise:
    """Put the estimates of some pictures together."""
    readable = [row for row in drawn if values.get(row.key) is not None]
    read = share(sum(values[row.key] != row.group for row in readable), len(readable))
    checked = hand_share(drawn, values, answers)
    best = next((one for one in (checked, counted[0]) if one.estimable), read)
    account = Account(asked=len(part.rows), drawn=len(drawn), readable=len(readable))
    return Noise(
        name=name, account=account, read=read, behind=counted[0], checked=checked, best=best, kept=counted[1]
    )


def _behind(part: Table, field: str, word: str, facts: ReaderFacts) -> Share:
    """Return the noise of one class behind the judge's errors."""
    if field not in facts.confusion:
        return Share.none("nobody counted the judge's errors; give real pictures (--real)")
    found = group_share(part, field, word)
    if found.readings is None:
        return Share.none("the judge's errors do not tell the classes apart", n=found.read.n)
    return found.behind.scaled(-1, 1).as_a(Share)


def _kept(part: Table, field: str, word: str, facts: ReaderFacts) -> Share:
    """Return the noise among the pictures that the judge reads as asked, by Bayes' rule with its rates."""
    if field not in facts.confusion:
        return Share.none("nobody counted the judge's errors; give real pictures (--real)")
    matrix = facts.confusion[field]
    known = np.flatnonzero(matrix.counts[:, :-1].sum(1)).tolist()
    if matrix.values.index(word) not in known:
        return Share.none("no real picture of this class was read")
    counts = Counter(part.values(field, by=facts.name))
    read = [counts[value] for value in (*matrix.values, None)]
    column = matrix.values.index(word)
    return kept_noise(read, matrix.counts[known], known.index(column), column)


def kept_noise(counts: ArrayLike, confusion: ArrayLike, of: int, column: int, seed: int = 0) -> Share:
    """Return the share of another class among the pictures that are read as one.

    ``P(truth is not c | read as c) = 1 - p_c M_cc / sum_k p_k M_kc``, with the shares p behind the readings and the
    rates M; the interval draws both from their posteriors.

    Args:
        counts: Pictures by reading (M,), the last for unreadable.
        confusion: Labelled pictures by truth and reading (K, M).
        of: The class, among the truths.
        column: The same, among the readings.
        seed: Of the draws.
    """
    read, table = np.asarray(counts, float), np.asarray(confusion, float)
    n = int(read[column])
    if not n:
        return Share.none("no picture is read so", n=0)
    every = list(range(len(table)))
    none = np.zeros(len(table))

    def noise(readings: ArrayLike, rates: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        shares = behind(readings, none, rates, every)
        as_one = float(shares @ rates[:, column])
        return 1 - float(shares[of] * rates[of, column]) / as_one if as_one > 0 else float("nan")

    rng = np.random.default_rng(seed)
    again = [
        noise(
            rng.dirichlet(read + 1 / len(read)) * read.sum(),
            np.stack([rng.dirichlet(row + 1 / len(row)) for row in table]),
        )
        for _ in range(300)
    ]
    best = from_draws(noise(read, rates_of(table)), again, level=0.95, n=n, how="Bayes with the judge's rates")
    return best.as_a(Share)


def hand_share(rows: Sequence[Row], values: Mapping[str, Value], answers: Mapping[str, str], seed: int = 0) -> Share:
    """Return the share of pictures that people call wrong, with what the judge read of all (double sampling).

    Pictures are parted by class and by what the judge said of them: as asked, another class, unreadable. The share
    is the sum over parts of a part's share among all pictures, times the share called wrong among those of the part
    that people saw; no assumption on the judge is needed (Tenenbein 1970). The interval draws both from their
    posteriors under Jeffreys' prior.

    Args:
        rows: Pictures that were drawn.
        values: The class that the judge read, by key.
        answers: What people say, by key; "unsure" counts as not seen.
        seed: Of the draws.
    """
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(f"{row.group}/{_part(values, row)}", []).append(row)
    seen = [row for row in rows if answers.get(row.key) in (RIGHT, WRONG)]
    if not seen:
        return Share.none("nobody looked at its pictures", n=0)
    rng = np.random.default_rng(seed)
    sizes, wrong, many = [], [], []
    for own in parts.values():
        said = [answers[row.key] for row in own if answers.get(row.key) in (RIGHT, WRONG)]
        sizes.append(len(own))
        wrong.append(said.count(WRONG))
        many.append(len(said))
    k, m, size = np.array(wrong, float), np.array(many, float), np.array(sizes, float)
    rates = np.where(m > 0, k / np.maximum(m, 1), k.sum() / m.sum())
    weights = size / size.sum()
    unseen = weights[None] * rng.beta(k + 0.5, m - k + 0.5, (DRAWS, len(k)))
    how = f"double sampling, {len(seen)} pictures by hand"
    drawn = from_draws(float(weights @ rates), unseen.sum(1), level=0.95, n=len(rows), how=how)
    low, high = min(drawn.low or 0.0, drawn.value or 0.0), max(drawn.high or 0.0, drawn.value or 0.0)
    return Share(drawn.value, low, high, 0.95, drawn.n, how)


def _part(values: Mapping[str, Value], row: Row) -> str:
    value = values.get(row.key)
    return "unread" if value is None else "asked" if value == row.group else "other"


def _mean(shares: Sequence[Share], sizes: Sequence[int]) -> Share:
    """Return the mean of independent shares, weighing by their pictures, as if independent."""
    if len(shares) == 1:
        return shares[0]
    lacking = next((one for one in shares if not one.estimable), None)
    if lacking is not None:
        return Share.none(lacking.why, n=sum(one.n for one in shares))
    weights = np.array(sizes, float) / sum(sizes)
    value = float(sum(w * (one.value or 0.0) for w, one in zip(weights, shares, strict=True)))
    down = sum((w * ((one.value or 0.0) - (one.low or 0.0))) ** 2 for w, one in zip(weights, shares, strict=True))
    up = sum((w * ((one.high or 0.0) - (one.value or 0.0))) ** 2 for w, one in zip(weights, shares, strict=True))
    n, how = sum(one.n for one in shares), f"mean of {len(shares)} classes"
    return Share(value, max(0.0, value - down**0.5), min(1.0, value + up**0.5), 0.95, n, how)
