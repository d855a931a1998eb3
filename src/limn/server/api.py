"""limn's own doors: jobs, pictures, what can be chosen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import Field

from limn import models
from limn.kernel import registry
from limn.kernel.description import describe
from limn.kernel.errors import InputError
from limn.kernel.request import options
from limn.server import gallery, objects
from limn.server.forms import Drawing, Form
from limn.server.queue import Job
from limn.server.state import State
from limn.text import wildcards

router = APIRouter(prefix="/api")
SEARCHED = 500

Key = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Index = Annotated[int, Field(ge=0, lt=1_000_000)]
Some = Annotated[int, Field(ge=1, le=SEARCHED)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Words = Annotated[str, Field(max_length=1000)]
Wait = Annotated[float, Field(ge=0, le=60)]


class Session(Form):
    """A token, to be kept by the browser as a cookie that scripts cannot read."""

    token: Annotated[str, Field(max_length=400)]


class Place(Form):
    """Where a job is put among those that wait, counted from 0."""

    place: Annotated[int, Field(ge=0, le=10**6)]


class Picture(Form):
    """A picture of the store."""

    key: Key
    index: Index


class Replay(Picture):
    """A picture that is to be drawn again and compared."""

    kind: Literal["replay"] = "replay"


class Export(Form):
    """Pictures that are to be packed."""

    pictures: Annotated[list[Picture], Field(min_length=1, max_length=1000)]


class Likeness(Form):
    """A sentence, or a picture that was sent, or one of the store: what is to be found that is like it."""

    text: Annotated[str, Field(max_length=2000)] | None = None
    upload: Key | None = None
    picture: Picture | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 24


def told(job: Job, state: State) -> dict[str, Any]:
    """Return a job as JSON, with how far it is."""
    about = asdict(job)
    if not job.ended:
        about |= {"ahead": state.queue.ahead(job.id) if job.state == "waiting" else 0}
        about["progress"] = {
            name: value for name, value in state.studio.events.last(job.id).items() if name != "preview"
        }
    return about


def _state(request: Request) -> State:
    return request.app.state.limn  # type: ignore[no-any-return]


@router.post("/session", status_code=204)
def begin_session(form: Session, request: Request) -> Response:
    """Trade the token for a cookie."""
    state, answer = _state(request), Response(status_code=204)
    if not state.access.knows(form.token):
        return state.refused(request, 401, "token: is another; copy it from where the server was started")
    answer.set_cookie(state.access.cookie, form.token, httponly=True, samesite="strict", path="/")
    return answer


@router.post("/jobs", status_code=202)
def add_job(form: Drawing, request: Request) -> dict[str, Any]:
    """Accept a drawing; once this answers, it will be drawn, even if the server is killed in between."""
    state = _state(request)
    given = form.model_dump(exclude_none=True, exclude={"kind"})
    state.studio.complete(given)  # says at once what is wrong
    return told(state.queue.add("draw", given), state)


@router.post("/replays", status_code=202)
def add_replay(form: Replay, request: Request) -> dict[str, Any]:
    """Accept a picture to be drawn again from its record, and compared bit by bit."""
    state = _state(request)
    path = gallery.picture(state.store, form.key, form.index)
    return told(state.queue.add("replay", {"path": str(path), "key": form.key, "index": form.index}), state)


@router.get("/jobs")
def list_jobs(request: Request, limit: Some = 100) -> list[dict[str, Any]]:
    """Return jobs: at work, waiting in their order, then those that ended."""
    state = _state(request)
    return [told(job, state) for job in state.queue.list(limit)]


@router.get("/jobs/{name}")
async def get_job(name: str, request: Request, wait: Wait = 0.0) -> dict[str, Any]:
    """Return a job; where it is to be waited for, when it has ended or after so many seconds."""
    state = _state(request)
    if wait and not state.queue.get(name).ended:
        await state.ended(name, wait)
    return told(state.queue.get(name), state)


@router.delete("/jobs/{name}")
def cancel_job(name: str, request: Request) -> dict[str, Any]:
    """Take a job out of the queue; one at work stops within a step."""
    state = _state(request)
    return told(state.worker.cancel(name), state)


@router.post("/jobs/{name}/place")
def move_job(name: str, form: Place, request: Request) -> list[dict[str, Any]]:
    """Put a waiting job at another place."""
    state = _state(request)
    state.queue.move(name, form.place)
    return [told(job, state) for job in state.queue.list(100)]


@router.get("/jobs/{name}/events")
async def job_events(name: str, request: Request) -> StreamingResponse:
    """Tell, as server-sent events, what happens to a job until it ends: steps, guesses, pictures."""
    state = _state(request)
    state.queue.get(name)

    async def stream() -> AsyncIterator[str]:
        async for event in state.happenings(name):
            yield f"data: {json.dumps(event)}\n\n" if event else ": still here\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


@router.post("/explain")
def explain(form: Drawing, request: Request) -> dict[str, Any]:
    """Say what a drawing would cost: forward passes and rows of its first step, for one picture."""
    return _state(request).studio.explain(form.model_dump(exclude_none=True, exclude={"kind"}))


@router.post("/uploads", status_code=201)
def upload(file: UploadFile, request: Request) -> dict[str, Any]:
    """Keep a PNG, JPEG or WebP, to be named in forms."""
    uploads = _state(request).studio.uploads
    name = uploads.add(file.file.read(), name=(file.filename or "picture")[:60])
    return {"id": name}


@router.get("/uploads/{name}", response_class=FileResponse)
def get_upload(name: Key, request: Request) -> FileResponse:
    """Return a picture that was sent."""
    return FileResponse(_state(request).studio.uploads.path(name), media_type="image/png")


@router.get("/options")
def get_options(request: Request) -> dict[str, Any]:
    """Return everything that can be chosen: options, models, guidances, samplers, lists of words."""
    kinds = ("guidance", "samplers", "learners")
    parts = {kind: [asdict(describe(kind, name)) for name in registry.names(kind)] for kind in kinds}
    return {
        "options": {
            name: {"kind": it.kind.__name__, "about": it.about, "many": it.many} for name, it in options().items()
        },
        "models": [
            {"name": name, "solid": models.solid(name), **models.describe(name)}
            for name in _state(request).studio.names
        ],
        "wildcards": wildcards.names(),
        "studies": registry.names("studies"),
        **parts,
    }


@router.get("/runs")
def get_runs(
    request: Request, search: Words = "", model: Words = "", since: date | None = None, until: date | None = None,
    limit: Some = 60, offset: Count = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return runs, newest first, whose prompts have all words of a search, of a model and of some days."""
    days = {"since": str(since or ""), "until": str(until or "")}
    return gallery.listed(_state(request).store, search=search, model=model, limit=limit, offset=offset, **days)


@router.get("/pictures/{key}/{index}", response_class=FileResponse)
def get_picture(key: Key, index: Index, request: Request) -> FileResponse:
    """Return a picture's file as it lies in the store."""
    path = gallery.picture(_state(request).store, key, index)
    return FileResponse(path, media_type="image/png", headers={"cache-control": "private, max-age=60"})


@router.get("/pictures/{key}/{index}/record")
def get_record(key: Key, index: Index, request: Request) -> dict[str, Any]:
    """Return a picture's record."""
    return gallery.record(_state(request).store, key, index)


@router.get("/pictures/{key}/{index}/{kind}", response_class=FileResponse)
def get_beside(
    key: Key, index: Index, kind: Literal["turntable", "mesh", "depth"], request: Request
) -> FileResponse:
    """Return what stands beside the picture of a thing in three dimensions."""
    return FileResponse(objects.file(_state(request).store, key, index, kind), media_type=objects.TYPES[kind])


@router.delete("/pictures/{key}/{index}")
def delete_picture(key: Key, index: Index, request: Request) -> dict[str, str]:
    """Put a picture into the bin, a folder of the store."""
    return {"bin": gallery.delete(_state(request).store, key, index)}


@router.get("/grids/{name}", response_class=FileResponse)
def get_grid(name: Annotated[str, Field(pattern=r"^[0-9a-f]{16}\.png$")], request: Request) -> FileResponse:
    """Return the labelled sheet of a grid."""
    return FileResponse(_state(request).file("grids", name), media_type="image/png")


@router.post("/differences")
def get_differences(
    form: Annotated[list[Picture], Field(min_length=2, max_length=2)], request: Request
) -> list[dict[str, Any]]:
    """Return what the records of two pictures say differently."""
    store = _state(request).store
    return gallery.differences(*(gallery.record(store, one.key, one.index) for one in form))


@router.post("/likeness")
def find_alike(form: Likeness, request: Request) -> list[dict[str, Any]]:
    """Return the pictures of the store that a judge finds most like a sentence or a picture."""
    state = _state(request)
    path = state.studio.uploads.path(form.upload) if form.upload else None
    if form.picture:
        path = gallery.picture(state.store, form.picture.key, form.picture.index)
    if not path and not (form.text or "").strip():
        raise InputError("likeness: nothing was given to compare with; give words or a picture")
    return state.likeness.nearest(path or str(form.text), form.limit)


@router.post("/export")
def get_export(form: Export, request: Request) -> Response:
    """Return pictures as a ZIP file."""
    data = gallery.export(_state(request).store, [(one.key, one.index) for one in form.pictures])
    return Response(
        data, media_type="application/zip", headers={"content-disposition": 'attachment; filename="limn.zip"'}
    )
