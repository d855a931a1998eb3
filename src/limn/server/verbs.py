"""Learning and audits: the command line's own verbs as processes of their own, which go on after a stop."""

from __future__ import annotations

import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import Field

from limn.io.files import read_bounded
from limn.io.targets import check_name, check_unlinked
from limn.kernel import registry
from limn.kernel.errors import InputError, LimnError, unknown_name
from limn.server.api import told
from limn.server.forms import Digest, Form
from limn.server.queue import Job
from limn.server.state import State

router = APIRouter(prefix="/api")

POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'self'"
)
"""Of a report, which is a page of its own: it runs apart from ours, and reaches nothing."""

MAX_REPORT: Final = 2**27
_PAUSE: Final = 0.3
_CODES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

Word = Annotated[str, Field(pattern=r"^\w[\w -]{0,60}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,60}$")]


class Learning(Form):
    """What is to be learned from pictures; as ``limn learn``."""

    kind: Literal["learn"] = "learn"
    method: Name
    name: Name
    pictures: Annotated[list[Digest], Field(min_length=1, max_length=100)]
    model: Annotated[str, Field(max_length=200)] = "emoji"
    word: Word | None = None
    thing: Word | None = None
    steps: Annotated[int, Field(ge=1, le=100_000)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0


class Audit(Form):
    """Which study, of which model; as ``limn audit``."""

    kind: Literal["audit"] = "audit"
    study: Name
    model: Annotated[str, Field(max_length=200)] = "emoji"
    n: Annotated[int, Field(ge=1, le=1000)] = 20


def work(job: Job) -> Iterator[dict[str, Any]]:
    """Run the words of a job as the command line does, and give what it says."""
    process = subprocess.Popen(
        [sys.executable, "-m", "limn", *job.form["words"]],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", errors="replace",
    )  # fmt: skip
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    said: list[str] = []
    try:
        while (line := _next(lines)) is not None:
            said = [*said[-200:], line] if line else said
            yield {"line": line} if line else {}
    finally:
        _end(process)
    if process.returncode:
        last = next((line for line in reversed(said) if "error" in line), (said or ["no word"])[-1])
        raise LimnError(last.removeprefix("limn: error: "))
    yield {"result": {"said": said[-20:]}}


def _next(lines: queue.Queue[str | None]) -> str | None:
    """Return the next line, nothing after a pause, None at the end."""
    try:
        return lines.get(timeout=_PAUSE)
    except queue.Empty:
        return ""


def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.put(_CODES.sub("", line).strip()[:500])
    process.wait()
    lines.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """Stop a process as Ctrl-C does, so that it keeps what it has; one that does not end is killed."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _state(request: Request) -> State:
    return request.app.state.limn  # type: ignore[no-any-return]


@router.post("/learn", status_code=202)
def add_learning(form: Learning, request: Request) -> dict[str, Any]:
    """Accept something to be learned; what comes of it is an adapter of that name."""
    state = _state(request)
    if form.method not in registry.names("learners"):
        raise unknown_name("learner", form.method, registry.names("learners"))
    uploads = state.studio.uploads
    pictures = [str(uploads.path(digest)) for digest in form.pictures]
    out = check_unlinked(state.store.root, uploads.learned / f"{check_name(form.name, 'name')}.safetensors")
    options = {"word": form.word, "thing": form.thing, "steps": form.steps}
    words = [
        "learn",
        form.method,
        *pictures,
        f"--out={out}",
        f"--model={uploads.model(form.model)}",
        f"--seed={form.seed}",
    ]
    words += [f"--store={state.store.root}", *(f"--{name}={it}" for name, it in options.items() if it is not None)]
    title = f"learn {form.name} by {form.method}"
    return told(state.queue.add("verb", {"title": title, "words": words}), state)


@router.get("/learned")
def get_learned(request: Request) -> list[str]:
    """Return the names of what was learned here."""
    return sorted(path.stem for path in _state(request).studio.uploads.learned.glob("*.safetensors"))


@router.post("/audits", status_code=202)
def add_audit(form: Audit, request: Request) -> dict[str, Any]:
    """Accept an audit."""
    state = _state(request)
    if form.study not in registry.names("studies"):
        raise unknown_name("study", form.study, registry.names("studies"))
    name = re.sub(r"[^\w.-]+", "-", state.studio.uploads.model(form.model)).strip("-.")
    out = state.store.root / "audits" / f"{form.study}-{name}-{form.n}"
    words = ["audit", form.study, f"--model={form.model}", f"-n{form.n}", f"--out={out}"]
    return told(state.queue.add("verb", {"title": f"audit {form.study} of {form.model}", "words": words}), state)


@router.get("/audits")
def get_audits(request: Request) -> list[str]:
    """Return the names of the audits that have a report."""
    return sorted(path.parent.name for path in (_state(request).store.root / "audits").glob("*/report.html"))


@router.get("/audits/{name}/report", response_class=HTMLResponse)
def get_report(name: Annotated[str, Field(max_length=200)], request: Request) -> HTMLResponse:
    """Return an audit's report, to be shown in a frame that reaches nothing."""
    store = _state(request).store
    path: Path = check_unlinked(store.root, store.root / "audits" / check_name(name, "audit") / "report.html")
    if not path.is_file():
        raise InputError(f"audit: {name[:60]!r} is not here")
    data = read_bounded(path, MAX_REPORT, "open the file itself", error=InputError)
    return HTMLResponse(data, headers={"content-security-policy": POLICY})
