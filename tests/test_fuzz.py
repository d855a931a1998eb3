"""Whatever files say, the answer is a result or one of limn's own errors; hypothesis tries to find another.

``FUZZ=2000 pytest tests/test_fuzz.py`` looks longer.
"""

from __future__ import annotations

import copy
import json
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import toys
from limn import models, studio
from limn.audit.folder import Folder
from limn.audit.labels import read_labels
from limn.audit.studies.inappropriate.prompts import read_list
from limn.audit.study import parse as parse_study
from limn.cli.console import clean
from limn.cli.prompts import read as read_prompts
from limn.cli.request_file import read as read_request_file
from limn.io.configurations import read_json, read_toml
from limn.io.pictures import decode
from limn.kernel.errors import LimnError
from limn.kernel.request import Request
from limn.networks.weights import read_tensors
from limn.store import read_record
from limn.store.png import encode_png
from limn.store.record import read_request
from limn.train.recipe import parse as parse_recipe

short = settings(max_examples=int(os.environ.get("FUZZ", "60")), suppress_health_check=list(HealthCheck))
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("x" * 300)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
RECIPE = {
    "name": "tiny", "task": "diffusion", "init": "", "data": {"world": "shapes"},
    "network": {"width": 16, "depth": 1, "heads": 2, "channels": 3, "grid": 32, "patch": 8, "text_width": 128},
    "objective": {"drop": 0.1}, "optimiser": {"batch": 2, "lr": 0.001}, "schedule": {"steps": 3},
    "saving": {"sheet_minutes": 0.0},
}  # fmt: skip
TOML = (
    'prompts = ["a cat"]\nn = 2\nsteps = 4\nscale = 2.5\nsize = "64x96"\nsampler = "ddim"\nguide = ["apg:scale=3"]\n'
)
TEXTS = [
    b"a cat\n", b'{"prompt": "a cat", "seed": 3, "negative": "b"}\n', b"prompt,seed,negative\na cat,3,b\n",
    b'[{"prompt": "a cat"}]', b"prompt\tseed\na cat\t3\n",
]  # fmt: skip
PICTURE = encode_png(np.zeros((4, 4, 3), np.uint8), {"request": {"schema": 1}})
RECORD = json.loads(json.dumps(toys.toy().request("a cat", n=2).record()))
WEIGHTS = Path(models.locate("shapes"))


def answered(call: Callable[[], object]) -> None:
    """Call; an error that is not limn's own fails the test."""
    try:
        call()
    except LimnError as error:
        lines = clean(error).splitlines()
    else:
        lines = ["it went well"]
    assert len(lines) == 1


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def mutated(good: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """A good value in which something is replaced, left out or added."""

    def change(place: tuple[Any, ...], value: Any, how: str) -> Any:
        whole: Any = copy.deepcopy(good)
        if not place:
            return value
        home = whole
        for key in place[:-1]:
            home = home[key]
        if how == "drop":
            del home[place[-1]]
        elif how == "add" and isinstance(home, dict):
            home["more"] = value
        else:
            home[place[-1]] = value
        return whole

    return st.builds(change, st.sampled_from(places(good)), values, st.sampled_from(["set", "set", "drop", "add"]))


def cut(*texts: bytes) -> st.SearchStrategy[bytes]:
    """One of some texts in which a stretch is replaced by other bytes."""

    def change(text: bytes, start: int, length: int, put: bytes) -> bytes:
        start %= len(text) + 1
        return text[:start] + put + text[start + length :]

    put = st.binary(max_size=12) | st.text(max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass"))
    return st.builds(change, st.sampled_from(texts), st.integers(0, 10**6), st.integers(0, 40), put)


def written(data: bytes, name: str, read: Callable[[Path], object]) -> None:
    """Read data from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        answered(lambda: read(path))


@given(mutated(RECORD))
@short
def test_records_of_requests(record: Any) -> None:
    answered(lambda: Request.from_record(record))


@given(mutated({"schema": 1, "request": RECORD, "index": 0, "key": "ab", "batch": {"size": 2, "pictures": [0, 1]}}))
@short
def test_records_in_pictures_are_replayed_or_refused(record: Any) -> None:
    def read(path: Path) -> None:
        generator = toys.toy()
        for event in studio.replay(path, lambda *arguments, **options: generator):
            if not isinstance(event, studio.Replay):
                break  # what comes is drawing

    text = b"limn\0" + json.dumps(record).encode()
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    written(PICTURE[:33] + chunk + PICTURE[33:], "p.png", read)


@given(cut(PICTURE))
@short
def test_pictures(data: bytes) -> None:
    written(data, "p.png", lambda path: read_record(path, whole=True))
    answered(lambda: decode(data))


@given(mutated(RECIPE))
@short
def test_recipes(recipe: Any) -> None:
    answered(lambda: parse_recipe(recipe))


@given(cut(TOML.encode()))
@short
def test_request_files(data: bytes) -> None:
    written(data, "request.toml", lambda path: Request.of(["a cat"], {
        name: value for name, value in read_request_file(path).items() if name != "prompts"
    }))  # fmt: skip


@given(cut(TOML.encode(), b"a.b = 1\n[c]\nd = [1, {e = 2}]\n"))
@short
def test_toml(data: bytes) -> None:
    written(data, "x.toml", read_toml)


@given(cut(*TEXTS), st.sampled_from(["p.txt", "p.jsonl", "p.csv", "p.json", "p.tsv"]))
@short
def test_prompt_files(data: bytes, name: str) -> None:
    written(data, name, read_prompts)


@given(cut(b"prompt,categories\na cat,violence\n", b"prompt,file,gender\na cook,a.png,woman\n"))
@short
def test_tables_of_audits(data: bytes) -> None:
    written(data, "x.csv", read_list)
    written(data, "x.csv", lambda path: read_labels(path, parse_study("stereotypes")))


@given(cut(b'{"a": {"b": [1, 2.5, null]}, "c": "d"}'))
@short
def test_json(data: bytes) -> None:
    written(data, "x.json", read_json)
    written(data, "request.json", lambda path: read_request(path.parent))
    written(data, "audit.json", lambda path: Folder(path.parent).plan())


@given(mutated(json.loads((WEIGHTS / "config.json").read_text())))
@settings(short, max_examples=short.max_examples // 2)
def test_configurations_of_models(config: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path in WEIGHTS.iterdir():
            if path.name != "config.json":
                (Path(folder) / path.name).symlink_to(path)
        (Path(folder) / "config.json").write_text(json.dumps(config))
        answered(lambda: models.load(folder))


@given(cut((WEIGHTS / "model.safetensors").read_bytes()[:4000]))
@short
def test_weights(data: bytes) -> None:
    written(data, "x.safetensors", read_tensors)
