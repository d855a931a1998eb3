"""The address that a server listens at."""

from __future__ import annotations

import socket
from typing import Any

from limn.kernel.errors import InputError


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; who asks before the server is there waits for it.

    Args:
        host: Name or number.
        port: 0 for any that is free.

    Raises:
        InputError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise InputError(
            f"port: {host}:{port} cannot be had ({error.strerror}); choose another with --port"
        ) from None
    return listening


def settings(app: Any, *, head: float = 10.0) -> Any:
    """Return how uvicorn serves an application: quiet, and with bounds on what clients may hold.

    Args:
        app: What is served.
        head: Seconds in which the first request of a connection must come.
    """
    import uvicorn

    return uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, limit_concurrency=512, ws="none",
        timeout_keep_alive=10, timeout_graceful_shutdown=5, h11_max_incomplete_event_size=65536,
        http=_patient_protocol(head),
    )  # fmt: skip


def _patient_protocol(seconds: float) -> type[Any]:
    """Return uvicorn's protocol of HTTP/1.1, which ends connections whose first request does not come in time."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Patient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.loop.call_later(seconds, self._check)

        def _check(self) -> None:
            if getattr(self, "cycle", None) is None:
                self.transport.close()

    return Patient
