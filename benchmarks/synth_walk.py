"""The walk of docs/how-to/synth.md, command by command: a set is made, opened with datasets and trained on."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.kit.run import PICTOGRAMS, run
from limn.audit.statistics.shares import share
from limn.data.picture_set import load
from limn.data.split import SPLITS

THINGS = {
    "automobile": "vehicle", "banana": "fruit", "bicycle": "vehicle", "guitar": "instrument", "house": "building",
    "key": "tool", "light bulb": "tool", "pizza": "food", "red apple": "fruit", "tiger": "animal",
}  # fmt: skip
STYLES = ("a 3d render of a {}", "a {}, flat style", "a {} in Noto style", "a {} in Twemoji style")


def label_of(name: str) -> str:
    """Return the name of a class as a file's.

    >>> label_of("light bulb")
    'light_bulb'
    """
    return name.replace(" ", "_")


def write_classes(path: Path) -> None:
    """Write the class file."""
    lines = [f"styles = {list(STYLES)}"]
    for name, kind in THINGS.items():
        lines += [f"[classes.{label_of(name)}]", f'name = "{name}"', f'hypernym = "{kind}"']
    path.write_text("\n".join(lines) + "\n")


def write_real(folder: Path, data: Path) -> int:
    """Write the real pictures of the classes, a folder for each; returns how many there are."""
    known = load(data, SPLITS)
    pictures, labels = known.on(), known.columns["label"]
    count = 0
    for place, label in enumerate(labels):
        if label in THINGS:
            path = folder / label_of(label) / f"{place}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pictures[place]).save(path)
            count += 1
    return count


def limn(folder: Path, *words: str) -> tuple[dict[str, float], str]:
    """Run a command of limn; returns its minutes and what it said."""
    start, before = time.monotonic(), os.times()
    done = subprocess.run(
        [sys.executable, "-m", "limn", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    used = os.times()
    busy = used.children_user + used.children_system - before.children_user - before.children_system
    return {"minutes": round((time.monotonic() - start) / 60, 2), "processor": round(busy / 60, 2)}, done.stderr


def opened(folder: Path) -> int:
    """Open the set as anybody would, and return how many pictures it has."""
    from datasets import load_dataset

    files = str(folder / "set" / "data" / "train-*.parquet")
    rows = load_dataset("parquet", data_files=files, split="train", cache_dir=str(folder / "cache"))
    assert rows[0]["image"].size == (64, 64)
    assert rows.features["label"].names == [label_of(name) for name in THINGS]
    return len(rows)


def measure(*, data: Path = PICTOGRAMS, n: int = 200, steps: int = 0, epochs: int = 10) -> Mapping[str, Any]:
    """Walk, with n pictures of each of ten classes; ``steps`` 0 takes the model's own."""
    load = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        write_classes(folder / "classes.toml")
        real = write_real(folder / "real", data)
        fewer = ("--steps", str(steps)) if steps else ()
        making, _ = limn(
            folder, "synth", "make", "classes.toml", "--recipe", "style", "--n", str(n), "--seeds", "content",
            "--keep-twins", "--format", "parquet", "--out", "set", *fewer,
        )  # fmt: skip
        pictures = opened(folder)
        training, said = limn(
            folder,
            "synth",
            "train",
            "set",
            "--test",
            "real",
            "--epochs",
            str(epochs),
            "--out",
            "weights.safetensors",
        )
    right = next(line for line in said.splitlines() if "named rightly" in line)
    right_share = float(right.rpartition("pictures: ")[2].split()[0])
    known = share(round(right_share * real), real)
    return {
        "pictures made, opened with datasets and trained on": pictures,
        "minutes": {"making the set": making, "training a classifier": training},
        "load of the machine before": load,
        "real pictures named rightly": {"share": known.value, "low": known.low, "high": known.high, "n": real},
        "by chance": 1 / len(THINGS),
    }


if __name__ == "__main__":
    run(measure, quick={"n": 2, "steps": 2, "epochs": 1})
