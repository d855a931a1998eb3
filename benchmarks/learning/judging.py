"""Is it the concept, and what was asked besides? By a judge, by colours, by real pictures of styles, by counts."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.drawing import Pixels
from benchmarks.kit.judging import vectors
from limn.data.colours import colours_of
from limn.data.picture_set import PictureSet
from limn.models.judges import Judge

OTHERS = 92
INK = 240  # what is lighter in all colours is ground
LEAST = 0.04  # share of a picture that a thing has at least


class Panel:
    """A judge before pictures of some concepts, and of other things.

    Args:
        judge: Who judges.
        source: Where the other things are from.
        concepts: Real pictures of each concept by style.
    """

    def __init__(self, judge: Judge, source: PictureSet, concepts: Mapping[str, Mapping[str, Pixels]]) -> None:
        self.judge, self.concepts = judge, concepts
        self.real = {name: vectors(judge, np.stack(list(styles.values()))) for name, styles in concepts.items()}
        labels = np.array(source.columns["label"])
        chosen = np.random.default_rng(0).permutation(np.unique(labels))[:OTHERS]
        self.others = vectors(judge, source.take(np.flatnonzero(np.isin(labels, chosen)).tolist()).on())

    def likeness(self, pictures: Pixels, name: str) -> NDArray[np.float64]:
        """Return the cosine of each picture and the nearest real one of the concept."""
        return np.asarray((vectors(self.judge, pictures) @ self.real[name].T).max(1))

    def hits(self, pictures: Pixels, name: str) -> NDArray[np.bool_]:
        """Say of each picture whether it is nearest to the concept, of a hundred things, by any real picture."""
        own = vectors(self.judge, pictures)
        wrong = np.concatenate([self.others, *(real for other, real in self.real.items() if other != name)])
        return np.asarray((own @ self.real[name].T).max(1) > (own @ wrong.T).max(1))

    def styled(self, pictures: Pixels, name: str, style: str) -> NDArray[np.bool_]:
        """Say of each picture whether, of the concept's real pictures, that of a style is nearest, by pixels."""
        styles = self.concepts[name]
        apart = [np.square(pictures.astype(float) - real).mean((1, 2, 3)) for real in styles.values()]
        return np.asarray(np.argmin(apart, 0) == list(styles).index(style))


def coloured(pictures: Pixels, colour: str) -> NDArray[np.bool_]:
    """Say of each picture whether a colour is among its main ones."""
    ink = (pictures < INK).any(3)
    layers = np.concatenate([pictures, 255 * ink[..., None].astype(np.uint8)], 3)
    return np.array([any(colour in name for name in colours_of(layer)) for layer in layers])


def things(pictures: Pixels) -> NDArray[np.int64]:
    """Return how many separate things each picture shows."""
    from scipy.ndimage import label

    counts = []
    for picture in (pictures < INK).any(3):
        parts, _ = label(picture, np.ones((3, 3)))
        counts.append(int((np.bincount(parts.ravel())[1:] >= LEAST * picture.size).sum()))
    return np.array(counts)
