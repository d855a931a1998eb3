"""CIFAR-10 from a package with the layout of the real one."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from emoji_packages import tarball
from limn.data import cifar10
from limn.kernel.errors import DataError, InputError
from limn.networks.token_embeddings import TokenVectors
from limn.synth.labelled import class_names, read_labelled
from limn.train.recipe import parse
from limn.train.tasks.generator import Generator
from limn.train.worlds.cifar10 import Cifar10

EACH = 20
PHOTOS = np.random.default_rng(0).integers(0, 256, (6, EACH, 32, 32, 3)).astype(np.uint8)
LABELS = np.arange(6 * EACH) % 10


def png(photos: NDArray[np.uint8]) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(photos.reshape(len(photos), 1024, 3)).save(sink, "PNG")
    return sink.getvalue()


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {f"data_batch_{k + 1}.png": png(PHOTOS[k]) for k in range(5)} | {"test_batch.png": png(PHOTOS[5])}
    files["train_lables.json"] = json.dumps(LABELS[: 5 * EACH].tolist()).encode()
    files["test_lables.json"] = json.dumps(LABELS[5 * EACH :].tolist()).encode()
    data = tarball(files)
    package = replace(cifar10.CIFAR10, sha256=sha256(data).hexdigest())
    monkeypatch.setattr(cifar10, "CIFAR10", package)
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / package.file).write_bytes(data)
    return folder


@pytest.fixture
def built(packages: Path, tmp_path: Path) -> Path:
    list(cifar10.build(tmp_path / "cifar10", tarballs=packages))
    return tmp_path / "cifar10"


def test_every_photo_and_class_arrives_to_the_bit(built: Path) -> None:
    for split, photos in (("train", PHOTOS[:5].reshape(-1, 32, 32, 3)), ("test", PHOTOS[5])):
        pictures, labels = cifar10.load(built, split)
        assert np.array_equal(pictures, photos)
        assert labels.tolist() == (LABELS[:100] if split == "train" else LABELS[100:]).tolist()


def test_comparisons_read_what_was_built(built: Path) -> None:
    assert class_names(built / "train.parquet") == tuple(sorted(cifar10.NAMES))
    seen = read_labelled(built / "test.parquet", cifar10.NAMES)
    assert [cifar10.NAMES.index(label) for label in seen.labels] == LABELS[100:].tolist()
    assert np.array_equal(np.stack(seen.pictures), PHOTOS[5])


def test_what_is_whole_is_left_alone_and_what_is_damaged_built_again(built: Path, packages: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in built.glob("*.parquet")}
    whole = (built / "test.parquet").read_bytes()
    (built / "test.parquet").write_bytes(b"cut")
    list(cifar10.build(built, tarballs=packages))
    assert (built / "train.parquet").stat().st_mtime_ns == before["train.parquet"]
    assert (built / "test.parquet").read_bytes() == whole


def test_refusals(tmp_path: Path, packages: Path) -> None:
    (tmp_path / "train.parquet").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"train\.parquet"):
        list(cifar10.build(tmp_path, tarballs=packages))
    with pytest.raises(DataError, match="limn data build cifar10"):
        cifar10.load(tmp_path, "test")


@pytest.fixture
def words() -> TokenVectors:
    return TokenVectors()


def test_words_say_the_class_and_half_of_the_photos_are_mirrored(built: Path, words: TokenVectors) -> None:
    recipe = parse({"name": "a", "data": {"world": "cifar10", "folder": str(built)}, "schedule": {"steps": 1}})
    pictures, captions = Cifar10(recipe, words).draw(np.random.default_rng(0), 200)
    known = {photo.tobytes(): label for photo, label in zip(PHOTOS.reshape(-1, 32, 32, 3), LABELS, strict=True)}
    mirrored = 0
    for picture, caption in zip(pictures, captions, strict=True):
        plain = picture.tobytes() in known
        label = known[picture.tobytes() if plain else picture[:, ::-1].tobytes()]
        mirrored += not plain
        names = (cifar10.NAMES[label], *cifar10.SYNONYMS.get(cifar10.NAMES[label], ()))
        assert any(name in caption.split() for name in names)
    assert 70 < mirrored < 130


def test_a_generator_learns_from_it(built: Path) -> None:
    """From nothing its answer is zero; some steps of one batch lower its loss."""
    shape = {"width": 16, "depth": 1, "heads": 1, "channels": 3, "grid": 32, "patch": 4, "text_width": 128}
    recipe = {"name": "a", "data": {"world": "cifar10", "folder": str(built)}, "schedule": {"steps": 1}}
    task = Generator(parse({**recipe, "network": shape, "optimiser": {"batch": 16}}), "cpu")
    optimiser = torch.optim.Adam(task.network.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        loss = task.loss(0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
