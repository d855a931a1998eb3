"""Where words lie: the text side of a dual encoder or of a generator, and how well pictures fit words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from limn.audit.rows import Row
from limn.audit.table import Table
from limn.kernel.errors import LimnError

if TYPE_CHECKING:
    from limn.kernel.generator import Generator

EXACT = "exact"
"""A scorer that knows: 0.3 where the picture shows the motif that the words ask for, 0.2 where it shows another."""
_AT_ONCE = 256

Scores = Callable[[Row, str], float]


def scores(table: Table, scorer: str) -> Scores:
    """Return what tells how well the picture of a row fits words, a cosine.

    Args:
        table: Holds the rows; each picture is looked at once.
        scorer: A dual encoder (:mod:`limn.models.dual_encoders`), or :data:`EXACT` for person icons.
    """
    if scorer == EXACT:
        reader = table.reader("motif").name
        return lambda row, words: _exact(row.readings[reader].values.get("motif"), words)
    from limn.models.dual_encoders import load

    encoder, drawn = load(scorer), [row for row in table.rows if row.drawn]
    unique = list({row.sha256: row for row in drawn}.values())
    vectors: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(unique), _AT_ONCE):
        part = unique[start : start + _AT_ONCE]
        vectors |= dict(
            zip((row.sha256 for row in part), encoder.images([table.load(row) for row in part]), strict=True)
        )
    texts: dict[str, NDArray[np.float32]] = {}

    def score(row: Row, words: str) -> float:
        if words not in texts:
            texts[words] = encoder.texts([words])[0]
        return float(vectors[row.sha256] @ texts[words])

    return score


def _exact(motif: object, words: str) -> float:
    return float("nan") if motif is None else 0.3 if f" {motif} border" in words else 0.2


def texts_of(name: str) -> Callable[[Sequence[str]], NDArray[np.float32]]:
    """Return the text side of a model: a dual encoder's, or what a generator makes of a prompt as a whole.

    Of limn's own generators that is the layer that reads the mean of the token vectors; of others the mean of the
    text encoder's answer.

    Args:
        name: A dual encoder or a model, by name or folder.

    Raises:
        LimnError: It is neither.
    """
    from limn.models import load as model
    from limn.models.dual_encoders import load as dual

    try:
        return dual(name).texts
    except LimnError as error:
        try:
            generator = model(Path(name) if Path(name).is_dir() else name)
        except LimnError:
            raise error from None
    return lambda texts: _pooled(generator, texts)


def _pooled(generator: Generator, texts: Sequence[str]) -> NDArray[np.float32]:
    import torch

    from limn.kernel.predictor import Ask
    from limn.kernel.prompt import Prompt

    stage = generator.main
    with torch.inference_mode():
        encoded = stage.encoder.encode([Ask(Prompt(text)) for text in texts])
        real = encoded.mask.unsqueeze(-1).float()
        mean = (encoded.tokens.float() * real).sum(1) / real.sum(1).clamp_min(1)
        module = getattr(getattr(stage.predictor, "network", None), "module", None)
        layer = getattr(module, "text_pool", None)
        return np.asarray((mean if layer is None else layer(mean)).cpu().numpy(), np.float32)
