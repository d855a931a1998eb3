"""The server put together: store, queue, worker, doors, and the shell around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

import limn
from limn import models
from limn.kernel.errors import InputError, LimnError
from limn.server import api, gallery, images, verbs
from limn.server.drawing import Studio
from limn.server.likeness import Likeness
from limn.server.queue import FullError, Queue
from limn.server.security import Access, App, Limits, Shell
from limn.server.state import State
from limn.server.worker import Worker
from limn.store import Store

PAGE: Final = Path(__file__).with_name("page")
ABOUT: Final = "Words into pictures. Send the token as `Authorization: Bearer TOKEN`."


def create(
    store: Store,
    access: Access,
    *,
    limits: Limits | None = None,
    device: str = "cpu",
    load: Callable[..., Any] = models.load,
    own: Sequence[str] = (),
) -> App:
    """Return the server as an ASGI application.

    Args:
        store: Where pictures go, and the queue is.
        access: Who may ask.
        limits: How much.
        device: Where models run.
        load: Loads a model by its name.
        own: Models that may be asked for beside those that need no path.

    Raises:
        InputError: A model is not there.
        StoreError: If another server works on the same store.
    """
    for name in own:
        models.locate(name)
    state = _state(store, access, limits or Limits(), Studio(store, device=device, load=load, own=own))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with gallery.only_server(store):
            state.worker.start()
            yield
            state.worker.stop()
            state.queue.close()

    app = FastAPI(
        title="limn", version=limn.__version__, description=ABOUT, lifespan=lifespan,
        docs_url=None, redoc_url=None, openapi_url="/api/openapi.json",
    )  # fmt: skip
    app.state.limn = state
    app.include_router(api.router)
    app.include_router(images.router)
    app.include_router(verbs.router)
    app.mount("/static", StaticFiles(directory=PAGE, check_dir=False), name="static")
    _handlers(app, state)

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @app.get("/health")
    def health() -> dict[str, str]:
        """Say that the server is there."""
        return {"limn": limn.__version__}

    return Shell(app, access, state.limits)


def _state(store: Store, access: Access, limits: Limits, studio: Studio) -> State:
    queue = Queue(store.root / "queue", limit=limits.wait)
    works = {"draw": studio.draw, "replay": studio.replay, "verb": verbs.work}
    worker = Worker(queue, studio.events, works)
    return State(
        store=store,
        studio=studio,
        queue=queue,
        worker=worker,
        access=access,
        limits=limits,
        likeness=Likeness(store),
    )


def _handlers(app: FastAPI, state: State) -> None:
    """Turn errors into one line in the shape of the door that was asked."""

    @app.exception_handler(LimnError)
    def told(request: Request, error: LimnError) -> JSONResponse:
        missing = isinstance(error, InputError) and str(error).endswith(("is not here", "may have been deleted"))
        status = 429 if isinstance(error, FullError) else 404 if missing else 422 if error.exit_code == 2 else 503
        return state.refused(
            request, 400 if status == 422 and request.url.path.startswith("/v1") else status, str(error)
        )

    @app.exception_handler(KeyError)
    def unknown(request: Request, error: KeyError) -> JSONResponse:
        return state.refused(request, 404, "job: there is none of this name")

    @app.exception_handler(RequestValidationError)
    def wrong(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "body"
        status = 400 if request.url.path.startswith("/v1") else 422
        return state.refused(request, status, f"{where}: {first['msg']}"[:300])

    @app.exception_handler(404)
    def nothing(request: Request, error: Exception) -> JSONResponse:
        return state.refused(request, 404, "path: there is no such thing")

    @app.exception_handler(405)
    def never(request: Request, error: Exception) -> JSONResponse:
        return state.refused(request, 405, "method: cannot be used here; see /api/openapi.json")
