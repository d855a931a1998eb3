"""limn as tools of an assistant, over the Model Context Protocol: draw, edit, look up what was drawn.

An answer is where the picture lies, the name of its record, and a small WebP, which the assistant sees.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

import limn
from limn import studio
from limn.io.pictures import file_bytes
from limn.kernel.errors import InputError, LimnError
from limn.provenance.seal import Seal
from limn.server.drawing import Studio
from limn.server.gallery import listed
from limn.store import Store, read_record
from limn.store.copies import copy_as

LARGEST: Final = 64_000
"""Bytes of the WebP in an answer."""

MOST: Final = 4
"""Pictures of an answer."""

ABOUT: Final = (
    "Draws pictures from words with small local models. `draw` first; `record` tells how a picture was made."
)

Prompt = Annotated[
    str, Field(description="What is to be seen, in a few plain words.", min_length=1, max_length=20_000)
]
Model = Annotated[str, Field(description="emoji (pictograms), shapes, muse, parti.")]
Seed = Annotated[int, Field(description="The same seed draws the same picture.", ge=0, lt=2**62)]
Count = Annotated[int, Field(description="Pictures; one for each seed from `seed` on.", ge=1, le=MOST)]
Steps = Annotated[int | None, Field(description="Steps of the sampler; the model's own if left out.", ge=1, le=1000)]
Scale = Annotated[float | None, Field(description="How strictly the words are followed.", ge=0, le=1000)]
Words = Annotated[str, Field(description="What must not be seen.", max_length=20_000)]
Style = Annotated[str | None, Field(description="One of the model's styles: 3d, flat, noto, twemoji for emoji.")]
File = Annotated[str, Field(description="Path of a PNG, JPEG or WebP.", max_length=4000)]
Box = Annotated[str | None, Field(description="Where to draw anew: left,top,right,bottom, from 0 to 1.")]
Strength = Annotated[float | None, Field(description="Without a box: how much changes.", gt=0, le=1)]
Search = Annotated[str, Field(max_length=1000)]
Limit = Annotated[int, Field(ge=1, le=50)]
Answer = list[Any]


def small(path: Path, largest: int = LARGEST) -> bytes:
    """Return a picture as WebP of at most so many bytes."""
    for side in (768, 512, 384, 256, 128, 64):
        data = copy_as(path, "webp", quality=85, side=side)
        if len(data) <= largest:
            return data
    raise InputError(f"{path.name}: cannot be made smaller than {largest:,} bytes")


def create(store: Store, shared: Studio) -> MCPServer:
    """Return the server of tools.

    Args:
        store: Where pictures go.
        shared: Models, and pictures that were sent.
    """
    server = MCPServer("limn", instructions=ABOUT, version=limn.__version__, log_level="CRITICAL")
    tools = Tools(store, shared)
    for tool in (tools.draw, tools.edit, tools.find, tools.record):
        server.add_tool(_told_errors(tool), structured_output=False)
    return server


class Tools:
    """What an assistant can do.

    Args:
        store: Where pictures go.
        shared: Models, and pictures that were sent.
    """

    def __init__(self, store: Store, shared: Studio) -> None:
        self.store, self.shared, self._lock = store, shared, threading.Lock()

    def draw(
        self, prompt: Prompt, model: Model = "emoji", seed: Seed = 0, n: Count = 1, steps: Steps = None,
        guidance: Scale = None, negative_prompt: Words = "", style: Style = None,
    ) -> Answer:  # fmt: skip
        """Draw pictures of what a prompt says; answers with file, record and a small copy of each."""
        given = {"n": n, "scale": guidance, "negative": negative_prompt or None, "style": style}
        return self._drawn({"prompts": [prompt], "model": model, "seed": seed, "steps": steps, **given})

    def edit(
        self, picture: File, prompt: Prompt, box: Box = None, strength: Strength = None, model: Model = "emoji",
        seed: Seed = 0, steps: Steps = None,
    ) -> Answer:  # fmt: skip
        """Draw a part of a picture anew, or turn all of it towards other words."""
        sent = self.shared.uploads.add(file_bytes(picture, field="picture"), name="picture")
        change = {"picture": sent, "box": box, "strength": strength}
        change = {name: value for name, value in change.items() if value is not None}
        return self._drawn({"prompts": [prompt], "model": model, "seed": seed, "steps": steps, "edit": change})

    def find(self, search: Search = "", limit: Limit = 10) -> str:
        """List what was drawn, newest first: runs whose prompts have all words of a search."""
        return json.dumps(listed(self.store, search=search, limit=limit))

    def record(self, picture: File) -> str:
        """Tell how a picture that limn drew was made: prompt, seed, model, steps, guidance, versions."""
        return json.dumps(read_record(Path(picture).expanduser()))

    def _drawn(self, form: dict[str, Any]) -> Answer:
        with self._lock:
            generator, made = self.shared.complete({name: it for name, it in form.items() if it is not None})
            paths, flaws = list[Path](), list[str]()
            for request in made:
                for event in studio.generate(generator, request, self.store, device=self.shared.device, seal=Seal()):
                    if isinstance(event, studio.Kept | studio.Drawn):
                        paths.append(event.path)
                    elif isinstance(event, studio.Failed):
                        flaws.append(event.picture.flaw)
        if not paths:
            raise InputError(f"picture: could not be drawn: {flaws[0]}")
        return [part for path in paths for part in (_told(path), Image(data=small(path), format="webp"))]


def _told_errors(tool: Callable[..., Any]) -> Callable[..., Any]:
    """Return a tool whose errors reach the assistant in their one line."""

    @functools.wraps(tool)
    def call(**given: Any) -> Any:
        try:
            return tool(**given)
        except LimnError as error:
            raise ToolError(str(error)) from error

    return call


def _told(path: Path) -> str:
    """Return what is told of a picture beside its copy."""
    try:
        told = read_record(path)
    except LimnError:
        told = {}
    prompt = told.get("prompt")
    facts = {"prompt": prompt.get("text") if isinstance(prompt, dict) else prompt, "seed": told.get("seed")}
    return json.dumps({"path": str(path), "record": f"{path.parent.name}/{told.get('index', 0)}", **facts})
