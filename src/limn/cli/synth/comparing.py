"""``limn synth train`` and ``limn synth compare``: what pictures teach."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from limn.cli import console, interrupts
from limn.cli.audit.options import written
from limn.cli.drawing import shown
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.synth.labelled import Labelled

Real = Annotated[
    Path, typer.Argument(help="Real pictures: a folder for each class, or any set.", show_default=False)
]
Sets = Annotated[list[Path] | None, typer.Argument(help="Sets to compare with them.", show_default=False)]
Tests = Annotated[
    list[str] | None, typer.Option("--test", help="Test pictures, FOLDER or NAME=FOLDER; may be repeated.")
]
Config = Annotated[Path | None, typer.Option("--recipe", help="What is compared, as TOML.")]
Out = Annotated[Path, typer.Option(help="Where results go; what is there is kept.")]
Side = Annotated[int, typer.Option(help="Side in pixels to which all pictures are scaled.", min=8, max=512)]


def compare(
    context: typer.Context,
    real: Real,
    sets: Sets = None,
    test: Tests = None,
    recipe: Config = None,
    out: Out = Path("comparison"),
    size: Side = 64,
) -> None:
    """Train classifiers on real pictures, sets and both, equally long, test them, and write a page.

    The same command goes on where it was stopped.
    """
    from limn.synth.comparison import Result, read_plan
    from limn.synth.comparison import compare as compared
    from limn.synth.labelled import class_names, read_labelled
    from limn.synth.worth import Results, leaks, report, write_worth

    paths = {"real": real, **{_name(path): path for path in sets or ()}}
    if len(paths) < 1 + len(sets or ()):
        raise InputError("sets: two have one name; rename a folder")
    plan = read_plan(recipe, list(paths), dict(_test(text) for text in test or ()))
    if not plan.tests and not plan.leave_out:
        raise InputError("test: none given; name test pictures with --test, or leave_out in the recipe")
    classes = class_names(real)
    sources = {
        name: read_labelled(path, classes, size=size, domain=plan.leave_out if name == "real" else "")
        for name, path in paths.items()
    }
    tests = {name: read_labelled(Path(path), classes, size=size) for name, path in plan.tests.items()}
    interrupts.on_stop(lambda: f"results so far are kept in {out}; the same command goes on")
    rows: list[Result] = []
    with console.Meter("classifiers") as meter:
        for event in compared(plan, sources, tests, out):
            if isinstance(event, Result):
                rows.append(event)
            else:
                meter.at(*event, rows[-1].arm)
    made = report(Results(plan=plan, rows=rows), leaks(sources, tests) if tests else None)
    for finding in made.findings:
        console.say(f"limn: {finding}")
    console.result(shown(write_worth(out, made, written(context, "synth"))))


def train(
    folder: Annotated[Path, typer.Argument(help="A set, or any pictures with classes.", show_default=False)],
    test: Annotated[Path, typer.Option(help="Test pictures.")],
    out: Annotated[Path, typer.Option(help="The file of weights to write, FILE.safetensors.")],
    classifier: Annotated[
        str, typer.Option(help="residual or linear, with options as residual:width=32.")
    ] = "residual",
    epochs: Annotated[int, typer.Option(help="Passes over the pictures.", min=1)] = 30,
    augment: Annotated[str, typer.Option(help="none, plain, randaugment or mixup.")] = "plain",
    size: Side = 64,
    seed: Annotated[int, typer.Option(help="Decides first weights and order.", min=0)] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Train one classifier on a set, say how many test pictures it names rightly, and keep its weights."""
    import numpy as np

    from limn.audit.statistics.shares import share
    from limn.io.targets import keep_foreign
    from limn.kernel import registry
    from limn.kernel.errors import unknown_name
    from limn.synth.augment import AUGMENTATIONS
    from limn.synth.classifier import Lesson
    from limn.synth.labelled import class_names, read_labelled

    keep_foreign([out], force=force)
    if augment not in AUGMENTATIONS:
        raise unknown_name("augmentation", augment, AUGMENTATIONS)
    labels, learner = class_names(folder), registry.parse("classifiers", classifier)
    known, seen = (read_labelled(path, labels, size=size) for path in (folder, test))
    lesson = Lesson(
        pictures=known.pictures, labels=np.array(_numbers(known, labels)), classes=len(labels),
        steps=max(1, epochs * len(known) // 64), augment=augment, seed=seed,
    )  # fmt: skip
    learned = learner.learn(lesson)
    right = learned.predict(seen.pictures) == np.array(_numbers(seen, labels))
    console.say(f"limn: {len(known):,} pictures of {len(labels)} classes, {lesson.steps:,} steps")
    console.say(f"limn: named rightly of {len(seen):,} test pictures: {share(int(right.sum()), len(right))}")
    if not learned.weights:
        console.say(f"limn: {classifier} keeps no weights; {out} is not written")
        return
    from safetensors.torch import save

    from limn.io.atomic import write_bytes

    facts = {"classifier": str(registry.record(learner)), "labels": "\n".join(labels)}
    write_bytes(out, save({name: value.contiguous() for name, value in learned.weights.items()}, facts))
    console.result(shown(out))


def _numbers(known: Labelled, labels: Iterable[str]) -> list[int]:
    places = {label: k for k, label in enumerate(labels)}
    return [places[label] for label in known.labels]


def _name(path: Path) -> str:
    return path.resolve().name


def _test(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    return (name, path) if equals else (_name(Path(text)), text)
