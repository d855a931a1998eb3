"""The door that clients of OpenAI's images API know: generations, edits, models; errors in its shape.

``seed``, ``steps``, ``guidance`` and ``negative_prompt`` are taken beside its own fields. What limn has no use for
(``user``, ``moderation``, ...) is named in the header ``x-limn-unused``; what it cannot do is refused.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Final, Literal

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from limn.io.pictures import decode
from limn.kernel.errors import InputError
from limn.provenance.seal import Seal
from limn.server import gallery
from limn.server.state import State
from limn.store.copies import FORMATS, copy_as

router = APIRouter(prefix="/v1")

STEPS: Final = {"low": 0.5, "medium": 1.0, "auto": 1.0, "standard": 1.0, "high": 2.0, "hd": 2.0}
"""How many times a model's own steps a quality takes."""

UNUSED: Final = ("user", "moderation", "safety_identifier", "input_fidelity", "style", "response_format")

Quality = Literal["low", "medium", "high", "auto", "standard", "hd"]


class Generation(BaseModel):
    """A picture by words, as OpenAI's API asks for it, with limn's options beside."""

    model_config = ConfigDict(extra="forbid")

    prompt: Annotated[str, Field(min_length=1, max_length=20_000)]
    model: Annotated[str, Field(max_length=200)] | None = None
    n: Annotated[int, Field(ge=1, le=10)] | None = 1
    size: Annotated[str, Field(max_length=20)] | None = None
    quality: Quality | None = None
    background: Literal["auto", "opaque", "transparent"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    stream: bool | None = None
    partial_images: Annotated[int, Field(ge=0, le=3)] | None = None
    user: Annotated[str, Field(max_length=1000)] | None = None
    moderation: Annotated[str, Field(max_length=20)] | None = None
    safety_identifier: Annotated[str, Field(max_length=1000)] | None = None
    input_fidelity: Annotated[str, Field(max_length=20)] | None = None
    style: Annotated[str, Field(max_length=100)] | None = None
    response_format: Literal["b64_json", "url"] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63 - 20)] | None = None
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    guidance: Annotated[float, Field(allow_inf_nan=False, ge=0, le=1000)] | None = None
    negative_prompt: Annotated[str, Field(max_length=20_000)] | None = None


class Error(BaseModel):
    """An error in the shape of OpenAI's API."""

    error: dict[str, Any]


WRONG: Final[dict[int | str, dict[str, Any]]] = {400: {"model": Error}, 429: {"model": Error}}


@router.get("/models")
def list_models(request: Request) -> dict[str, Any]:
    """Return the models, in OpenAI's form."""
    names = request.app.state.limn.studio.names
    rows = [{"id": name, "object": "model", "created": 0, "owned_by": "limn"} for name in names]
    return {"object": "list", "data": rows}


@router.get("/models/{name:path}")
def get_model(name: str, request: Request) -> dict[str, Any]:
    """Return a model, in OpenAI's form."""
    if name not in request.app.state.limn.studio.names:
        raise InputError(f"model: {name[:60]!r} is not here")
    return {"id": name, "object": "model", "created": 0, "owned_by": "limn"}


@router.post("/images/generations", responses=WRONG)
async def generations(form: Generation, request: Request) -> Response:
    """Draw pictures by words."""
    return await _answered(request, form, {}, "image_generation")


@router.post("/images/edits", responses=WRONG)
async def edits(request: Request) -> Response:
    """Draw a picture anew, where a mask is transparent, or all of it."""
    state: State = request.app.state.limn
    async with request.form(max_files=17, max_fields=40) as sent:
        given = {name: value for name, value in sent.items() if isinstance(value, str)}
        try:
            form = Generation.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return state.refused(request, 400, f"{where}: {first['msg']}")
        pictures = [
            part for name in ("image", "image[]") for part in sent.getlist(name) if not isinstance(part, str)
        ]
        if len(pictures) != 1:
            raise InputError(f"image: {len(pictures)} given; give one picture to edit")
        edit = {"picture": await asyncio.to_thread(state.studio.uploads.add, await pictures[0].read())}
        mask = sent.get("mask")
        if mask is not None and not isinstance(mask, str):
            edit["mask"] = await asyncio.to_thread(_mask, state, await mask.read())
    return await _answered(request, form, {"edit": edit}, "image_edit")


def _mask(state: State, data: bytes) -> str:
    """Keep a mask: what is transparent in it is drawn anew."""
    picture = decode(data, name="mask", max_pixels=16_000_000)
    if picture.mode != "RGBA":
        raise InputError("mask: has no transparency; what is to be drawn anew must be transparent")
    clear = np.where(np.asarray(picture)[..., 3] < 128, 255, 0).astype(np.uint8)
    return state.studio.uploads.keep(Image.fromarray(clear).convert("RGB"))


def _form(form: Generation, state: State) -> dict[str, Any]:
    """Return a drawing's form, as limn's own door takes it."""
    if form.background == "transparent":
        raise InputError("background: transparent cannot be drawn; leave it out")
    if form.response_format == "url":
        raise InputError("response_format: pictures are answered as b64_json only; leave it out")
    known = state.studio.names
    model = form.model if form.model in known else None
    if form.model and model is None and not form.model.startswith(("gpt-image", "dall-e", "chatgpt-image")):
        raise InputError(f"model: {form.model[:60]!r} is not here; choose from: {', '.join(known)}")
    name = model or "emoji"
    given: dict[str, Any] = {"prompts": [form.prompt], "model": name, "n": form.n or 1}
    optional = {"seed": form.seed, "steps": form.steps, "scale": form.guidance, "negative": form.negative_prompt}
    optional["size"] = None if form.size in (None, "auto") else form.size
    given |= {key: value for key, value in optional.items() if value is not None}
    times = STEPS[form.quality or "auto"]
    if form.steps is None and times != 1:
        given["steps"] = max(1, min(1000, round(state.studio.generator(name).main.steps * times)))
    if form.stream:
        given["partial"] = form.partial_images or 0
    return given


async def _answered(request: Request, form: Generation, more: Mapping[str, Any], kind: str) -> Response:
    state: State = request.app.state.limn
    given = {**await asyncio.to_thread(_form, form, state), **more}
    _, made = await asyncio.to_thread(state.studio.complete, given)
    size = made[0].size or (0, 0)
    about = {
        "size": f"{size[1]}x{size[0]}", "quality": form.quality or "auto", "background": "opaque",
        "output_format": form.output_format or "png",
    }  # fmt: skip
    unused = [name for name in UNUSED if getattr(form, name) is not None]
    unused += ["model"] if form.model and form.model != given["model"] else []
    headers = {"x-limn-model": given["model"], **({"x-limn-unused": ", ".join(unused)} if unused else {})}
    job = await asyncio.to_thread(state.queue.add, "draw", given)
    if form.stream:
        lines = _stream(state, job.id, form, kind, about)
        return StreamingResponse(lines, media_type="text/event-stream", headers=headers)
    async for event in state.happenings(job.id, previews=False):
        if await request.is_disconnected():
            state.worker.cancel(job.id)
            return Response(status_code=499)
        if event.get("ended"):
            break
    if event["state"] != "done":
        return state.refused(
            request, 500 if event["state"] == "failed" else 409, event["problem"] or "job: was cancelled"
        )
    data = [{"b64_json": await asyncio.to_thread(_packed, state, one, form)} for one in event["result"]["pictures"]]
    return JSONResponse({"created": int(time.time()), **about, "data": data, "usage": _usage()}, headers=headers)


async def _stream(
    state: State, job: str, form: Generation, kind: str, about: Mapping[str, Any]
) -> AsyncIterator[str]:
    """Give the events of OpenAI's stream; where the client goes, the work stops within a step."""
    partial, ended = 0, False
    try:
        async for event in state.happenings(job, previews=bool(form.partial_images)):
            common = {"created_at": int(time.time()), **about}
            if event.get("preview") and partial < (form.partial_images or 0):
                told = {
                    "b64_json": event["preview"],
                    "partial_image_index": partial,
                    **common,
                    "output_format": "png",
                }
                partial += 1
                yield _event(f"{kind}.partial_image", told)
            if event.get("ended"):
                ended = True
                if event["state"] != "done":
                    yield _event(
                        "error",
                        {"error": {"message": event["problem"] or "job: was cancelled", "type": "server_error"}},
                    )
                for one in event.get("result", {}).get("pictures", ()):
                    packed = await asyncio.to_thread(_packed, state, one, form)
                    yield _event(f"{kind}.completed", {"b64_json": packed, **common, "usage": _usage()})
    finally:
        if not ended:
            state.worker.cancel(job)


def _event(kind: str, told: Mapping[str, Any]) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **told})}\n\n"


def _packed(state: State, one: Mapping[str, Any], form: Generation) -> str:
    """Return a picture as base64, in the format asked for."""
    path = gallery.picture(state.store, one["key"], one["index"])
    if (form.output_format or "png") == "png":
        return base64.b64encode(path.read_bytes()).decode()
    assert form.output_format in FORMATS
    quality = 100 if form.output_compression is None else form.output_compression
    copy = Seal().signed(copy_as(path, form.output_format, quality=quality), form.output_format.upper())
    return base64.b64encode(copy).decode()


def _usage() -> dict[str, Any]:
    """Tokens, which limn does not count by; clients want the field."""
    details = {"text_tokens": 0, "image_tokens": 0}
    return {"total_tokens": 0, "input_tokens": 0, "output_tokens": 0, "input_tokens_details": details}
