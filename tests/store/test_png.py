from __future__ import annotations

import io
import json
import os
import re
import struct
import sys
import tracemalloc
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from limn.kernel.errors import InputError, StoreError
from limn.store import read_record, write_png
from limn.store.png import MAX_TEXT, encode_png

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
TRAPS = st.sampled_from(["Negative prompt: x", "Steps: 3, Sampler: Euler, Seed: 9", "\n", "\r\n", '"', "{}", "\0"])
DOT = np.zeros((1, 1, 3), np.uint8)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes) -> bytes:
    """A picture of one dot with chunks put before its pixels."""
    plain = io.BytesIO()
    Image.fromarray(DOT).save(plain, "PNG")
    whole = plain.getvalue()
    return whole[:33] + b"".join(chunks) + whole[33:]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "picture.png"


@settings(deadline=None, max_examples=50)
@given(record=st.dictionaries(st.text(), JSON, max_size=5), prompt=st.lists(st.text() | TRAPS).map("\n".join))
def test_any_record_comes_back(tmp_path_factory, record, prompt):
    file = tmp_path_factory.getbasetemp() / "round-trip.png"
    record = {**record, "prompt": prompt}
    write_png(file, DOT, record)
    assert read_record(file, whole=True) == record
    with Image.open(file) as image:
        assert json.loads(image.text["limn"]) == record


def test_other_tools_read_the_parameters_and_the_mark(file):
    write_png(file, DOT, {"prompt": "ein grünes Herz 😀", "seed": 4})
    with Image.open(file) as image:
        text = image.text
    assert text["parameters"].startswith("ein grünes Herz 😀\nSeed: 4")
    mark = ElementTree.fromstring(text["XML:com.adobe.xmp"]).find(
        ".//{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
    )
    assert mark.text == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def test_only_what_a_model_drew_has_the_mark(tmp_path):
    path = tmp_path / "a.png"
    write_png(path, DOT, {"seed": 1}, drawn=False)
    assert read_record(path, whole=True) == {"seed": 1}
    assert b"trainedAlgorithmicMedia" not in path.read_bytes()
    write_png(path, DOT, {"seed": 1})
    assert b"trainedAlgorithmicMedia" in path.read_bytes()


@pytest.mark.parametrize("length", [10, 3000, 2**20 - 100, 2**20 + 100, 3_000_000])
def test_a_long_record_is_packed_as_far_as_pillow_opens_it(file, length):
    write_png(file, DOT, {"prompt": "short", "note": "a" * length})
    assert len(read_record(file)["note"]) == length
    with Image.open(file) as image:
        assert len(image.text["limn"]) > length
    assert (file.stat().st_size < 20_000) == (length < 2**20)


@pytest.mark.parametrize("length", [MAX_TEXT - 200, MAX_TEXT])
def test_what_is_written_can_be_read(file, length):
    record = {"note": "a" * length}
    if length < MAX_TEXT:
        write_png(file, DOT, record)
        assert read_record(file) == record
    else:
        with pytest.raises(InputError, match="at most 10 MB"):
            write_png(file, DOT, record)
        assert not file.exists()


@pytest.mark.parametrize(
    "data",
    [
        chunk(b"tEXt", b'limn\0{"a":1}'),
        chunk(b"zTXt", b"limn\0\0" + zlib.compress(b'{"a":1}')),
        chunk(b"iTXt", b'limn\0\0\0\0\0{"a":1}'),
        chunk(b"iTXt", b"limn\0\1\0de\0limn\0" + zlib.compress(b'{"a":1}')),
        chunk(b"tEXt", b'other\0{"a":2}') + chunk(b"tEXt", b'limn\0{"a":1}') + chunk(b"tEXt", b'limn\0{"a":3}'),
        chunk(b"zTXt", b"bomb\0\0" + zlib.compress(bytes(10**8))) + chunk(b"tEXt", b'limn\0{"a":1}'),
    ],
)
def test_a_record_is_read_from_every_kind_of_text(file, data):
    file.write_bytes(png(data))
    assert read_record(file) == read_record(file, whole=True) == {"a": 1}


def test_a_record_behind_the_pixels_is_read(file):
    whole = png()
    file.write_bytes(whole[:-12] + chunk(b"tEXt", b'limn\0{"a":1}') + whole[-12:])
    assert read_record(file) == {"a": 1}


BAD = {
    "no record": png(),
    "an unpacked bomb": png(chunk(b"zTXt", b"limn\0\0" + zlib.compress(bytes(5 * 10**7)))),
    "an international bomb": png(chunk(b"iTXt", b"limn\0\1\0\0\0" + zlib.compress(bytes(5 * 10**7)))),
    "a long text": png(chunk(b"tEXt", b"limn\0" + b" " * (MAX_TEXT + 1))),
    "not packed": png(chunk(b"zTXt", b"limn\0\0zzzz")),
    "a list": png(chunk(b"tEXt", b"limn\0[1]")),
    "not JSON": png(chunk(b"tEXt", b"limn\0{")),
    "not text": png(chunk(b"tEXt", b"limn\0\xff\xfe\xfd")),
    "deep": png(chunk(b"tEXt", b'limn\0{"a":' + b"[" * 200_000)),
    "a long number": png(chunk(b"tEXt", b'limn\0{"a":' + b"9" * 100_000 + b"}")),
    "a wrong checksum": png(chunk(b"tEXt", b'limn\0{"a":1}')[:-1] + b"\0"),
    "empty": b"",
    "signature only": png()[:8],
    "an endless chunk": png()[:8] + b"\xff\xff\xff\xffIHDR",
    "JPEG": b"\xff\xd8\xff\xe0" + bytes(100),
    "a proxy's page": b"<html>not found</html>",
    "endless chunks": png(chunk(b"aaAa", b"") * 30_000, chunk(b"tEXt", b'limn\0{"a":1}')),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_without_a_sound_record_is_refused_in_one_line(file, name):
    file.write_bytes(BAD[name])
    tracemalloc.start()
    try:
        for whole in (False, True):
            with pytest.raises(InputError, match=re.escape(str(file))) as caught:
                read_record(file, whole=whole)
            assert "\n" not in str(caught.value)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_TEXT
    finally:
        tracemalloc.stop()


@settings(deadline=None, max_examples=50)
@given(data=st.binary(max_size=300), place=st.integers(0, 400), bit=st.integers(0, 7))
def test_no_file_makes_the_reader_fail_otherwise(tmp_path_factory, data, place, bit):
    file = tmp_path_factory.getbasetemp() / "noise.png"
    good = bytearray(encode_png(DOT, {"a": 1}))
    good[place % len(good)] ^= 1 << bit
    for content in (
        bytes(good),
        b"\x89PNG\r\n\x1a\n" + data,
        png(chunk(b"zTXt", data)),
        png(chunk(b"iTXt", b"limn" + data)),
    ):
        file.write_bytes(content)
        with pytest.raises(InputError):
            read_record(file, whole=True)


def test_names_that_are_not_files(tmp_path):
    names = [tmp_path, tmp_path / "missing.png", Path("nul\0.png"), tmp_path / ("x" * 300), Path(os.devnull)]
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.png")
        names.append(tmp_path / "pipe.png")
    for name in names:
        with pytest.raises((InputError, StoreError)):
            read_record(name)


def test_a_picture_never_replaces_what_is_not_a_file(tmp_path):
    folder = tmp_path / "folder.png"
    folder.mkdir()
    for name in (
        folder,
        Path(os.devnull),
        tmp_path / "missing" / "x.png",
        Path("nul\0.png"),
        tmp_path / ("x" * 300),
    ):
        with pytest.raises((InputError, StoreError)):
            write_png(name, DOT, {})
    assert [each.name for each in tmp_path.iterdir()] == ["folder.png"]


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    target = tmp_path / "target.png"
    target.write_bytes(b"old")
    (tmp_path / "link.png").symlink_to(target)
    write_png(tmp_path / "link.png", DOT, {"a": 1})
    assert target.read_bytes() == b"old"
    assert read_record(tmp_path / "link.png") == {"a": 1}


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_pixels_of_another_kind_are_refused(file, pixels):
    with pytest.raises(InputError, match="pixels"):
        write_png(file, pixels, {})


def test_pixels_may_lie_anyhow_in_memory(file):
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    for each in (pixels, pixels[::-1, ::2], np.asfortranarray(pixels), pixels.transpose(1, 0, 2)):
        write_png(file, each, {})
        with Image.open(file) as image:
            assert (np.asarray(image) == each).all()
