"""What may be asked over the network: the options of a request, checked, and no path that leads out of the store."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.options import Option
from limn.kernel.prompt import MAX_CHARACTERS, Prompt, Region
from limn.kernel.request import Request, options
from limn.server.uploads import Uploads
from limn.studio.asking import decided, requests
from limn.studio.axes import Axis

MAX_WORK: Final = 2**28
"""Most pixels of a job: pictures times height times width."""

MAX_COUNT: Final = 64
"""Most items of a list in a form."""

Text = Annotated[str, Field(max_length=MAX_CHARACTERS)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Form(BaseModel):
    """A form that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", strict=False)


class Edit(Form):
    """An edit: which picture, where, how far; as ``limn edit``."""

    picture: Digest
    mask: Digest | None = None
    box: Annotated[str, Field(max_length=100)] | None = None
    extend: Annotated[str, Field(max_length=40)] | None = None
    strength: Annotated[float, Field(gt=0, le=1)] | None = None
    resample: Annotated[int, Field(ge=1, le=100)] | None = None
    invert: bool | None = None
    source: Text | None = None


def _field(name: str, option: Option) -> Any:
    kind: Any = Text if option.kind is str else Annotated[option.kind, Field(allow_inf_nan=False)] if (
        option.kind is float) else option.kind  # fmt: skip
    if option.many:
        kind = Annotated[list[kind], Field(max_length=MAX_COUNT)]
    return (kind | None, Field(default=None, description=option.about))


Options: Any = create_model("Options", __base__=Form, **{name: _field(name, it) for name, it in options().items()})
"""Every option of :class:`limn.kernel.request.Request`, by its name."""


class Drawing(Options):  # type: ignore[misc]
    """A drawing: prompts and the options of ``limn generate``, perhaps an edit, perhaps the axes of a grid."""

    kind: Literal["draw"] = "draw"
    prompts: Annotated[list[Text], Field(min_length=1, max_length=MAX_COUNT)]
    pictures: Annotated[list[Digest], Field(max_length=8, default_factory=list)]
    edit: Edit | None = None
    grid_x: Annotated[str, Field(max_length=2000)] | None = None
    grid_y: Annotated[str, Field(max_length=2000)] | None = None
    turntable: bool = False
    mesh: bool = False
    depth: bool = False
    partial: Annotated[int, Field(ge=0, le=10)] = 0
    mark: bool = True
    sign: bool = True


def asked(form: Mapping[str, Any], uploads: Uploads) -> list[Request]:
    """Return the requests of a form of :class:`Drawing`.

    Raises:
        InputError: If a value cannot be used, names a file outside the store, or asks for too much.
    """
    given = {name: form[name] for name in options() if form.get(name) is not None}
    given["model"] = uploads.model(given.get("model", "emoji"))
    given["adapter"] = [uploads.adapter(text) for text in given.get("adapter", ())]
    given["guide"] = [guidance(text, uploads) for text in given.get("guide", ())]
    if given.get("regions"):
        given["regions"] = uploads.named(given["regions"])
        _within(given["regions"], uploads)
    images = tuple(uploads.path(digest).read_bytes() for digest in form.get("pictures", ()))
    axes = [Axis.parse(text) if text else None for text in (form.get("grid_x"), form.get("grid_y"))]
    for text in (form.get("grid_x") or "", form.get("grid_y") or ""):
        if re.match(r"\s*(guide|adapter|model)\s*=", text):
            raise InputError("grid: guide and adapter change on the command line only; choose another axis")
    rows: list[Any] = [{"prompt": Prompt(text, images)} for text in form["prompts"]]
    rows, given["n"] = decided(rows, given.get("n", 1), given.get("seed", 0))
    return [_placed(request, uploads) for request in requests(rows, given, axes)]


def check_work(made: list[Request]) -> None:
    """Refuse complete requests that together are too much for one job."""
    work = sum(len(request.prompts) * request.n * math.prod(request.size or ()) for request in made)
    if work > MAX_WORK:
        raise InputError(
            f"pictures: {work:,} pixels in one job; at most {MAX_WORK:,}, ask for fewer or smaller ones"
        )


def guidance(text: str, uploads: Uploads) -> str:
    """Return a guidance's text with the files of what was sent in it, once all files that it reads were checked."""
    named = uploads.named(text)
    part: Any = registry.parse("guidance", named)
    for path in part.files:
        _within(path, uploads)
    for name in part.adapters:
        if name.partition(":")[0].endswith(".safetensors"):
            _within(name.partition(":")[0], uploads)
        else:
            uploads.model(name)
    return named


def _placed(request: Request, uploads: Uploads) -> Request:
    """Return a request whose regions name adapters that were learned here."""
    regions = [
        replace(region, adapter=uploads.adapter(region.adapter))
        if isinstance(region, Region) and region.adapter
        else region
        for region in request.region
    ]
    return replace(request, region=tuple(regions))


def _within(path: str, uploads: Uploads) -> None:
    if not uploads.within(path):
        raise InputError(
            f"{Path(path).name[:60]!r}: is not of this studio; send the file first, and name it upload:NAME"
        )
