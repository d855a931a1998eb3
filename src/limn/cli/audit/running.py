"""``limn audit STUDY``: draw what is missing, or take pictures that are there, and report."""

from __future__ import annotations

import hashlib
import json as json_text
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limn.cli import console
from limn.cli.audit.options import (
    Adapters,
    AdaptersAgainst,
    Against,
    GuideAgainst,
    GuideOf,
    Json,
    Readers,
    unused,
    written,
)
from limn.cli.audit.reporting import watched, write_report
from limn.cli.audit.sources import USUAL, consent, drawn_by, kind_of, tell_drawing
from limn.cli.options import OUT, Batch, Device, Engine
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.audit.readers.reader import Reader
    from limn.audit.sources import Source
    from limn.audit.study import Study


def run(
    context: typer.Context,
    study: Annotated[str, typer.Argument(help='A study with its options, as "stereotypes:n=100".')],
    model: Annotated[
        str | None,
        typer.Option(
            help="A name (limn models), a folder or file, openai:MODEL on a server, or oracle; emoji unless given."
        ),
    ] = None,
    against: Against = None,
    guide: GuideOf = None,
    against_guide: GuideAgainst = None,
    adapter: Adapters = None,
    against_adapter: AdaptersAgainst = None,
    against_normalise: Annotated[
        bool, typer.Option("--against-normalise", help="The second reads look-alike letters as Latin.")
    ] = False,
    prompts: Annotated[
        Path | None, typer.Option(help="A CSV file of prompts of your own; columns in limn audit STUDY --help.")
    ] = None,
    reference: Annotated[Path | None, typer.Option(help="A CSV file of shares of your own to compare with.")] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(help="A CSV file of pictures that are there already, with labels; nothing is drawn."),
    ] = None,
    images: Annotated[Path | None, typer.Option(help="The folder of a table's files, where not its own.")] = None,
    calibrate: Annotated[
        Path | None, typer.Option(help="A CSV file of labelled pictures on which the reader's errors are counted.")
    ] = None,
    reader: Readers = None,
    n: Annotated[int | None, typer.Option("-n", "--n", help="Pictures for each prompt.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="First seed.", min=0)] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the sampler, of both models.")] = None,
    device: Device = "cpu",
    engine: Engine = "local",
    batch: Batch = None,
    out: Annotated[Path | None, typer.Option(help="The audit's folder; what is there already is kept.")] = None,
    allow_network: Annotated[
        bool, typer.Option("--allow-network", help="Send prompts to the server of openai:MODEL.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files there that limn did not write.")] = False,
    json: Json = False,
) -> None:
    """Draw what is missing, read it, estimate, and write a report."""
    from limn.audit.run import audit
    from limn.io.cluster import read_engine

    files = {"prompts": prompts, "reference": reference}
    wanted = _study(study, None if pictures else model or USUAL, {"n": n, "seed": seed}, files)
    draws = {"guide": guide, "against-guide": against_guide, "against-normalise": against_normalise or None,
             "adapter": adapter, "against-adapter": against_adapter,
             "reader": reader, "steps": steps, "batch": batch,
             "engine": None if engine == "local" else engine}  # fmt: skip
    command = written(context)
    if pictures is not None:
        drawing: dict[str, Any] = {"model": model, "against": against, "n": n, "seed": seed, "prompts": prompts}
        drawing |= {**draws, "reader": None, "calibrate": calibrate}
        unused(drawing, "the pictures of a table are there already")
        _pictures(wanted, pictures, images, out, reader or [], command, json=json)
        return
    readers = _readers(wanted, reader, calibrate, images)
    sources: list[Source] = []
    cluster = read_engine(engine, device=device)
    if not wanted.probe().asks:
        unused(draws, f"{study.partition(':')[0]} draws nothing")
        wanted = _looking(wanted, model, against)
    else:
        sources = drawn_by(
            (model or USUAL, guide, adapter, False),
            (against or model or USUAL, against_guide, against_adapter, against_normalise),
            alone=not (against or against_adapter or against_guide is not None or against_normalise),
            steps=steps, device="cpu" if cluster else device, together=batch,
        )  # fmt: skip
    folder = out or OUT / "audits" / _folder_name(wanted, sources)
    consent(sources, wanted.probe(), folder, allowed=allow_network)
    asked = audit(wanted, sources, folder, readers=readers, command=command, force=force, engine=cluster)
    table = watched(asked, folder)
    tell_drawing(sources)
    write_report(folder, wanted, table, json=json, command=command)


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
    for note in listed.taken:
        console.say(f"limn: {path}: {note}")
    folder = out or OUT / "audits" / _folder_name(study, listed.sources)
    table = watched(audit_pictures(study, listed, folder, readers=readers, command=command), folder)
    write_report(folder, study, table, json=json, command=command)


def _readers(
    study: Study, names: Sequence[str] | None, labels: Path | None, images: Path | None
) -> Sequence[Reader | str] | None:
    """Return what reads; one that is calibrated by a table of labels."""
    if labels is None:
        unused({"images": images}, "is the folder of --pictures or of --calibrate")
        return names or None
    from limn.audit.readers.calibrated import Calibrated
    from limn.audit.readers.reader import open_reader

    chosen = names or study.read_by
    if len(chosen) != 1:
        raise InputError("calibrate: is for one reader; of several name one as calibrated:reader=NAME,labels=FILE")
    return [Calibrated(reader=open_reader(chosen[0]), labels=str(labels), images=str(images or ""))]


def _study(
    text: str, model: str | None, numbers: Mapping[str, int | None], files: Mapping[str, Path | None]
) -> Study:
    """Return a study with what has options of its own, and what suits the model where nothing is said."""
    from limn.audit.study import parse
    from limn.kernel import options

    taken = {name: file for name, file in files.items() if file is not None}
    study = parse(text, None if model is None else lambda: kind_of(model), taken)
    if model is not None and (fits := study.fitting(lambda: kind_of(model), {*options.fields(text), *taken})):
        settings = ", ".join(f"{name}={value}" for name, value in fits.items())
        console.say(f"limn: {model} draws {kind_of(model)}, so {settings}")
    study = replace(study, **{name: value for name, value in numbers.items() if value is not None})
    for name, file in taken.items():
        study = study.taking(name, file)
    return study


def _looking(study: Study, model: str | None, against: str | None) -> Study:
    """Put the models into a study that draws nothing."""
    known = {field.name for field in fields(study)}
    given = {name: value for name, value in (("encoder", model), ("against", against)) if value}
    unused({name: value for name, value in given.items() if name not in known}, "this study looks into no encoder")
    return replace(study, **given)  # type: ignore[arg-type]


def _folder_name(study: Study, sources: Sequence[Source]) -> str:
    """Name a folder so that the same audit with more pictures finds what is there."""
    from limn.kernel import registry

    what = {
        **registry.record(replace(study, n=1)),
        "sources": [[source.name, dict(source.settings)] for source in sources],
    }
    digest = hashlib.sha256(json_text.dumps(what, sort_keys=True).encode()).hexdigest()[:8]
    names = "-".join(re.sub(r"[^\w.-]+", "-", source.name).strip("-.") for source in sources)
    return "-".join(filter(None, (what["name"], names, digest)))
