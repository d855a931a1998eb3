"""Write the sample of pictograms that the tests use, from a built set.

python tests/sample/make_pictograms.py data/pictograms
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

THINGS = (
    "red heart",
    "blue heart",
    "black heart",
    "red apple",
    "green apple",
    "banana",
    "dog",
    "cat face",
    "tiger",
    "fish",
    "butterfly",
    "rose",
    "automobile",
    "bicycle",
    "airplane",
    "house",
    "umbrella",
    "sun",
    "star",
    "pizza",
    "hot beverage",
    "guitar",
    "soccer ball",
    "key",
    "light bulb",
    "smiling face with sunglasses",
    "crying face",
    "robot",
    "red square",
    "blue circle",
)
PROFESSIONS = ("cook", "health worker", "firefighter")


def main(built: Path, out: Path) -> None:
    """Keep some things in all styles, and whole people factorials in two styles each."""
    out.mkdir(parents=True, exist_ok=True)
    manifest = json.loads((built / "manifest.json").read_text("utf-8"))
    people = {"3d": PROFESSIONS[:1], "noto": PROFESSIONS[1:2], "twemoji": PROFESSIONS[2:], "flat": PROFESSIONS[:2]}
    for style, professions in people.items():
        table = parquet.read_table(built / f"{style}.parquet")
        chosen = (("label", THINGS), ("profession", professions))
        kept = [pc.is_in(table[name], pa.array(values)) for name, values in chosen]
        table = table.filter(pc.or_(*kept))
        sink = io.BytesIO()
        parquet.write_table(table, sink, compression="zstd")
        (out / f"{style}.parquet").write_bytes(sink.getvalue())
        splits = dict(sorted(Counter(table["split"].to_pylist()).items()))
        digest = hashlib.sha256(sink.getvalue()).hexdigest()
        manifest["sets"][style] |= {"pictures": table.num_rows, "splits": splits, "sha256": digest}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True), "utf-8")
    shutil.copyfile(built / "ATTRIBUTION.md", out / "ATTRIBUTION.md")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent / "pictograms")
