"""How many steps are enough? A judge's view of the emoji model's pictures against time, for each sampler.

The same prompts and seeds for every way; time is processor time of one thread, so that other programs do not count.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.kit import results
from benchmarks.kit.charts import chart
from benchmarks.kit.drawing import draw
from benchmarks.kit.judging import Panel
from benchmarks.kit.run import PICTOGRAMS, run
from limn.data.picture_set import load
from limn.models.judges import judge

WAYS = {"euler": (4, 6, 8, 16, 30), "dpmpp_2m": (4, 8, 16, 30), "ddim": (4, 8, 16, 30), "heun": (2, 4, 8)}
SIMILAR, REAL = "similarity to the caption", "real pictures"


def measure(
    *,
    model: str = "emoji",
    judged_by: str = "judge_b",
    prompts: int = 48,
    data: Path = PICTOGRAMS,
) -> dict[str, Any]:
    """Return figures for each way, and draw ``docs/pictures/steps.svg``."""
    panel, ways = Panel(judge(judged_by), load(data), prompts, seed=11), dict[str, Any]()
    for sampler, counts in WAYS.items():
        for steps in counts:
            drawn = draw(model, panel.prompts, sampler=sampler, steps=steps)
            row = {"steps": steps, "seconds": round(drawn.seconds, 4), **panel.figures(drawn.pixels)[0]}
            ways[f"{sampler}, {steps} steps"] = row
            print(sampler, row, flush=True)
    ways[REAL] = panel.figures(panel.real)[0]
    draw_plot(ways)
    return {"model": model, "judge": judged_by, "prompts": prompts, "ways": ways, "knee": knee(ways)}


def knee(ways: Mapping[str, Any], within: float = 0.01) -> str:
    """Return the quickest way whose similarity is within a hundredth of the best."""
    drawn = {name: row for name, row in ways.items() if "seconds" in row}
    best = max(row[SIMILAR] for row in drawn.values())
    near = [name for name, row in drawn.items() if row[SIMILAR] >= best - within]
    return min(near, key=lambda name: drawn[name]["seconds"])


def draw_plot(ways: Mapping[str, Any]) -> None:
    """Draw similarity against seconds, one line a sampler."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for name, row in ways.items():
        if "seconds" in row:
            lines.setdefault(name.partition(",")[0], []).append((row["seconds"], row[SIMILAR]))
    floor = min(y for line in lines.values() for _, y in line) - 0.02
    title = "similarity of picture and caption by the judge; dashed: real pictures"
    svg = chart(lines, title, "processor seconds a picture", floor=floor, mark=ways[REAL][SIMILAR])
    results.picture("pictures/steps.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    run(measure, quick={"prompts": 2})
