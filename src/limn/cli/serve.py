"""``limn serve`` and ``limn studio``: limn behind programs and in the browser."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer

from limn.cli import console
from limn.cli.options import OUT, Device, Out
from limn.kernel.errors import InputError

Host = Annotated[
    str, typer.Option(help="The address to listen at; any other than this machine's own is reachable by others.")
]
Port = Annotated[int, typer.Option(help="The port; 0 for any that is free.", min=0, max=65535)]
Name = Annotated[
    str, typer.Option("--name", help="The name by which others reach this machine, where that is not --host.")
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="A model folder, file or pulled model to offer beside those that limn brings."),
]
TOKEN = "LIMN_TOKEN"
"""The environment's variable that may hold the token."""


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8650,
    name: Name = "",
    out: Out = OUT,
    device: Device = "cpu",
    model: Models = None,
) -> None:
    """Serve limn's own API, and the images API that clients of OpenAI's know, until Ctrl-C.

    Only this machine can ask unless --host says otherwise, and only with the token: LIMN_TOKEN, or one that is made
    and printed. What was accepted is finished, even after a kill.
    """
    _serve(host, port, name, out, device, model, show=False)


def studio(
    host: Host = "127.0.0.1",
    port: Port = 8650,
    name: Name = "",
    out: Out = OUT,
    device: Device = "cpu",
    model: Models = None,
) -> None:
    """Open limn in the browser, and serve as limn serve does, until Ctrl-C."""
    _serve(host, port, name, out, device, model, show=True)


def _serve(host: str, port: int, name: str, out: Path, device: str, own: list[str] | None, *, show: bool) -> None:
    try:
        import uvicorn

        from limn.server.app import create
    except ModuleNotFoundError as error:
        raise InputError(f"serve: {error.name} is missing; install limn[studio]") from error
    from limn.server.security import Access
    from limn.server.sockets import bound, settings
    from limn.store import Store
    from limn.studio import check_device

    token = os.environ.get(TOKEN) or secrets.token_urlsafe(24)
    if len(token) < 16:
        raise InputError(f"{TOKEN}: is shorter than 16 characters; make a longer one, or leave it out")
    socket = bound(host, port)
    port = socket.getsockname()[1]
    access = Access.of(token, name or host, port)
    app: Any = create(Store(out), access, device=check_device(device), own=own or ())
    known = name or host
    address = f"http://{f'[{known}]' if ':' in known else known}:{port}/"
    console.say(f"limn: serving {address}, pictures in {out}; Ctrl-C ends")
    if os.environ.get(TOKEN) is None:
        console.say(f"limn: the token is {token}")
    if show:
        _open(f"{address}#token={token}")
    uvicorn.Server(settings(app)).run(sockets=[socket])


def _open(address: str) -> None:
    """Open the page where there is a browser; the token stands behind #, which is sent to no server."""
    import webbrowser

    if not webbrowser.open(address):
        console.say(f"limn: open {address}")
