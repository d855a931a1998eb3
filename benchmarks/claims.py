"""Run every measurement that README and docs quote, one after another, or those named; stop at the first failure."""

import subprocess
import sys

MEASUREMENTS = [
    "benchmarks.shapes_accuracy", "tools.emoji_sheet", "benchmarks.against_diffusers", "benchmarks.training",
    "benchmarks.speed", "benchmarks.judges", "benchmarks.retrieval", "benchmarks.attributes",
    "benchmarks.quality", "benchmarks.two_objects", "benchmarks.unseen_words", "benchmarks.steps",
    "tools.style_sheets", "benchmarks.steering", "benchmarks.branches", "benchmarks.tokens all",
    "benchmarks.tokens all --world pictograms", "benchmarks.upsampler", "benchmarks.recipes", "benchmarks.editing",
    "tools.cards", "benchmarks.pages",
]  # fmt: skip
"""With their arguments; ``tools.text_encoder``, which needs files that have no package, is left out."""

if __name__ == "__main__":
    for measurement in sys.argv[1:] or MEASUREMENTS:
        print(f"--- {measurement}", flush=True)
        subprocess.run([sys.executable, "-m", *measurement.split()], check=True)
