"""``limn mcp``: limn as tools of an assistant, over standard input and output."""

from __future__ import annotations

from limn.cli.options import OUT, Device, Out
from limn.kernel.errors import InputError


def mcp(out: Out = OUT, device: Device = "cpu") -> None:
    """Serve the tools draw, edit, find and record to an assistant, over standard input and output (MCP)."""
    try:
        from limn.server.mcp import create
    except ModuleNotFoundError as error:
        raise InputError(f"mcp: {error.name} is missing; install limn[studio]") from error
    from limn.server.drawing import Studio
    from limn.store import Store
    from limn.studio import check_device

    store = Store(out)
    create(store, Studio(store, device=check_device(device))).run()
