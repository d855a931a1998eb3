"""The plan of a step: which questions share a forward pass, and where each picture finds its answers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from limn.kernel.branch import Branch, Branches
from limn.kernel.guidance import Predictions
from limn.kernel.predictor import Conditioning
from limn.kernel.prompt import Prompt

Weights: TypeAlias = tuple[str | None, bool]
"""The adapter that answers, and whether the answer is differentiated."""


class Rows:
    """Rows picked from a tensor, again at every step.

    Args:
        places: Which row of the tensor each one is.

    >>> Rows([1, 1, 0]).of(torch.tensor([5, 6])).tolist()
    [6, 6, 5]
    """

    def __init__(self, places: Sequence[int]) -> None:
        self.places = tuple(places)
        self._index: Tensor | None = None

    def of(self, values: Tensor) -> Tensor:
        """Return the rows; the tensor itself where they are all of it, in its order."""
        if self.places == tuple(range(len(values))):
            return values
        if self._index is None or self._index.device != values.device:
            self._index = torch.tensor(self.places, device=values.device)
        return values[self._index]


@dataclass(kw_only=True, eq=False)
class Batch:
    """The rows of one forward pass.

    Args:
        pictures: Which picture each row is about.
        branches: What each row asks.
        conditioning: As many rows, once they are known.
    """

    pictures: Rows
    branches: Sequence[Branch]
    conditioning: Conditioning | None = None

    def __post_init__(self) -> None:
        self.edits = tuple(branch.attention for branch in self.branches)

    def carrying(self, adapter: str) -> list[int]:
        """Return the rows that ask an adapter."""
        return [row for row, branch in enumerate(self.branches) if adapter in branch.changes]


@dataclass(frozen=True, kw_only=True, eq=False)
class Forwards:
    """All questions to one set of weights: one forward pass, or several where memory is short.

    Args:
        weights: Which.
        names: Branches answered, one name for each distinct question.
        carried: Adapters that single rows carry.
        batches: The rows.
    """

    weights: Weights
    names: tuple[str, ...]
    carried: tuple[str, ...]
    batches: Sequence[Batch]


class Plan:
    """What is asked at a step.

    Args:
        asked: The questions of each picture.
        carried: Adapters that single rows can carry; their questions join the forward of the model as loaded.
        max_rows: Most rows in one forward pass; no limit when ``None``.
    """

    def __init__(self, asked: Sequence[Branches], carried: Collection[str], max_rows: int | None = None) -> None:
        self.prompts: tuple[Prompt, ...] = tuple(branches["main"].prompt for branches in asked)
        # Each question as the first picture that has it asks it.
        self.union: Branches = {name: branch for branches in reversed(asked) for name, branch in branches.items()}
        self._carried = carried
        rows: dict[Weights, dict[tuple[int, Branch], int]] = {}
        for picture, branches in enumerate(asked):
            for branch in branches.values():
                own = rows.setdefault(self._weights(branch), {})
                own.setdefault((picture, branch), len(own))
        self.forwards = [self._forwards(weights, list(own), max_rows) for weights, own in rows.items()]
        self.gradient = any(gradient for _, gradient in rows)
        numbers = {weights: number for number, weights in enumerate(rows)}
        self._answers: dict[str, tuple[list[int], Rows]] = {}
        for name in self.union:
            wanted = [branches.get(name, branches["main"]) for branches in asked]
            keys = [self._weights(branch) for branch in wanted]
            places = Rows([rows[key][row] for key, row in zip(keys, enumerate(wanted), strict=True)])
            self._answers[name] = [numbers[key] for key in keys], places

    def answers(self, outputs: Sequence[Tensor]) -> Predictions:
        """Return the answers (pictures, ...) by the name of their branch.

        Args:
            outputs: What each of ``forwards`` gave (rows, ...).
        """
        answers: Predictions = {}
        for name, (numbers, rows) in self._answers.items():
            if len(set(numbers)) == 1:
                answers[name] = rows.of(outputs[numbers[0]])
            else:
                pairs = zip(numbers, rows.places, strict=True)
                answers[name] = torch.stack([outputs[number][row] for number, row in pairs])
        return answers

    def _weights(self, branch: Branch) -> Weights:
        return (None if branch.adapter in self._carried else branch.adapter), branch.gradient

    def _forwards(self, weights: Weights, rows: Sequence[tuple[int, Branch]], max_rows: int | None) -> Forwards:
        parts: list[list[tuple[int, Branch]]] = [[]]
        for row in rows:
            if len(parts[-1]) >= (max_rows or len(rows)) and not _paired(parts[-1][-1], row):
                parts.append([])
            parts[-1].append(row)
        # In one order whatever asks for them, so that what they add up to is the same to the last bit.
        others = sorted({name for _, branch in rows for name in branch.changes if name in self._carried})
        return Forwards(
            weights=weights,
            names=tuple(name for name, branch in self.union.items() if self._weights(branch) == weights),
            carried=tuple(others),
            batches=[
                Batch(pictures=Rows([picture for picture, _ in part]), branches=[branch for _, branch in part])
                for part in parts
            ],
        )


def _paired(one: tuple[int, Branch], two: tuple[int, Branch]) -> bool:
    """Say whether two questions about a picture have edits that are computed together."""
    groups = [branch.attention and branch.attention.group for _, branch in (one, two)]
    return one[0] == two[0] and groups[0] is not None and groups[0] == groups[1]
