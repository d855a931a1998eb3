"""A small residual network, from scratch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from limn.io.pictures import cover
from limn.synth.augment import AUGMENTATIONS
from limn.synth.classifier import Classifier, Learned, Lesson, Pictures

AT_ONCE = 256


@dataclass(frozen=True, kw_only=True)
class Residual(Classifier):
    """Learns a residual network of three stages from nothing (He et al. 2016), by SGD with a cosine of rates.

    Args:
        width: Channels of the first stage; each further one has twice as many.
        blocks: Residual blocks of each stage.
        size: Side in pixels to which pictures are scaled.
        lr: Highest learning rate.
        decay: Weight decay.
    """

    paper: ClassVar[str] = "he2016residual"

    width: int = 16
    blocks: int = 1
    size: int = 32
    lr: float = 0.05
    decay: float = 5e-4

    def learn(self, lesson: Lesson) -> Learned:
        """Learn; see :meth:`Classifier.learn`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(lesson.seed)
            network = Network(self.width, self.blocks, lesson.classes)
        states = states_of(lesson.pictures, self.size)
        shares = F.one_hot(torch.from_numpy(lesson.labels), lesson.classes).float()
        rng, augment = np.random.default_rng([lesson.seed, 11]), AUGMENTATIONS[lesson.augment]
        optimiser = torch.optim.SGD(
            network.parameters(), lr=self.lr, momentum=0.9, nesterov=True, weight_decay=self.decay
        )
        order: list[int] = []
        network.train()
        for step in range(lesson.steps):
            while len(order) < lesson.batch:
                order += rng.permutation(len(states)).tolist()
            rows, order = order[: lesson.batch], order[lesson.batch :]
            for group in optimiser.param_groups:
                group["lr"] = self.lr * 0.5 * (1 + np.cos(np.pi * step / lesson.steps))
            x, y = augment(states[rows], shares[rows], rng)
            optimiser.zero_grad()
            torch.autograd.backward(F.cross_entropy(network(x), y))
            optimiser.step()
        network.eval()

        @torch.inference_mode()
        def predict(pictures: Pictures) -> NDArray[np.int64]:
            parts = torch.split(states_of(pictures, self.size), AT_ONCE)
            return np.concatenate([network(part).argmax(1).numpy() for part in parts])

        return Learned(predict=predict, weights=network.state_dict())


class Network(nn.Module):
    """Three stages of residual blocks, the mean over places, and a linear layer.

    Args:
        width: Channels of the first stage.
        blocks: Blocks of each stage.
        classes: How many answers there are.
    """

    def __init__(self, width: int, blocks: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        sizes = [(width * 2**k, width * 2 ** max(k - (j == 0), 0), 2 if k and not j else 1)
                 for k in range(3) for j in range(blocks)]  # fmt: skip
        self.body = nn.Sequential(*(Block(into, out, stride) for out, into, stride in sizes))
        self.head = nn.Linear(width * 4, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (rows, classes) of pictures (rows, 3, height, width) in [-1, 1]."""
        logits: Tensor = self.head(self.body(self.stem(x)).mean((2, 3)))
        return logits


class Block(nn.Module):
    """Two convolutions beside a shortcut.

    Args:
        into: Channels that come in.
        out: Channels that go out.
        stride: 2 halves the sides.
    """

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(into, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out))
        self.second = nn.Sequential(nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out))
        same = into == out and stride == 1
        self.short = nn.Identity() if same else nn.Conv2d(into, out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both ways."""
        return F.relu(self.second(F.relu(self.first(x))) + self.short(x))


def states_of(pictures: Pictures, size: int) -> Tensor:
    """Return pictures (rows, 3, size, size) in [-1, 1], scaled and cropped to a square."""
    arrays = [np.asarray(cover(Image.fromarray(picture), size)) for picture in pictures]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float() / 127.5 - 1
