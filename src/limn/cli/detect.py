"""``limn detect``: what a picture's file tells of where it came from."""

from __future__ import annotations

import json as json_text
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from limn.cli import console
from limn.cli.options import Json
from limn.io.files import read_bounded
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.studio.detecting import Facts

Files = Annotated[list[Path], typer.Argument(help="Pictures: PNG, JPEG, WebP or SVG.", show_default=False)]
Trust = Annotated[list[Path] | None, typer.Option(help="A PEM file of authorities to trust beside your own.")]
Key = Annotated[Path | None, typer.Option(help="A mark.key to look for instead of your own.")]


def detect(files: Files, trust: Trust = None, key: Key = None, json: Json = False) -> None:
    """Tell of each picture, separately: its record, this machine's mark in its pixels, its credential.

    Nothing here says that a picture is real: what a picture does not carry, it may have lost.
    """
    from limn.provenance.authority import MAX_PEM, authority, mark_key
    from limn.studio.detecting import facts

    signs = all(find_spec(name) for name in ("c2pa", "cryptography"))
    more = [read_bounded(path, MAX_PEM, "give a PEM file", error=InputError) for path in trust or ()]
    anchors = b"\n".join([authority().anchors, *more]) if signs else None
    secret = None
    if find_spec("reedsolo"):
        secret = read_bounded(key, MAX_PEM, "give a key", error=InputError).strip() if key else mark_key()
    result = {str(path): facts(path, secret, anchors) for path in files}
    if json:
        print(json_text.dumps({name: row.told() for name, row in result.items()}, indent=2))
        return
    for name, row in result.items():
        for line in _lines(row):
            console.result(f"{name}: {line}")


def _lines(row: Facts) -> list[str]:
    record: dict[str, Any] = row.record
    facts = f"seed {record.get('seed')}, {record.get('model')}"
    if row.vector and record:
        facts = f"traced from {record['traced'].get('of', {}).get('file')}"
    words = f"{record.get('tool')}: {record.get('prompt', '')!r}, {facts}"
    lines = [f"record: {words} (by {record['source']})" if record else "record: none"]
    if row.vector:
        lines.append("mark: none; a vector file has no pixels to be marked")
    elif row.mark is None:
        lines.append("mark: not looked for; install limn[provenance]")
    else:
        state = "found" if row.mark.marked else "none found, which says nothing"
        carried = f", carries {row.mark.message.hex()}" if row.mark.message else ""
        lines.append(f"mark: {state} (p {row.mark.p_value:.1e}; found from 1e-06 down, by your key{carried})")
    if row.credential is None:
        lines.append("credential: not checked; install limn[provenance]")
    else:
        signer = (
            f" (signed by {row.credential.signer}, made by {row.credential.claims})" if row.credential.signer else ""
        )
        problems = f": {', '.join(row.credential.problems)}" if row.credential.state == "broken" else ""
        lines.append(f"credential: {row.credential.state}{problems}{signer}")
    return lines
