"""``limn audit``: measure what a model does to the people and cultures it draws."""

from __future__ import annotations

import hashlib
import json as json_text
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from limn.cli import console
from limn.cli.drawing import shown
from limn.cli.options import OUT, Batch, Device
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.audit.run import AuditProgress
    from limn.audit.selfcheck import Coverage
    from limn.audit.sources import Source
    from limn.audit.study import Study
    from limn.audit.table import Table

WORDS = "limn.audit.words"
"""Where the context keeps what was written behind ``limn audit``."""

ORACLE = "oracle"
"""The model name that stands for people of even shares, whose habits are known exactly."""

USUAL = "emoji"


class _Studies(TyperGroup):
    """Takes what is not a verb as the name of a study."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[WORDS] = list(args)
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="audit",
    cls=_Studies,
    help="Measure what a model does to the people and cultures it draws: limn audit STUDY --model M.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(help="An audit's folder.", show_default=False)]
Readers = Annotated[
    list[str] | None,
    typer.Option("--reader", help="Who reads the pictures; may be repeated. The study's own unless given."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
GuideOf = Annotated[
    list[str] | None, typer.Option("--guide", help="Guidance of --model (limn guide list); may be repeated.")
]
Against = Annotated[
    str | None,
    typer.Option(help="A second model; the same one unless given, with other guidance or --against-normalise."),
]
GuideAgainst = Annotated[list[str] | None, typer.Option(help="Guidance of the second model; may be repeated.")]


@app.command("list")
def list_studies(json: Json = False) -> None:
    """List the studies, with what each asks, and the readers."""
    from limn.audit.study import KIND, names
    from limn.kernel import papers
    from limn.kernel.description import describe
    from limn.kernel.registry import names as parts

    studies = [describe(KIND, name) for name in names()]
    rows = [
        (row.name, row.summary, ", ".join(option.name for option in row.options), papers.key(row.paper))
        for row in studies
    ]
    if json:
        keys = ("name", "summary", "options", "paper")
        listed = [dict(zip(keys, row, strict=True)) for row in rows]
        print(json_text.dumps({"studies": listed, "readers": parts("readers")}, indent=2))
        return
    console.table(["study", "what it asks", "options", "paper"], rows)
    console.say(f"limn: readers: {', '.join(parts('readers'))}")


@app.command("run", hidden=True)
def run(
    context: typer.Context,
    study: Annotated[str, typer.Argument(help='A study with its options, as "stereotypes:n=100".')],
    model: Annotated[
        str | None, typer.Option(help="A name (limn models), a model folder or file, or oracle; emoji unless given.")
    ] = None,
    against: Against = None,
    guide: GuideOf = None,
    against_guide: GuideAgainst = None,
    against_normalise: Annotated[
        bool, typer.Option("--against-normalise", help="The second reads look-alike letters as Latin.")
    ] = False,
    pictures: Annotated[
        Path | None,
        typer.Option(help="A CSV file of pictures that are there already, with labels; nothing is drawn."),
    ] = None,
    images: Annotated[Path | None, typer.Option(help="The folder of its files, where that is not its own.")] = None,
    reader: Readers = None,
    n: Annotated[int | None, typer.Option("-n", "--n", help="Pictures for each prompt.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="First seed.", min=0)] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the sampler, of both models.")] = None,
    device: Device = "cpu",
    batch: Batch = None,
    out: Annotated[Path | None, typer.Option(help="The audit's folder; what is there already is kept.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files there that limn did not write.")] = False,
    json: Json = False,
) -> None:
    """Draw what is missing, read it, estimate, and write a report."""
    from limn.audit.run import audit
    from limn.audit.study import parse

    wanted = parse(study)
    wanted = replace(wanted, **{name: value for name, value in (("n", n), ("seed", seed)) if value is not None})
    draws = {"guide": guide, "against-guide": against_guide, "against-normalise": against_normalise or None,
             "reader": reader, "steps": steps, "batch": batch}  # fmt: skip
    command = _command(context)
    if pictures is not None:
        drawing = {"model": model, "against": against, "n": n, "seed": seed, **draws, "reader": None}
        _unused(drawing, "the pictures of a table are there already")
        _pictures(wanted, pictures, images, out, reader or [], command, json=json)
        return
    _unused({"images": images}, "is the folder of --pictures")
    sources: list[Source] = []
    if not wanted.probe().asks:
        _unused(draws, f"{study.partition(':')[0]} draws nothing")
        wanted = _looking(wanted, model, against)
    else:
        if model == ORACLE:
            _unused({name: draws[name] for name in ("guide", "steps")}, "the oracle is no model")
        common: dict[str, Any] = {"steps": steps, "device": device, "together": batch}
        sources = [_source(model or USUAL, guide, normalise=False, **common)]
        if against or against_guide is not None or against_normalise:
            second = _source(against or model or USUAL, against_guide, normalise=against_normalise, **common)
            sources.append(_sharing(second, sources[0]))
        if len({source.name for source in sources}) < len(sources):
            raise InputError("against: is the same model with the same guidance; change one of them")
    folder = out or OUT / "audits" / _folder_name(wanted, sources)
    table = _watched(audit(wanted, sources, folder, readers=reader or None, command=command, force=force), folder)
    _report(folder, wanted, table, json=json, command=command)


@app.command("read")
def read_again(folder: Folder, reader: Readers = None, json: Json = False) -> None:
    """Let another reader read the pictures of an audit, and write its report again; nothing is drawn."""
    from limn.audit.run import read

    if not reader:
        raise InputError("reader: none given; name one with --reader")
    table = _watched(read(folder, reader), folder)
    study, command = _made(folder)
    _report(folder, study, table, json=json, command=command)


@app.command("report")
def report_again(
    context: typer.Context,
    folder: Folder,
    against: Annotated[Path | None, typer.Option(help="Another audit of the same study, to compare with.")] = None,
    json: Json = False,
) -> None:
    """Estimate again from what was drawn and read, and write the report; nothing is drawn or read."""
    from limn.audit.folder import Folder as Home
    from limn.audit.table import join

    table = Home(folder).table()
    study, command = _made(folder)
    if against is not None:
        table = join(table, Home(against).table(), name=against.name)
        command = _command(context)
    _report(folder, study, table, json=json, command=command)


@app.command("selfcheck")
def check(
    study: Annotated[str | None, typer.Argument(help="A study with its options; all of them unless given.")] = None,
    audits: Annotated[int, typer.Option(help="Small audits of oracles for each study.", min=1)] = 200,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    json: Json = False,
) -> None:
    """Audit oracles whose habits are known, and say how often the intervals hold the truth."""
    from limn.audit.selfcheck import Coverage, selfcheck
    from limn.audit.study import names, parse

    wanted, covered = [study] if study else names(), list[Coverage]()
    with console.Meter("audits") as meter:
        for place, text in enumerate(wanted):
            for event in selfcheck(text.partition(":")[0], parse(text), audits=audits, seed=seed):
                if isinstance(event, Coverage):
                    covered.append(event)
                else:
                    meter.at(place * audits + event.done, len(wanted) * audits, text)
    if not covered:
        raise InputError(f"{study}: has no selfcheck; nobody has planted a truth for it")
    if json:
        print(json_text.dumps([{**asdict(row), "verdict": row.verdict} for row in covered], indent=2))
    else:
        rows = [
            (row.study, row.name, f"{row.truth:.3g}", _share(row), _signed(row.bias), row.verdict) for row in covered
        ]
        console.table(["study", "quantity", "truth", "interval held it", "bias", "verdict"], rows)
    if any(row.verdict in ("too narrow", "not estimable") for row in covered):
        raise typer.Exit(1)


def _pictures(
    study: Study, path: Path, images: Path | None, out: Path | None, readers: list[str], command: str, *, json: bool
) -> None:
    """Audit pictures that are there already."""
    from limn.audit.foreign import audit_pictures
    from limn.audit.labels import read_labels

    listed = read_labels(path, study, images)
    if listed.unused:
        console.say(f"limn: {path}: nothing uses {', '.join(listed.unused)}; labels are called FIELD:LABELLER")
    if listed.again:
        console.say(f"limn: {path}: {listed.again} lines repeat a picture, which counts once")
    folder = out or OUT / "audits" / _folder_name(study, listed.sources)
    table = _watched(audit_pictures(study, listed, folder, readers=readers, command=command), folder)
    _report(folder, study, table, json=json, command=command)


def _watched(events: Iterator[AuditProgress | Table], folder: Path) -> Table:
    """Follow an audit with a meter, and return its table.

    Raises:
        typer.Exit: With code 130 when the person stopped it.
    """
    from limn.audit.table import Table

    try:
        with console.Meter("pictures") as meter:
            stage = None
            for event in events:
                if isinstance(event, Table):
                    return event
                if (event.stage, event.name) != stage:
                    stage = (event.stage, event.name)
                    meter.restart()
                    meter.kept = event.kept
                meter.at(event.done, event.total, f"{event.stage} ({event.name})")
    except KeyboardInterrupt:
        console.say(
            f"limn: stopped; what was drawn and read is kept in {folder}; the same command goes on with the rest"
        )
        raise typer.Exit(130) from None
    raise AssertionError("an audit ends with its table")


def _report(folder: Path, study: Study, table: Table, *, json: bool, command: str) -> None:
    """Estimate, write the report, and print where it is."""
    from limn.audit.report.agreement import agreement
    from limn.audit.report.write import record, write
    from limn.kernel import registry

    report = study.analyse(table)
    report = replace(report, sections=(*report.sections, *agreement(table)))
    options = registry.record(study)
    page = write(folder, report, table, command=command, study=options)
    for finding in report.findings:
        console.say(f"limn: {finding}")
    if json:
        print(json_text.dumps(record(report, table, command=command, study=options), indent=2))
    else:
        console.result(shown(page))


def _source(model: str, guide: Sequence[str] | None, *, normalise: bool, **options: Any) -> Source:
    """Return what draws, named by model and what steers it."""
    from limn.audit.sources import FromGenerator, FromPeople
    from limn.text.homoglyphs import normalised

    if model == ORACLE:
        from limn.data.people import Population

        return FromPeople(population=Population())
    name = Path(model).name
    added = [text.partition(":")[0] for text in guide or ()] + (["normalise"] if normalise else [])
    if guide is not None and not guide:
        added.append("no guidance")
    rewrite = normalised if normalise else None
    return FromGenerator(model=model, name=" + ".join([name, *added]), guidance=guide, rewrite=rewrite, **options)


def _sharing(second: Source, first: Source) -> Source:
    """Load a model that draws in two ways only once."""
    from limn.audit.sources import FromGenerator

    if isinstance(second, FromGenerator) and isinstance(first, FromGenerator) and second.model == first.model:
        return replace(second, model=first.generator)
    return second


def _looking(study: Study, model: str | None, against: str | None) -> Study:
    """Put the models into a study that draws nothing."""
    known = {field.name for field in fields(study)}
    given = {name: value for name, value in (("encoder", model), ("against", against)) if value}
    _unused({name: value for name, value in given.items() if name not in known}, "this study looks into no encoder")
    return replace(study, **given)  # type: ignore[arg-type]


def _unused(given: Mapping[str, object], why: str) -> None:
    """Refuse options that would change nothing."""
    for name, value in given.items():
        if value is not None:
            raise InputError(f"{'model' if name == 'encoder' else name}: {why}; leave it out")


def _folder_name(study: Study, sources: Sequence[Source]) -> str:
    """Name a folder so that the same audit with more pictures finds what is there."""
    from limn.kernel import registry

    what = {
        **registry.record(replace(study, n=1)),
        "sources": [[source.name, dict(source.settings)] for source in sources],
    }
    digest = hashlib.sha256(json_text.dumps(what, sort_keys=True).encode()).hexdigest()[:8]
    names = "-".join("-".join(source.name.split(" + ")).replace(" ", "-") for source in sources)
    return "-".join(filter(None, (what["name"], names, digest)))


def _made(folder: Path) -> tuple[Study, str]:
    """Return the study of an audit that was made, and its command."""
    from limn.audit.folder import Folder as Home
    from limn.audit.study import build

    plan = Home(folder).plan()
    if not plan.study:
        raise InputError(f"{folder}: does not say which study it is; it was not made by limn audit STUDY")
    return build(plan.study), plan.command


def _command(context: typer.Context) -> str:
    """Return the command as it was written."""
    return shlex.join(["limn", "audit", *context.meta[WORDS]])


def _share(coverage: Coverage) -> str:
    share = coverage.covered
    if share.value is None:
        return "not estimable"
    low, high = 100 * (share.low or 0), 100 * (share.high or 0)
    return f"{100 * share.value:.1f} % of {coverage.estimable} ({low:.0f} to {high:.0f} %)"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3g}"
