"""Collections: the ranks of BM25, what is written, and that a stopped build goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limn.data.example import Example
from limn.data.report import Report
from limn.kernel.errors import DataError
from limn.retrieve.collection import FILE, Collection, add, build, meaning

CAPTIONS = ("a red heart", "a blue heart and a red car", "a zorp", "a green apple on a table")


def examples(captions: tuple[str, ...] = CAPTIONS) -> Iterator[Example]:
    for place, caption in enumerate(captions):
        colour = np.random.default_rng(place).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        yield Example(key=f"row {place}", picture=np.kron(colour, np.ones((4, 4, 1), np.uint8)), captions=(caption,))


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    folder = tmp_path_factory.mktemp("collection")
    list(add(examples(), folder))
    return Collection(folder)


def bm25(query: list[str], documents: list[list[str]], k1: float = 1.2, b: float = 0.75) -> list[float]:
    """By the formula, with the idf of SQLite, which is never below a millionth."""
    mean, scores = sum(map(len, documents)) / len(documents), []
    for document in documents:
        score = 0.0
        for word in query:
            having = sum(word in one for one in documents)
            idf = max(math.log((len(documents) - having + 0.5) / (having + 0.5)), 1e-6)
            count = document.count(word)
            score += idf * count * (k1 + 1) / (count + k1 * (1 - b + b * len(document) / mean))
        scores.append(score)
    return scores


def test_words_are_ranked_by_bm25(collection: Collection) -> None:
    found = {one.name: one.score for one in collection.by_words("Zorp, car!", 9)}
    scores = bm25(["zorp", "car"], [caption.split() for caption in CAPTIONS])
    assert found == {f"row {k}": pytest.approx(score, abs=1e-3) for k, score in enumerate(scores) if score}
    assert [one.name for one in collection.by_words("zorp car", 1)] == ["row 2"]
    assert collection.by_words("?!", 3) == []


def test_meaning_is_the_cosine_of_embeddings(collection: Collection) -> None:
    vector = meaning(["a red heart"])[0]
    found = collection.by_meaning(vector, 4)
    assert len(found) == 4
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(-1 <= one.score <= 1 for one in found)


def test_a_stopped_build_goes_on(tmp_path: Path) -> None:
    list(add(examples(CAPTIONS[:2]), tmp_path))
    *_, (rows, kept) = add(examples(), tmp_path)
    assert (rows, kept) == (4, 2)
    assert Collection(tmp_path).by_words("zorp", 1)[0].name == "row 2"
    before = Collection(tmp_path).sha256
    list(add(examples(), tmp_path))
    assert Collection(tmp_path).sha256 == before, "nothing new, nothing written"


def test_a_folder_of_captioned_pictures_is_read(tmp_path: Path) -> None:
    lines = []
    for example in examples():
        Image.fromarray(example.picture).save(tmp_path / f"{example.key}.png")
        lines.append(json.dumps({"file_name": f"{example.key}.png", "text": example.captions[0]}))
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with (tmp_path / "metadata.jsonl").open("a") as file:
        file.write('\n{"file_name": "bad.png", "text": "a bad one"}\n')
    report = Report(most_bad=0.5)
    *_, built = build(tmp_path, tmp_path / "kb", report=report)
    assert (built.rows, built.kept, built.read, built.total) == (4, 0, 5, 5)
    assert [name for name, _ in report.quarantine] == ["bad.png"]


def written(folder: Path, captions: tuple[str, ...]) -> Path:
    folder.mkdir()
    for example in examples(captions):
        Image.fromarray(example.picture).save(folder / f"{example.key}.png")
        (folder / f"{example.key}.txt").write_text(example.captions[0])
    return folder


def test_folders_whose_names_are_the_same_stand_beside_each_other(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", ("a red heart",)), written(tmp_path / "b", ("a zorp", "a cat"))
    *_, built = build(first, tmp_path / "kb")
    *_, built = build(second, tmp_path / "kb")
    assert (built.rows, built.kept) == (3, 1)
    one = Collection(tmp_path / "kb")
    assert {row.caption for row in one.by_words("zorp heart", 9)} == {"a red heart", "a zorp"}
    written(tmp_path / "a" / "more", ("a dog",))
    for path in first.glob("*.png"):
        path.write_bytes(b"what is known is not read again")
    *_, built = build(first, tmp_path / "kb")
    assert (built.rows, built.kept, built.read) == (4, 3, 2)


def test_nothing_is_made_of_a_folder_without_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, reason in (("empty", "holds no pictures"), ("missing", "no such folder")):
        with pytest.raises(DataError, match=reason):
            list(build(tmp_path / name, tmp_path / "kb"))
    assert not (tmp_path / "kb").exists()


def test_what_is_no_collection_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no collection; make one"):
        Collection(tmp_path)
    (tmp_path / FILE).write_bytes(b"nothing of the kind" * 99)
    with pytest.raises(DataError, match="cannot be read"):
        Collection(tmp_path)
