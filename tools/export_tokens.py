"""Write token models that ship, from ``runs/train/NAME`` into ``src/limn/weights/NAME``, as they were trained.

With ``--finer`` a masked model's second stage is taken along. An autoregressive model reads its tokens from the
masked model's folder, so that they ship once.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limn.models import SHIPPED
from limn.train.export import export

TRAINED = Path("runs/train")
FINER = {"muse": "muse_super", "muse_shapes": "muse_shapes_super"}
SHARED = {"parti": "muse", "parti_shapes": "muse_shapes"}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "parti": {"scale": 2.0, "sampler": "next_token:temperature=0.9,top_p=0.8"}
}
"""How a model draws unless told otherwise, where that is not as :data:`OTHERS` do; chosen on seen prompts."""

OTHERS: Mapping[str, Any] = {"steps": 8, "scale": 3.0}


def main() -> None:
    """Export the models that are named, and say how large they are."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("names", nargs="+", choices=sorted([*FINER, *SHARED]))
    arguments.add_argument("--finer", action="store_true", help="with the second stage")
    arguments.add_argument("--tokens", default="", help="training folder of a tokenizer whose decoder learned on")
    arguments.add_argument("--to", type=Path, default=SHIPPED, help="folder of the models' folders")
    chosen = arguments.parse_args()
    for name in sorted(chosen.names):  # muse before parti, which reads its tokens
        second = TRAINED / FINER[name] if chosen.finer and name in FINER else None
        shared = SHARED.get(name, "")
        export(
            TRAINED / name, chosen.to / name,
            defaults=DEFAULTS.get(name, OTHERS), autoencoder=chosen.tokens, finer=second, tokens_of=shared,
        )  # fmt: skip
        files = sorted((chosen.to / name).glob("*.safetensors"))
        sizes = ", ".join(f"{each.name} {each.stat().st_size / 1e6:.2f}" for each in files)
        print(f"{chosen.to / name}: {sizes} MB", flush=True)


if __name__ == "__main__":
    main()
