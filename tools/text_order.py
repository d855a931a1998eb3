"""The word-order probe of text_encoder.py: which colour has which shape?"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

__all__ = ["order_scores"]

COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "black", "white"]
SHAPES = ["circle", "square", "triangle", "star", "heart", "ring"]
TEMPLATE = "{} {}, {} {}"


def prompts() -> tuple[list[str], Tensor, Tensor]:
    """Prompts of two coloured shapes; colour of each shape (N, 6), -1 if absent; which are unseen (N,)."""
    texts, answers, unseen = [], [], []
    for one, other in itertools.permutations(range(len(SHAPES)), 2):
        for left, right in itertools.permutations(range(len(COLOURS)), 2):
            answer = [-1] * len(SHAPES)
            answer[one], answer[other] = left, right
            words = (COLOURS[left], SHAPES[one], COLOURS[right], SHAPES[other])
            texts.append(TEMPLATE.format(*words))
            answers.append(answer)
            # By colours and shapes whatever their order, so a prompt and its swap are both seen or both unseen.
            unseen.append((left * right + left + right + one * other + one + other) % 5 == 0)
    return texts, torch.tensor(answers), torch.tensor(unseen)


class MeanProbe(nn.Module):
    """Reads every shape's colour from the mean vector."""

    def __init__(self, width: int) -> None:
        super().__init__()
        out = len(SHAPES) * len(COLOURS)
        self.net = nn.Sequential(
            nn.Linear(width, 256), nn.GELU(), nn.Linear(256, 256), nn.GELU(), nn.Linear(256, out)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        logits: Tensor = self.net(mean).unflatten(1, (len(SHAPES), len(COLOURS)))
        return logits


class SequenceProbe(nn.Module):
    """Reads them with one transformer layer over the tokens and their positions, and one query a shape."""

    def __init__(self, width: int, length: int, inner: int = 64) -> None:
        super().__init__()
        self.inward = nn.Linear(width, inner)
        self.place = nn.Parameter(0.5 * torch.randn(length, inner))
        self.layer = nn.TransformerEncoderLayer(inner, 4, 2 * inner, 0.0, batch_first=True, norm_first=True)
        self.asked = nn.Parameter(0.5 * torch.randn(len(SHAPES), inner))
        self.read = nn.MultiheadAttention(inner, 4, batch_first=True)
        self.outward = nn.Linear(inner, len(COLOURS))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.layer(self.inward(x) + self.place, src_key_padding_mask=~mask)
        asked = self.asked.expand(len(x), -1, -1)
        answer, _ = self.read(asked, x, x, key_padding_mask=~mask, need_weights=False)
        logits: Tensor = self.outward(answer)
        return logits


def score(probe: nn.Module, x: Tensor, mask: Tensor, answers: Tensor, unseen: Tensor, steps: int = 400) -> float:
    """Train on the seen prompts; share of the unseen with both colours right."""
    optimizer = torch.optim.AdamW(probe.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    train = (~unseen).nonzero().flatten()
    for _ in range(steps):
        rows = train[torch.randint(len(train), (128,))]
        logits = probe(x[rows], mask[rows])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), answers[rows].flatten(), ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        guess = probe.eval()(x[unseen], mask[unseen]).argmax(2)
    truth = answers[unseen]
    return float(((guess == truth) | (truth < 0)).all(1).float().mean())


def order_scores(encode: Callable[[Sequence[str]], list[Tensor]], seeds: int = 2) -> dict[str, list[float]]:
    """Share of unseen prompts whose two colours are both read right, for each probe and seed."""
    texts, answers, unseen = prompts()
    states = encode(texts)
    x = nn.utils.rnn.pad_sequence(states, batch_first=True)
    mask = torch.arange(x.shape[1]) < torch.tensor([len(state) for state in states])[:, None]
    x = x / x[mask].square().mean().sqrt()
    scores: dict[str, list[float]] = {"mean": [], "sequence": []}
    for seed in range(seeds):
        torch.manual_seed(seed)
        scores["mean"].append(round(score(MeanProbe(x.shape[2]), x, mask, answers, unseen), 3))
        probe = SequenceProbe(x.shape[2], x.shape[1])
        scores["sequence"].append(round(score(probe, x, mask, answers, unseen), 3))
    return scores
