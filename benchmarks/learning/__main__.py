"""What is learned from pictures; every finished run is kept in runs/learning, so that a stop costs little."""

from benchmarks.kit.run import run
from benchmarks.learning import cost, picture, subject, word

if __name__ == "__main__":
    run(
        {"word": word.measure, "subject": subject.measure, "picture": picture.measure, "cost": cost.measure},
        name="learning",
        quick={"seeds": 1, "flags": 1, "subjects": 1, "minutes": 0.01, "steps": 2},
    )
