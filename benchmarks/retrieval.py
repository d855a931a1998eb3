"""Do the emoji model's pictures find their prompts among 100, by an independent judge? Real ones stand beside."""

from pathlib import Path
from typing import Any

from benchmarks.kit.drawing import draw
from benchmarks.kit.judging import WAYS, captions, found_by, meanings, places_of, some
from benchmarks.kit.run import PICTOGRAMS, run
from limn.data.picture_set import load
from limn.data.split import SPLITS
from limn.models.judges import judge

WORDS = {"train": "seen pairs", "pair": "held-out pairs", "cell": "held-out people"}


def measure(
    *, model: str = "emoji", judged_by: str = "judge_b", prompts: int = 500, data: Path = PICTOGRAMS,
    steps: int | None = None, scale: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return how often drawn and real pictures of each split find their prompts."""
    source, one = load(data, SPLITS), judge(judged_by)
    options = {} if scale is None else {"guidance": [f"classifier_free:scale={scale}"]}
    figures: dict[str, Any] = {"model": model, "judge": judged_by, "ways": WAYS}
    for split, words in WORDS.items():
        asked = source.take(some(places_of(source, split), prompts))
        drawn = draw(model, captions(asked), steps=steps, **options).pixels
        figures[words] = {
            "prompts": len(asked),
            "ways": min(WAYS, len(set(meanings(asked)))),
            "drawn": found_by(one, drawn, asked),
            "real": found_by(one, asked.on(), asked),
        }
    return figures


if __name__ == "__main__":
    run(measure, quick={"prompts": 3, "steps": 2})
