"""Low-resource DALL-E 2: what the translation of words into an embedding costs, by translator and by prior."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.conditions.common import JUDGE, ask, png, remembered
from benchmarks.kit.drawing import Pixels, generator_of
from benchmarks.kit.intervals import mean, share
from benchmarks.kit.judging import captions, meanings, places_of, some, vectors
from benchmarks.kit.run import PICTOGRAMS
from limn.audit.statistics.distances import frechet
from limn.data.picture_set import PictureSet, load
from limn.data.split import SPLITS
from limn.encoders.embedding import Embedder
from limn.kernel.prompt import Prompt
from limn.models import SHIPPED
from limn.models.judges import judge
from limn.networks.embedding_map import EmbeddingMap

STEPS = (8, 16, 32)
STRENGTHS = (0.5, 1.5)


def measure(
    *, model: str = "dalle2", count: int = 300, seeds: int = 3, steps: int | None = None, data: Path = PICTOGRAMS
) -> dict[str, Any]:
    """Return Frechet distances by judge_b, cosines and shares found, for each source of the embedding."""
    source, key = load(data, SPLITS), f"{count}-{seeds}-{steps}"
    asked = source.take(some(places_of(source, "pair"), count))
    figures: dict[str, Any] = {"model": model, "judge": JUDGE, "prompts": len(asked), "seeds": seeds}
    for name, embed in sources(model, asked).items():
        figures.setdefault("by source of the embedding", {})[name] = remembered(
            "dalle2",
            f"{name.replace(' ', '_')}-{key}",
            lambda: drawn(model, asked, embed, seeds, steps),  # noqa: B023
        )
    figures["image guidance"] = remembered("dalle2", f"image-{key}", lambda: guided(model, asked, seeds))
    return figures


def sources(model: str, asked: PictureSet) -> dict[str, Callable[[Prompt], torch.Tensor | None]]:
    """Return where embeddings come from: the true picture, either map, or the caption's own vector."""
    own = generator_of(model).main.encoder.readers.embed
    assert isinstance(own, Embedder)
    shown = {text: png(picture) for text, picture in zip(captions(asked), asked.on(), strict=True)}

    def mapped(name: str) -> Embedder:
        folder = SHIPPED / name
        return Embedder(
            own.words, own.towers, EmbeddingMap.load(folder if folder.is_dir() else Path(model).parent / name)
        )

    return {
        "true embeddings": lambda prompt: own.of(shown[prompt.text]) if prompt.text else None,
        "translator": mapped("translator"),
        "prior": mapped("prior"),
        "no translation": lambda prompt: own.towers.read(own.words, [prompt.text])[0] if prompt.text else None,
    }


def drawn(
    model: str, asked: PictureSet, embed: Callable[[Prompt], torch.Tensor | None], seeds: int, steps: int | None
) -> dict[str, Any]:
    """Draw captions by one source of embeddings."""
    from dataclasses import replace

    generator, one = generator_of(model), judge(JUDGE)
    encoder: Any = generator.main.encoder
    before, texts = encoder.readers, captions(asked)
    encoder.readers = replace(before, embed=embed)
    generator._encodings[0].clear()
    try:
        pixels = ask(generator, texts, seeds, steps=steps).pixels
        with torch.no_grad():
            made = torch.stack([embed(Prompt(text)) for text in texts])  # type: ignore[arg-type]
            true = torch.stack([before.embed.of(png(picture)) for picture in asked.on()])
    finally:
        encoder.readers = before
        generator._encodings[0].clear()
    real, told = vectors(one, asked.on()), [text for text in texts for _ in range(seeds)]
    distances = [frechet(vectors(one, pixels[seed::seeds]), real) for seed in range(seeds)]
    own = [meaning for meaning in meanings(asked) for _ in range(seeds)]
    ranks = one.retrieval(pixels, told, meanings=own, ways=min(100, len(set(own))))
    return {
        "Frechet distance": mean(distances),
        "cosine to the true embedding": mean(torch.cosine_similarity(made, true).numpy()),
        "top-1": share(int((ranks == 1).sum()), len(ranks)),
    }


def guided(model: str, asked: PictureSet, seeds: int) -> dict[str, Any]:
    """Pull towards a picture at several numbers of steps: the distance should follow the strength alone."""
    pictures: Pixels = asked.on()[:16]
    prompts = [Prompt(text, (png(picture),)) for text, picture in zip(captions(asked), pictures, strict=False)]
    result: dict[str, Any] = {}
    for strength in STRENGTHS:
        for steps in STEPS:
            pixels = ask(
                generator_of(model), prompts, seeds, steps=steps, guide=[f"image:strength={strength}"]
            ).pixels
            gap = np.abs(pixels.astype(float) - np.repeat(pictures, seeds, 0)).mean((1, 2, 3)) / 255
            result.setdefault(f"strength {strength:g}", {})[f"{steps} steps"] = mean(gap)
    return result
