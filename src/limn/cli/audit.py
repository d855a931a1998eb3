"""``limn audit``: measure what a model does to the people and cultures it draws."""

from __future__ import annotations

import hashlib
import json as json_text
import shlex
from collections.abc import Iterator, Sequence
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
    from limn.audit.run import Progress
    from limn.audit.sources import Source
    from limn.audit.study import Study
    from limn.audit.table import Table

__all__ = ["app"]

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
    from limn.audit import study
    from limn.kernel import registry

    found = [(name, study.find(name)) for name in study.names()]
    told = [(name, _summary(each), ", ".join(_options(each)), each.paper) for name, each in found]
    if json:
        keys = ("name", "summary", "options", "paper")
        print(
            json_text.dumps(
                {
                    "studies": [dict(zip(keys, row, strict=True)) for row in told],
                    "readers": registry.names("readers"),
                },
                indent=2,
            )
        )
        return
    console.table(["study", "what it asks", "options", "paper"], told)
    console.say(f"limn: readers: {', '.join(registry.names('readers'))}")


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
    reader: Readers = None,
    n: Annotated[int | None, typer.Option("-n", "--n", help="Pictures for each prompt.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="First seed.", min=0)] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the sampler, of both models.")] = None,
    device: Device = "cpu",
    batch: Batch = None,
    out: Annotated[Path | None, typer.Option(help="The audit's folder; what is there already is kept.")] = None,
    json: Json = False,
) -> None:
    """Draw what is missing, read it, estimate, and write a report."""
    from limn.audit.study import parse

    wanted = parse(study)
    wanted = replace(wanted, **{name: value for name, value in (("n", n), ("seed", seed)) if value is not None})
    common: dict[str, Any] = {"steps": steps, "device": device, "together": batch}
    sources = [_source(model or USUAL, guide, normalise=False, **common)]
    if against or against_guide is not None or against_normalise:
        second = _source(against or model or USUAL, against_guide, normalise=against_normalise, **common)
        sources.append(_sharing(second, sources[0]))
    if not wanted.probe().asks:
        wanted, sources = _looking(wanted, model, against), []
    elif len({each.name for each in sources}) < len(sources):
        raise InputError("against: is the same model with the same guidance; change one of them")
    folder = out or OUT / "audits" / _folder_name(wanted, sources)
    names = reader or list(wanted.read_by)
    command = _command(context)
    table = _gathered(folder, wanted, sources, names, command)
    _report(folder, wanted, table, json=json, command=command)


@app.command("read")
def read_again(folder: Folder, reader: Readers = None, json: Json = False) -> None:
    """Let another reader read the pictures of an audit, and write its report again; nothing is drawn."""
    from limn.audit.run import read

    if not reader:
        raise InputError("reader: none given; name one with --reader")
    table = _watched(read(folder, reader))
    _report(folder, _study_of(folder), table, json=json, command=_plan(folder).command)


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

    table, command = Home(folder).table(), _plan(folder).command
    if against is not None:
        table = join(table, Home(against).table(), name=against.name)
        command = _command(context)
    _report(folder, _study_of(folder), table, json=json, command=command)


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

    wanted, found = [study] if study else names(), []
    with console.Meter("audits") as meter:
        for place, text in enumerate(wanted):
            for event in selfcheck(text.partition(":")[0], parse(text), audits=audits, seed=seed):
                if isinstance(event, Coverage):
                    found.append(event)
                else:
                    meter.at(place * audits + event.done, len(wanted) * audits, text)
    if json:
        print(json_text.dumps([{**asdict(each), "verdict": each.verdict} for each in found], indent=2))
    else:
        rows = [
            (each.study, each.name, f"{each.truth:.3g}", _covered(each), _signed(each.bias), each.verdict)
            for each in found
        ]
        console.table(["study", "quantity", "truth", "interval held it", "bias", "verdict"], rows)
    if any(each.verdict in ("too narrow", "not estimable") for each in found):
        raise typer.Exit(1)


def _gathered(folder: Path, study: Study, sources: Sequence[Source], readers: Sequence[str], command: str) -> Table:
    """Draw and read what is missing, with progress on stderr."""
    from limn.audit.folder import Folder as Home
    from limn.audit.run import gather
    from limn.kernel import registry

    if (folder / "audit.json").exists():
        known = Home(folder).plan().study.get("name")
        if known != registry.record(study)["name"]:
            raise InputError(f"{folder}: holds an audit of {known}; choose another folder")
    return _watched(
        gather(study.probe(), sources, readers, folder, study=registry.record(study), command=command), folder
    )


def _watched(events: Iterator[Progress | Table], folder: Path | None = None) -> Table:
    """Follow an audit with a meter, and return its table.

    Raises:
        typer.Exit: With code 130 when the person stopped it.
    """
    from limn.audit.run import Progress

    table: Table | None = None
    try:
        with console.Meter("pictures") as meter:
            stage = None
            for event in events:
                if not isinstance(event, Progress):
                    table = event
                    continue
                if (event.stage, event.name) != stage:
                    stage = (event.stage, event.name)
                    meter.restart()
                    meter.kept = event.kept
                meter.at(event.done, event.total, f"{event.stage} ({event.name})")
    except KeyboardInterrupt:
        kept = f"in {folder}" if folder else ""
        console.say(f"limn: stopped; what was drawn and read is kept {kept}; the same command goes on with the rest")
        raise typer.Exit(130) from None
    assert table is not None
    return table


def _report(folder: Path, study: Study, table: Table, *, json: bool, command: str) -> None:
    """Estimate, write the report, and print where it is."""
    from limn.audit.report.write import record, write
    from limn.kernel import registry

    report = study.analyse(table)
    told = registry.record(study)
    page = write(folder, report, table, command=command, study=told)
    for finding in report.findings:
        console.say(f"limn: {finding}")
    if json:
        print(json_text.dumps(record(report, table, command=command, study=told), indent=2))
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
    added = [each.partition(":")[0] for each in guide or ()] + (["normalise"] if normalise else [])
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
    known = {each.name for each in fields(study)}
    given = {"encoder": model, "against": against}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value and name in known}
    return replace(study, **changes)


def _folder_name(study: Study, sources: Sequence[Source]) -> str:
    """Name a folder so that the same audit with more pictures finds what is there."""
    from limn.kernel import registry

    what = {
        **registry.record(replace(study, n=1)),
        "sources": [[each.name, dict(each.settings)] for each in sources],
    }
    digest = hashlib.sha256(json_text.dumps(what, sort_keys=True).encode()).hexdigest()[:8]
    names = "-".join(["-".join(each.name.split(" + ")).replace(" ", "-") for each in sources])
    return "-".join(each for each in (what["name"], names, digest) if each)


def _plan(folder: Path) -> Any:
    from limn.audit.folder import Folder as Home

    return Home(folder).plan()


def _study_of(folder: Path) -> Study:
    """Return the study of an audit that was made."""
    from limn.audit.study import KIND, Study
    from limn.kernel import registry

    record = _plan(folder).study
    if not record:
        raise InputError(f"{folder}: does not say which study it is; it was not made by limn audit STUDY")
    study = registry.build(KIND, record)
    assert isinstance(study, Study)
    return study


def _command(context: typer.Context) -> str:
    """Return the command as it was written."""
    return shlex.join(["limn", "audit", *context.meta[WORDS]])


def _summary(study: type[Study]) -> str:
    return " ".join((study.__doc__ or "").split("\n\n")[0].split())


def _options(study: type[Study]) -> list[str]:
    return [each.name for each in fields(study)]


def _covered(coverage: Any) -> str:
    found = coverage.covered
    if found.value is None:
        return "not estimable"
    return f"{100 * found.value:.1f} % of {coverage.estimable} ({100 * found.low:.0f} to {100 * found.high:.0f} %)"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3g}"
