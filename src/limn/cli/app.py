"""The verbs of the command line, put together."""

from __future__ import annotations

from typing import Annotated

import typer

import limn
from limn.cli import (
    adapt3d,
    adapters,
    audit,
    cite,
    data,
    detect,
    doctor,
    edit,
    generate,
    index,
    learn,
    mcp,
    models,
    parts,
    plugins,
    pull,
    runs,
    scene,
    serve,
    synth,
    trace,
    train,
    upscale,
)

app = typer.Typer(
    name="limn",
    help="Words into pictures.",
    # Plain help needs no rich, which keeps `limn --help` quick.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"limn {limn.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error came from; may stand anywhere.")
    ] = False,
) -> None:
    """Words into pictures."""


app.command("generate")(generate.generate)
app.command("detect")(detect.detect)
app.command("scene")(scene.scene)
app.command("edit")(edit.edit)
app.command("upscale")(upscale.upscale)
app.command("index")(index.index)
app.command("trace")(trace.trace)
app.command("learn")(learn.learn)
app.command("adapt3d")(adapt3d.adapt3d)
for kind, noun, about in (
    ("guidance", "guide", "List the ways of steering, and show one."),
    ("samplers", "sampler", "List the walks from noise to picture, and show one."),
    ("readers", "reader", "List what reads pictures for audits, and show one."),
    ("learners", "learner", "List the ways of learning, and show one."),
):
    app.add_typer(parts.app(kind, noun, about), name=noun)
app.add_typer(adapters.app, name="adapters")
app.command("plugins")(plugins.plugins)
app.command("models")(models.models)
app.command("pull")(pull.pull)
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")
app.add_typer(audit.app, name="audit")
app.command("serve")(serve.serve)
app.command("studio")(serve.studio)
app.add_typer(synth.app, name="synth")
app.command("mcp")(mcp.mcp)
app.command("train")(train.train)
app.command("doctor")(doctor.doctor)
app.command("cite")(cite.cite)
