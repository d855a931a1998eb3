"""Does a model with its guidance learned in draw as well in half the time? Prompts and seeds alike."""

from pathlib import Path
from typing import Any

from benchmarks.kit.drawing import draw, exported, generator_of
from benchmarks.kit.intervals import paired
from benchmarks.kit.judging import Panel
from benchmarks.kit.run import PICTOGRAMS, run
from limn.data.picture_set import load
from limn.models.judges import judge


def measure(*, pupil: str = "emoji_fast", prompts: int = 200, data: Path = PICTOGRAMS) -> dict[str, Any]:
    """Return quality and time of the pupil, trained as ``runs/train/PUPIL``, beside the model it learned from."""
    learned_in = exported(pupil, defaults={"scale": 1.0, "steps": generator_of("emoji").stages[0].steps})
    panel = Panel(judge("judge_b"), load(data), prompts, seed=13)
    figures: dict[str, Any] = {"judge": "judge_b", "prompts": prompts}
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "guided, two rows a step": ("emoji", {}),
        "not guided, one row": ("emoji", {"guidance": []}),
        "guidance learned in, one row": (str(learned_in), {}),
    }
    scores, seconds = [], []
    for name, (model, options) in ways.items():
        drawn = draw(model, panel.prompts, **options)
        figures[name], score = panel.figures(drawn.pixels)
        figures[name]["processor seconds a picture"] = round(drawn.seconds, 4)
        scores.append(score)
        seconds.append(drawn.seconds)
        print(name, figures[name], flush=True)
    guided, none, learned = scores
    return {
        **figures,
        "similarity, learned in less guided": paired(learned, guided),
        "similarity, learned in less not guided": paired(learned, none),
        "time, learned in over guided": round(seconds[2] / seconds[0], 3),
    }


if __name__ == "__main__":
    run(measure, quick={"prompts": 3})
