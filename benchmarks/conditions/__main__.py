"""Models that draw from more than words, by judge_b, which had no part in them; three seeds, kept as they are made.

python -m benchmarks.conditions reimagen vader dalle2 ediffi glide sheet
"""

from benchmarks.conditions import dalle2, ediffi, glide, reimagen, sheet, vader
from benchmarks.kit.run import run

PARTS = {
    "reimagen": reimagen.measure, "vader": vader.measure, "dalle2": dalle2.measure, "ediffi": ediffi.measure,
    "glide": glide.measure, "sheet": sheet.measure,
}  # fmt: skip

if __name__ == "__main__":
    run(PARTS, quick={"count": 4, "steps": 1, "seeds": 1})
