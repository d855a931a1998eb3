"""Run every measurement that README and docs quote, one after another."""

from __future__ import annotations

import subprocess
import sys

MEASUREMENTS = [
    "shapes_accuracy", "emoji_sheet", "against_diffusers", "training", "speed", "judges", "retrieval", "attributes",
    "quality", "two_objects", "unseen_words", "steps", "style_sheets", "steering", "branches", "tokens all",
    "tokens all --world pictograms", "upsampler", "recipes", "cards", "pages",
]  # fmt: skip
"""With their arguments; ``text_encoder``, which needs files that have no package, is left out."""


def main() -> None:
    """Run all, or those named on the command line; stop at the first that fails."""
    for name in sys.argv[1:] or MEASUREMENTS:
        print(f"--- {name}", flush=True)
        module, *arguments = name.split()
        subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *arguments], check=True)


if __name__ == "__main__":
    main()
