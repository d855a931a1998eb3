"""What pictures are worth: classifiers that learn from each kind, equally long, and see the same tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from limn.io.atomic import make_folder, write_json
from limn.io.configurations import build, read_json, read_toml
from limn.kernel import registry
from limn.kernel.errors import InputError, unknown_name
from limn.synth.augment import AUGMENTATIONS
from limn.synth.classifier import Classifier, Lesson
from limn.synth.labelled import Labelled

REAL = "real"


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One kind of pictures to learn from.

    Args:
        of: Sources that share the number of pictures among them.
        add: Sources that add as many again, each.
        augment: One of :data:`limn.synth.augment.AUGMENTATIONS`.
        at: Where it stands on an axis, for arms that differ in one number, such as the guidance scale.
    """

    of: tuple[str, ...] = (REAL,)
    add: tuple[str, ...] = ()
    augment: str = "plain"
    at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is compared.

    Args:
        arms: By name; made of the sources if empty.
        classifiers: As text, such as ``linear:features=judge_a``.
        numbers: Pictures of each class, one comparison for each.
        epochs: Passes over the first arm's pictures; all arms take as many steps.
        seeds: How many; each draws pictures, first weights and order anew, the same for all arms.
        batch: Pictures of a step.
        reference: The arm that others are compared with; the first if empty.
        tests: Folders of test pictures by name.
        gaps: Pairs of tests by name, whose difference in accuracy is told.
        leave_out: A column of the real pictures, each of whose values is left out in turn and tested on.
        axis: What ``at`` of the arms counts.
    """

    arms: Mapping[str, Arm] = field(default_factory=dict)
    classifiers: tuple[str, ...] = ("residual",)
    numbers: tuple[int, ...] = (100,)
    epochs: int = 30
    seeds: int = 5
    batch: int = 64
    reference: str = ""
    tests: Mapping[str, str] = field(default_factory=dict)
    gaps: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    leave_out: str = ""
    axis: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, Any], sources: Sequence[str]) -> Plan:
        """Read a plan, and check that all that it names is there.

        Args:
            fields: From TOML; ``[arms.NAME]``, ``[tests]`` and ``[gaps]`` are tables.
            sources: Names of the sources, the real one first.
        """
        raw = dict(fields)
        arms = {name: _arm(name, arm) for name, arm in raw.pop("arms", {}).items()}
        tests, gaps = dict(raw.pop("tests", {})), {k: tuple(v) for k, v in raw.pop("gaps", {}).items()}
        plan = replace(build(_Plain, raw, what="key of a comparison").plan(), tests=tests, gaps=gaps)
        plan = replace(plan, arms=arms or usual(sources))
        for name, arm in plan.arms.items():
            for source in (*arm.of, *arm.add):
                if source not in sources:
                    raise unknown_name(f"source of arms.{name}", source, sources)
            if arm.augment not in AUGMENTATIONS:
                raise unknown_name(f"augmentation of arms.{name}", arm.augment, AUGMENTATIONS)
        reference = plan.reference or next(iter(plan.arms))
        if reference not in plan.arms:
            raise unknown_name("reference", reference, plan.arms)
        if plan.seeds < 2 or not plan.numbers or min(plan.numbers) < 1 or plan.epochs < 1 or plan.batch < 2:
            raise InputError(
                "seeds, numbers, epochs, batch: give two seeds, a number, an epoch and two pictures at least"
            )
        for gap, pair in plan.gaps.items():
            if len(pair) != 2 or not set(pair) <= set(tests):
                raise InputError(f"gaps.{gap}: names two of the tests: {', '.join(tests) or 'there is none'}")
        return replace(plan, reference=reference)


def _arm(name: str, fields: Any) -> Arm:
    """Read an arm; ``at`` may be left out."""
    plain = {key: value for key, value in fields.items() if key != "at"} if isinstance(fields, Mapping) else fields
    arm = build(Arm, plain, what="key of an arm", where=f"arms.{name}.")
    at = fields.get("at")
    if at is not None and not isinstance(at, int | float):
        raise InputError(f"arms.{name}.at must be a number, not {type(at).__name__}")
    return replace(arm, at=None if at is None else float(at))


@dataclass(frozen=True, kw_only=True)
class _Plain:
    classifiers: tuple[str, ...] = ("residual",)
    numbers: tuple[Any, ...] = (100,)
    epochs: int = 30
    seeds: int = 5
    batch: int = 64
    reference: str = ""
    leave_out: str = ""
    axis: str = ""

    def plan(self) -> Plan:
        return Plan(**asdict(self))


def read_plan(path: Path | None, sources: Sequence[str], tests: Mapping[str, str]) -> Plan:
    """Read a plan from TOML, paths of tests beside the file; further tests may be given."""
    fields = {} if path is None else dict(read_toml(path))
    named = {name: str(path.parent / test) for name, test in fields.get("tests", {}).items()} if path else {}
    return Plan.of({**fields, "tests": {**named, **tests}}, sources)


def usual(sources: Sequence[str]) -> dict[str, Arm]:
    """Return the arms that suit most: real, each set alone and beside the real, and classical augmentation."""
    real, *made = sources
    arms = {real: Arm(of=(real,))}
    arms |= {name: Arm(of=(name,)) for name in made}
    arms |= {f"{real} + {name}": Arm(of=(real,), add=(name,)) for name in made}
    return arms | {name: Arm(of=(real,), augment=name) for name in ("randaugment", "mixup")}


@dataclass(frozen=True, kw_only=True)
class Result:
    """How well one classifier did.

    Args:
        arm: What it learned from.
        classifier: Which.
        number: Pictures of each class.
        seed: Which draw.
        left_out: The domain that it did not see, if one.
        right: Share of each test's pictures whose class it said.
    """

    arm: str
    classifier: str
    number: int
    seed: int
    left_out: str
    right: Mapping[str, float]


def compare(
    plan: Plan, sources: Mapping[str, Labelled], tests: Mapping[str, Labelled], folder: Path
) -> Iterator[Result | tuple[int, int]]:
    """Train and test all that is missing in a folder.

    Args:
        plan: What is compared.
        sources: Pictures to learn from, the real ones first.
        tests: Pictures to test on; the domains themselves where one is left out.
        folder: Where results are kept, each as soon as it is there.

    Yields:
        How many are done of how many, and results.

    Raises:
        InputError: A source has too few pictures of a class.
    """
    make_folder(folder / "results")
    labels = sorted({label for source in sources.values() for label in source.labels})
    digests = {
        name: _digest(source) for name, source in {**sources, **{f"test {k}": v for k, v in tests.items()}}.items()
    }
    real = next(iter(sources))
    domains = sorted(set(sources[real].domains)) if plan.leave_out else [""]
    cells = [
        (arm, text, number, seed, domain)
        for domain in domains for number in plan.numbers for text in plan.classifiers
        for arm in plan.arms for seed in range(plan.seeds)
    ]  # fmt: skip
    for done, (arm, text, number, seed, domain) in enumerate(cells, 1):
        what = {"arm": asdict(plan.arms[arm]), "classifier": registry.record(registry.parse("classifiers", text)),
                "number": number, "seed": seed, "left out": domain, "epochs": plan.epochs, "batch": plan.batch,
                "pictures": digests}  # fmt: skip
        key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:24]
        path = folder / "results" / f"{key}.json"
        if path.is_file():
            right = read_json(path)["right"]
        else:
            lesson = _lesson(plan, plan.arms[arm], sources, labels, number, seed, domain)
            seen = {domain: _only(sources[real], domain)} if domain else tests
            right = _tested(text, lesson, seen, labels)
            write_json(path, {"right": right, "what": what})
        yield Result(arm=arm, classifier=text, number=number, seed=seed, left_out=domain, right=right)
        yield done, len(cells)


def _tested(text: str, lesson: Lesson, tests: Mapping[str, Labelled], labels: Sequence[str]) -> dict[str, float]:
    classifier = registry.parse("classifiers", text)
    if not isinstance(classifier, Classifier):
        raise InputError(f"classifier {text}: its class does not derive from limn.synth.classifier.Classifier")
    learned = classifier.learn(lesson)
    return {
        name: float(np.mean(learned.predict(test.pictures) == [labels.index(label) for label in test.labels]))
        for name, test in tests.items()
    }


def _lesson(
    plan: Plan, arm: Arm, sources: Mapping[str, Labelled], labels: Sequence[str], number: int, seed: int, domain: str
) -> Lesson:
    """Draw an arm's pictures; equal seeds draw the same of a source for all arms."""
    parts = [(name, number // len(arm.of) + (k < number % len(arm.of))) for k, name in enumerate(arm.of)]
    parts += [(name, number) for name in arm.add]
    pictures, numbers = [], []
    for name, many in parts:
        source = sources[name]
        rng = np.random.default_rng([seed, int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)])
        for k, label in enumerate(labels):
            own = [
                place for place, (one, where) in enumerate(zip(source.labels, source.domains, strict=True))
                if one == label and (not domain or where != domain)
            ]  # fmt: skip
            if len(own) < many:
                raise InputError(
                    f"{name}: has {len(own)} pictures of {label}, {many} are needed; make numbers smaller"
                )
            for place in rng.permutation(own)[:many]:
                pictures.append(source.pictures[int(place)])
                numbers.append(k)
    steps = max(1, plan.epochs * number * len(labels) // plan.batch)
    return Lesson(
        pictures=pictures, labels=np.array(numbers), classes=len(labels), steps=steps, batch=plan.batch,
        augment=arm.augment, seed=seed,
    )  # fmt: skip


def _only(source: Labelled, domain: str) -> Labelled:
    return source.take([k for k, name in enumerate(source.domains) if name == domain])


def _digest(source: Labelled) -> str:
    digest = hashlib.sha256()
    for picture, label in zip(source.pictures, source.labels, strict=True):
        digest.update(label.encode() + picture.tobytes())
    return digest.hexdigest()[:24]
