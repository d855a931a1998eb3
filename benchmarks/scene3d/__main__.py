"""Things in three dimensions: unseen views, attributes from words, another look by words, cost.

limn data build toys3d
python -m benchmarks.scene3d views words adaptation cost sheet
"""

from benchmarks.kit.run import run
from benchmarks.scene3d import adaptation, cost, sheet, views, words

PARTS = {
    "views": views.measure, "words": words.measure, "adaptation": adaptation.measure, "cost": cost.measure,
    "sheet": sheet.measure,
}  # fmt: skip

if __name__ == "__main__":
    run(PARTS)
