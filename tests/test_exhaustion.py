"""Small files that would take much memory or time are refused with little of either."""

from __future__ import annotations

import io
import json
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bombs import cost

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are read from /proc")

MEGABYTES, SECONDS = 200, 2.0
SLACK = 3  # seconds may be so many times longer where the machine is busy

TOML = "from limn.io.configurations import read_toml", "read_toml(Path(sys.argv[1]))"
PROMPTS = "from limn.cli.prompts import read", "read(Path(sys.argv[1]))"
REPLAY = (
    "import toys\nfrom limn import studio",
    "print(*studio.replay(Path(sys.argv[1]), toys.load), file=sys.stderr)",
)


def check(told: str, imports: str, call: str, *arguments: object, **options: str) -> None:
    spent = cost(imports, call, *arguments, **options)
    print(spent)
    assert told in spent.told
    assert spent.megabytes <= MEGABYTES, spent
    assert spent.seconds <= SECONDS * SLACK, spent


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 20_000) + " = 1",
        "[" + " . ".join("a" * 20_000) + "]",
        ".".join(['"a"', "'b'"] * 10_000) + " = 1",
        "x = { " + ".".join("a" * 20_000) + " = 1 }",
        "\n".join(f"{place}.a.a.a.a.a.a = 1" for place in range(40_000)),
        "x = " + "[" * 400_000,
        "x = " + "{a=" * 200_000,
        "a" * 1_000_000,
        '"' * 1_000_001,
        "'''" + "a.b." * 200_000,
    ],
    ids=["dotted", "header", "quoted", "inline", "many", "arrays", "tables", "long", "quotes", "open"],
)
def test_toml(tmp_path: Path, text: str) -> None:
    (tmp_path / "bomb.toml").write_text(text)
    check("InputError: ", *TOML, tmp_path / "bomb.toml")


def test_toml_that_is_sound_is_read(tmp_path: Path) -> None:
    quoted, numbers = 'x = "a.b.c.d.e.f.g.h.i.j.k = [{"', "y = [1.5, 2.5, 3.5]  # a.b.c.d.e.f.g.h.i.j"
    text = f'{quoted}\n{numbers}\na.b.c.d.e.f.g = """\n===\n"""\n'
    (tmp_path / "sound.toml").write_text(text)
    check("no error", *TOML, tmp_path / "sound.toml")


def flat(width: int, height: int) -> bytes:
    """A PNG of one colour, of a thousandth of its pixels' bytes."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    body, machine = b"", zlib.compressobj(9)
    row = bytes(1 + 3 * width)
    body = b"".join([*(machine.compress(row) for _ in range(height)), machine.flush()])
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    chunks = [(b"IHDR", head), (b"IDAT", body), (b"IEND", b"")]
    packed = [
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height", "told"), [
    (1, 30_000_000, "a side of 30000000 pixels"), (30_000_000, 1, "a side of 30000000 pixels"),
    (6000, 6000, "36000000 pixels"), (7000, 4500, "no error"),
])  # fmt: skip
def test_pictures(tmp_path: Path, width: int, height: int, told: str) -> None:
    (tmp_path / "bomb.png").write_bytes(flat(width, height))
    check(
        told, "from limn.io.pictures import decode", "decode(Path(sys.argv[1]).read_bytes())", tmp_path / "bomb.png"
    )


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """A picture that the toy generator drew."""
    import toys
    from limn import studio
    from limn.store import Store

    generator = toys.toy()
    events = list(studio.generate(generator, generator.request("a cat", n=2), Store(tmp_path / "store")))
    return next(event.path for event in events if isinstance(event, studio.Drawn))


def swollen(path: Path, side: int) -> None:
    """Give a picture so many pixels; its record stays."""
    from limn.store import read_record
    from limn.store.png import encode_png

    record = read_record(path)
    text = encode_png(np.zeros((1, 1, 3), np.uint8), record)[33:]
    text = text[: text.index(b"IDAT") - 4]
    data = flat(side, side)
    path.write_bytes(data[:33] + text + data[33:])


@pytest.mark.slow
def test_replay_of_many_pixels(drawn: Path) -> None:
    swollen(drawn, 12_000)
    check("its size is not what its record says", *REPLAY, drawn)


@pytest.mark.slow
def test_a_grid_of_many_pixels(drawn: Path) -> None:
    swollen(drawn, 12_000)
    call = "list(studio.grid(generator, generator.request('a cat', n=2), Store(Path(sys.argv[1]))))"
    imports = "import toys\nfrom limn import studio\nfrom limn.store import Store"
    check("no error", imports, call, drawn.parents[3], before="generator = toys.toy()")
    with Image.open(drawn) as again:
        assert again.size == (16, 16)
    assert len(list((drawn.parents[3] / "quarantine").rglob("*.png"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("way", ["size", "together"])
def test_replay_of_a_great_batch(drawn: Path, way: str) -> None:
    from limn.store import read_record, write_png

    record = read_record(drawn)
    record["batch"]["size"] = 4096
    record["request"]["n"] = 4096
    if way == "together":
        record["batch"] = {"size": 1, "place": 0, "together": [["a cat", record["request"]["seed"]]] * 4096}
    write_png(drawn, np.zeros((16, 16, 3), np.uint8), record)
    check("was drawn in a batch of 4096; to allow it add --batch", *REPLAY, drawn)


@pytest.mark.slow
def test_a_configuration_far_larger_than_its_weights(tmp_path: Path) -> None:
    import shutil

    from limn import models

    folder = tmp_path / "model"
    shutil.copytree(models.locate("shapes"), folder)
    config = json.loads((folder / "config.json").read_text())
    config["transformer"] |= {"width": 4096, "depth": 48, "heads": 64}
    (folder / "config.json").write_text(json.dumps(config))
    check(
        "its configuration wants",
        "from limn import models\nimport limn.models.native",
        "models.load(sys.argv[1])",
        folder,
    )


@pytest.mark.parametrize("line", ["a cat\n", "\n"])
def test_very_many_prompts(tmp_path: Path, line: str) -> None:
    (tmp_path / "prompts.txt").write_bytes(line.encode() * (255_000_000 // len(line)))
    check("more than 1,000,000 lines", *PROMPTS, tmp_path / "prompts.txt")


def test_prompts_on_stdin_are_never_cut(tmp_path: Path) -> None:
    check("more than 128 MB of prompts", PROMPTS[0], "read(Path('-'))", before="sys.stdin = open('/dev/zero')")


READERS = {
    "prompts": PROMPTS,
    "toml": TOML,
    "request": ("from limn.cli.request_file import read", "read(Path(sys.argv[1]))"),
    "recipe": ("from limn.train.recipe import read", "read(Path(sys.argv[1]))"),
    "record": ("from limn.store import read_record", "read_record(Path(sys.argv[1]))"),
    "replay": REPLAY,
    "picture": ("from limn.io.pictures import file_bytes", "file_bytes(sys.argv[1], field='picture')"),
    "weights": ("from limn.networks.weights import read_tensors", "read_tensors(Path(sys.argv[1]))"),
    "json": ("from limn.io.configurations import read_json", "read_json(Path(sys.argv[1]))"),
    "list": ("from limn.audit.studies.inappropriate.prompts import read_list", "read_list(Path(sys.argv[1]))"),
    "guidance": (
        "from types import SimpleNamespace\nfrom limn.kernel.guidance import hashes",
        "hashes([SimpleNamespace(files=[sys.argv[1]])])",
    ),
    "painting": ("from limn.text.places import _painted", "_painted(Path(sys.argv[1]), {})"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pipe", "/dev/zero"])
@pytest.mark.parametrize("reader", READERS)
def test_pipes_and_endless_devices(tmp_path: Path, kind: str, reader: str) -> None:
    path = tmp_path / "pipe" if kind == "pipe" else Path(kind)
    if kind == "pipe":
        os.mkfifo(path)
    check("Error: ", *READERS[reader], path)
