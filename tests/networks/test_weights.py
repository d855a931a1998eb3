"""Weights files: read strictly, written whole, and no file makes us run code, hang or swell."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from limn.io.files import sha256_of
from limn.kernel.errors import InputError, StoreError, WeightsError
from limn.networks.weights import (
    MAX_HEADER,
    MAX_TENSORS,
    check_names,
    load_state,
    read_header,
    read_tensors,
    write_tensors,
)

TENSORS = {
    "a": torch.arange(6.0).view(2, 3),
    "b": torch.tensor([1, 2]),
    "c": torch.tensor(1.5, dtype=torch.bfloat16),
}
SHAPES = {"a": (2, 3), "b": (2,), "c": ()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_tensors(tmp_path / "model.safetensors", TENSORS, {"format": "pt"})
    return tmp_path / "model.safetensors"


def with_header(path: Path, header: Any, data: bytes = b"", *, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def refuse(path: Path, match: str, **options: Any) -> None:
    with pytest.raises(WeightsError, match=match) as caught:
        read_tensors(path, **options)
    assert str(path.name) in str(caught.value)
    assert "\n" not in str(caught.value)


def entry(start: int, end: int, *shape: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def test_reading_gives_what_was_written(path: Path) -> None:
    found = read_tensors(path, expected=SHAPES)
    for tensors in (found, load_file(path)):
        assert set(tensors) == set(TENSORS)
        assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
        assert all(tensors[name].dtype == TENSORS[name].dtype for name in TENSORS)
    assert read_header(path) == {name: (each.dtype, tuple(each.shape)) for name, each in TENSORS.items()}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int8, torch.uint8, torch.bool, torch.int16])
def test_every_type_survives(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = {"x": torch.tensor([[0, 1], [1, 0]]).to(dtype).T, "empty": torch.zeros(0, 3, dtype=dtype)}
    write_tensors(tmp_path / "x.safetensors", tensors)
    found = read_tensors(tmp_path / "x.safetensors")
    assert all(torch.equal(found[name], tensors[name]) and found[name].dtype == dtype for name in tensors)


def test_files_of_the_library_are_read(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "x.safetensors", metadata={"format": "pt"})
    assert all(torch.equal(each, TENSORS[name]) for name, each in read_tensors(tmp_path / "x.safetensors").items())


def test_equal_contents_give_equal_bytes(tmp_path: Path) -> None:
    notes = {f"note {k}": str(k) for k in range(10)}
    write_tensors(tmp_path / "a", TENSORS, notes)
    write_tensors(tmp_path / "b", dict(reversed(TENSORS.items())), dict(reversed(notes.items())))
    assert sha256_of(tmp_path / "a") == sha256_of(tmp_path / "b")


def test_precision_and_names_can_be_chosen(path: Path) -> None:
    found = read_tensors(path, skip="^a$", dtype=torch.float16)
    assert {name: each.dtype for name, each in found.items()} == {"b": torch.int64, "c": torch.float16}


@pytest.mark.parametrize(
    ("expected", "match"),
    [
        ({**SHAPES, "d": (1,)}, r"3 tensors matched, 1 missing, 0 unexpected \('d'\); use the weights that belong"),
        ({"a": (2, 3)}, r"1 tensors matched, 0 missing, 2 unexpected \('b', 'c'\)"),
        ({"x": (2, 3)}, r"0 tensors matched, 1 missing, 3 unexpected \('x'\)"),
        ({**SHAPES, "a": (3, 2)}, r"a has shape \(2, 3\), expected \(3, 2\)"),
    ],
)
def test_names_and_shapes_must_fit(path: Path, expected: dict[str, tuple[int, ...]], match: str) -> None:
    refuse(path, match, expected=expected)
    with pytest.raises(WeightsError, match=match):
        check_names("weights", SHAPES, expected)


def test_files_that_are_not_there_or_no_files(tmp_path: Path) -> None:
    refuse(tmp_path / "none.safetensors", "no such file; check the path")
    refuse(tmp_path, "not a regular file")
    os.mkfifo(tmp_path / "pipe.safetensors")
    refuse(tmp_path / "pipe.safetensors", "not a regular file")
    with pytest.raises(WeightsError, match="the name is too long"):
        read_tensors(tmp_path / ("n" * 300))
    with pytest.raises(WeightsError, match="no such file"):
        sha256_of(tmp_path / "none")


def test_every_cut_is_noticed(path: Path) -> None:
    sound = path.read_bytes()
    for size in range(len(sound)):
        path.write_bytes(sound[:size])
        refuse(path, "get it again|get the file again|no sound")
    path.write_bytes(sound + b"\0")
    refuse(path, "bytes of data where the header says")


@given(data=st.data())
def test_no_flipped_bit_of_the_header_does_harm(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Either the file is refused in one line, or what is read has the size that was written."""
    path = tmp_path_factory.getbasetemp() / "flipped.safetensors"
    write_tensors(path, TENSORS)
    flipped = bytearray(path.read_bytes())
    header = 8 + int.from_bytes(flipped[:8], "little")
    flipped[data.draw(st.integers(0, header - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(flipped))
    with contextlib.suppress(WeightsError):
        found = read_tensors(path, expected=SHAPES)
        assert sum(each.numel() * each.element_size() for each in found.values()) == len(flipped) - header


@pytest.mark.parametrize(
    ("header", "data", "match"),
    [
        (b"{", b"", "not sound JSON"),
        (b"[]", b"", "JSON object is expected"),
        (b"\xff\xfe{}", b"", "not sound JSON"),
        (b"[" * 20_000, b"", "not sound JSON"),
        (b'{"a": NaN}', b"", "not sound JSON"),
        (b'{"a": {"dtype": "F32"}, "a": {"dtype": "F32"}}', b"", "a name stands twice"),
        ({"a": 3}, b"", "'a' is damaged"),
        ({"a": "F32"}, b"", "'a' is damaged"),
        ({"a": {"dtype": "F32", "shape": [1]}}, b"", "'a' is damaged"),
        ({"a": entry(0, 4, 1) | {"more": 1}}, bytes(4), "'a' is damaged"),
        ({"a": entry(0, 4, -1)}, bytes(4), "'a' is damaged"),
        ({"a": entry(0, 4, True)}, bytes(4), "'a' is damaged"),  # type: ignore[dict-item]
        ({"a": entry(0, 4, *[1] * 9)}, bytes(4), "'a' is damaged"),
        ({"a": entry(-4, 0, 1)}, bytes(4), "'a' is damaged"),
        ({"a": entry(0, 4, 10**30)}, bytes(4), "'a' is damaged"),
        ({"a": entry(0, 4, 2**40, 2**40)}, bytes(4), "says shape"),
        ({"a": entry(0, 4, 1, dtype="F4")}, bytes(4), "of type F4; convert it"),
        ({"a": entry(0, 4, 1, dtype=["F32"])}, bytes(4), "of type"),  # type: ignore[arg-type]
        ({"a": entry(0, 8, 1)}, bytes(8), "says shape"),
        ({"a": entry(4, 8, 1)}, bytes(8), "overlap or leave a gap"),
        ({"a": entry(0, 4, 1), "b": entry(0, 4, 1)}, bytes(4), "overlap or leave a gap"),
        ({"a": entry(0, 8, 2), "b": entry(4, 8, 1)}, bytes(8), "overlap or leave a gap"),
        ({"a": entry(0, 4, 1)}, bytes(8), "8 bytes of data where the header says 4"),
    ],
)
def test_unsound_headers_are_refused(tmp_path: Path, header: Any, data: bytes, match: str) -> None:
    refuse(with_header(tmp_path / "x.safetensors", header, data), match)


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        for bad in (torch.nan, torch.inf, -torch.inf):
            write_tensors(path, {"sound": torch.ones(3), "x": torch.tensor([1, bad, -bad], dtype=dtype)})
            refuse(path, "x holds values that are not finite numbers")
    write_tensors(path, {"x": torch.full((4,), 3e38)})  # whose sum is infinite, although each is finite
    assert torch.equal(read_tensors(path)["x"], torch.full((4,), 3e38))
    refuse(path, "not finite numbers in torch.float16", dtype=torch.float16)


def test_a_promised_hash_is_held_to(path: Path) -> None:
    digest = sha256_of(path)
    assert set(read_tensors(path, sha256=digest.upper())) == set(TENSORS)
    sums = path.with_name("SHA256SUMS")
    sums.write_text(f"{'0' * 64}  other.safetensors\n{digest} *{path.name}\n")
    assert set(read_tensors(path)) == set(TENSORS)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    refuse(path, "SHA-256 is not")
    sums.unlink()
    refuse(path, "SHA-256 is not", sha256=digest)
    assert set(read_tensors(path)) == set(TENSORS)


class Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("length", [0x280, 0x380, 0x480, 0x580, 0x13C])
def test_a_header_whose_length_looks_like_another_kind_of_file_is_read(path: Path, length: int) -> None:
    text = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).ljust(length).encode()
    with_header(path, text, bytes(8))
    assert read_tensors(path)["a"].tolist() == [0, 0]


@pytest.mark.parametrize("name", ["x.ckpt", "x.pt", "x.pth", "x.bin", "x.PKL", "x.pickle", "x.safetensors", "x"])
@pytest.mark.parametrize("kind", ["plain", "protocol 0", "torch"])
def test_a_pickle_is_refused_under_any_name_and_never_opened(tmp_path: Path, name: str, kind: str) -> None:
    path, mark = tmp_path / name, tmp_path / "opened"
    if kind == "torch":
        torch.save({"x": Evil(mark)}, path)
    else:
        path.write_bytes(pickle.dumps(Evil(mark), protocol=0 if kind == "protocol 0" else 4) + bytes(100))
    refuse(path, "pickle|header of")
    assert not mark.exists()


BLOATED = ["200,000 tensors", "just under the cap on bytes", "nested objects", "100 MB of JSON", "2**63 bytes"]


def bloated(path: Path, kind: str) -> Path:
    if kind == "200,000 tensors":
        return with_header(path, {f"{k}": entry(0, 0, 0) for k in range(200_000)})
    if kind == "just under the cap on bytes":
        text = b"{" + b",".join(b'"%d":{}' % k for k in range(300_000))
        return with_header(path, (text + b"}")[:MAX_HEADER])
    if kind == "nested objects":
        return with_header(path, b'{"a":' * 15_000)
    if kind == "100 MB of JSON":
        return with_header(path, b'{"__metadata__":{"a":"' + b"x" * 100_000_000 + b'"}}')
    return with_header(path, b"{}", length=2**63)


@pytest.mark.slow
def test_bloated_headers_cost_little(tmp_path: Path) -> None:
    """In a process of its own, whose memory may grow by 200 MB at most."""
    paths = [str(bloated(tmp_path / f"{number}.safetensors", kind)) for number, kind in enumerate(BLOATED)]
    code = f"""
import resource
from pathlib import Path
from limn.kernel.errors import WeightsError
from limn.networks.weights import read_tensors
for path in map(Path, {paths!r}):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        read_tensors(path)
    except WeightsError as error:
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert after - before < 200_000, (path, after - before)
        print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [Path(line.partition(":")[0]).stem for line in run.stdout.splitlines()] == ["0", "1", "2", "3", "4"]


def test_the_caps_leave_room_for_real_models(tmp_path: Path) -> None:
    tensors = {f"cond_stage_model.transformer.text_model.encoder.layers.{k}": torch.zeros(1) for k in range(3_000)}
    write_tensors(tmp_path / "x.safetensors", tensors)
    assert len(read_header(tmp_path / "x.safetensors")) == 3_000 < MAX_TENSORS


def test_writing_leaves_the_old_file_until_the_new_one_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match="the disk is full; free some space"):
        write_tensors(path, {"a": torch.zeros(1000)})
    assert path.read_bytes() == old
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.slow
def test_a_file_size_limit_leaves_the_old_file(path: Path) -> None:
    """The disk full in the middle of a write, in a process of its own."""
    old = path.read_bytes()
    code = f"""
import resource, signal, torch
from pathlib import Path
from limn.kernel.errors import StoreError
from limn.networks.weights import write_tensors
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_tensors(Path({str(path)!r}), {{"a": torch.zeros(1000)}})
except StoreError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "larger than the system allows" in run.stdout
    assert path.read_bytes() == old
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_writing_where_nothing_can_be_written(tmp_path: Path) -> None:
    for path in (tmp_path / "none" / "x.safetensors", tmp_path):
        with pytest.raises(InputError, match=r"does not exist|is not a file"):
            write_tensors(path, TENSORS)


def test_links_are_replaced_and_modes_are_usual(tmp_path: Path) -> None:
    link, real = tmp_path / "link.safetensors", tmp_path / "real.safetensors"
    real.write_text("mine")
    link.symlink_to(real)
    write_tensors(link, TENSORS)
    assert real.read_text() == "mine"
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(link.lstat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_readers_see_one_whole_file_or_the_other(path: Path) -> None:
    done = threading.Event()

    def write() -> None:
        for k in range(20):
            write_tensors(path, {"a": torch.full((1000,), float(k))})
        done.set()

    write_tensors(path, {"a": torch.zeros(1000)})
    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        assert read_tensors(path, expected={"a": (1000,)})["a"].unique().numel() == 1
    thread.join()


def test_load_state_is_all_or_nothing() -> None:
    layer = nn.Linear(2, 2)
    before = {name: each.clone() for name, each in layer.state_dict().items()}
    good = {"weight": torch.ones(2, 2, dtype=torch.float16), "bias": torch.zeros(2)}
    faults: list[tuple[dict[str, torch.Tensor], str]] = [
        ({"weight": good["weight"]}, "1 tensors matched, 1 missing, 0 unexpected"),
        ({**good, "more": good["bias"]}, "2 tensors matched, 0 missing, 1 unexpected"),
        ({**good, "bias": torch.zeros(3)}, r"bias has shape \(3,\), expected \(2,\)"),
        ({**good, "bias": torch.full((2,), torch.nan)}, "not finite"),
        ({**good, "bias": torch.zeros(2, dtype=torch.int64)}, "expected torch.float32"),
    ]
    for tensors, match in faults:
        with pytest.raises(WeightsError, match=match):
            load_state(layer, tensors, "file.safetensors")
        assert all(torch.equal(each, before[name]) for name, each in layer.state_dict().items())
    load_state(layer, good)
    assert torch.equal(layer.weight, torch.ones(2, 2))
    assert layer.weight.dtype == torch.float32


@pytest.mark.slow
def test_loading_a_model_loads_no_compiler() -> None:
    code = "import sys, limn; limn.load('emoji'); print({'torch._dynamo', 'sympy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
