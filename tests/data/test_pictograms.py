from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from emoji_packages import SAMPLE
from limn.data.pictograms import Progress, build
from limn.data.picture_set import load
from limn.data.split import SPLITS, STYLES
from limn.kernel.errors import DataError, InputError


def run(out: Path, packed: Path, **options: object) -> list[Progress]:
    return list(build(out, tarballs=packed, **options))  # type: ignore[arg-type]


def manifest(out: Path) -> dict[str, dict[str, object]]:
    return dict(json.loads((out / "manifest.json").read_text("utf-8"))["sets"])


def test_packages_become_pictures_with_captions(packed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    events = run(out, packed, size=32)
    assert {event.stage for event in events} == {"emojibase-data", *STYLES}
    assert all(event.done <= event.total for event in events if event.total)
    found = load(out, SPLITS)
    assert found.pictures.shape[1:] == (32, 32, 4)
    assert set(found.columns["style"]) == set(STYLES)
    heart = found[found.columns["key"].index("noto/2764")]
    assert heart.attributes["colours"] == ["red"]
    assert (heart.picture == [255, 0, 0, 255]).all()
    assert "a red heart" in heart.captions
    for name, entry in manifest(out).items():
        assert entry["sha256"] == hashlib.sha256((out / f"{name}.parquet").read_bytes()).hexdigest()
        assert entry["pictures"] == sum(style == name for style in found.columns["style"])
    credit = (out / "ATTRIBUTION.md").read_text("utf-8")
    assert all(
        word in credit for word in ("CC-BY-4.0", "Apache-2.0", "Microsoft", "Google", "Twitter", "Miles Johnson")
    )


def test_equal_pictures_of_a_set_are_kept_once(packed: Path, tmp_path: Path) -> None:
    run(tmp_path, packed, sets=("twemoji",))
    assert manifest(tmp_path)["twemoji"]["repeats"] == ["2764: drawn as 1f34c"]
    assert len(load(tmp_path, SPLITS)) == 2


def test_the_same_packages_give_the_same_files(packed: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        run(tmp_path / folder, packed)
    assert manifest(tmp_path / "a") == manifest(tmp_path / "b")


def test_finished_sets_are_left_alone_and_damaged_ones_built_again(packed: Path, tmp_path: Path) -> None:
    run(tmp_path, packed)
    before = {name: (tmp_path / f"{name}.parquet").stat().st_mtime_ns for name in STYLES}
    (tmp_path / "flat.parquet").write_bytes(b"damaged")
    events = run(tmp_path, packed)
    assert [event.stage for event in events if event.note == "already built"] == ["3d", "noto", "twemoji"]
    after = {name: (tmp_path / f"{name}.parquet").stat().st_mtime_ns for name in STYLES}
    assert {name for name in STYLES if before[name] != after[name]} == {"flat"}
    assert len(load(tmp_path, SPLITS, ("flat",))) > 0


def test_another_size_is_another_set(packed: Path, tmp_path: Path) -> None:
    run(tmp_path, packed, sets=("noto",))
    run(tmp_path, packed, sets=("noto",), size=16)
    assert load(tmp_path, SPLITS).pictures.shape[1:] == (16, 16, 4)


def test_a_set_that_fails_is_reported_and_the_rest_goes_on(packed: Path, tmp_path: Path) -> None:
    next(packed.glob("*noto*")).write_bytes(b"not a tarball")
    events = run(tmp_path, packed)
    assert [event.stage for event in events if event.note.startswith("failed")] == ["noto"]
    assert "is not the pinned" in str(manifest(tmp_path)["noto"]["error"])
    with pytest.raises(DataError, match="noto is not built"):
        load(tmp_path, SPLITS)
    left = ("3d", "twemoji", "flat")
    assert set(load(tmp_path, SPLITS, left).columns["style"]) == set(left)
    assert "Google" not in (tmp_path / "ATTRIBUTION.md").read_text("utf-8")


def test_an_interrupted_build_is_taken_up(packed: Path, tmp_path: Path) -> None:
    events = build(tmp_path, tarballs=packed)
    for event in events:
        if event.stage == "twemoji":
            break
    events.close()  # type: ignore[attr-defined]
    assert not (tmp_path / "twemoji.parquet").exists()
    assert [event.stage for event in run(tmp_path, packed) if event.note == "already built"] == ["3d", "noto"]


def test_a_damaged_manifest_builds_anew(packed: Path, tmp_path: Path) -> None:
    run(tmp_path, packed, sets=("noto",))
    (tmp_path / "manifest.json").write_text('{"sets": [1, 2', "utf-8")
    with pytest.raises(InputError, match=r"manifest\.json: exists and is not limn's .* --force"):
        run(tmp_path, packed, sets=("noto",))
    assert not any(event.note == "already built" for event in run(tmp_path, packed, sets=("noto",), force=True))


@pytest.mark.parametrize("name", ["manifest.json", "ATTRIBUTION.md", "noto.parquet"])
def test_files_of_others_stay(packed: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"{name}: exists and is not limn's"):
        run(tmp_path, packed, sets=("noto",))
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir() if path != packed] == [(name, "mine")]


def test_nothing_built_is_an_error(packed: Path, tmp_path: Path) -> None:
    next(packed.glob("*noto*")).unlink()
    with pytest.raises(DataError, match="no set could be built"):
        run(tmp_path, packed, sets=("noto",))
    next(packed.glob("emojibase*")).unlink()
    with pytest.raises(DataError, match="emojibase-data"):
        run(tmp_path, packed)


@pytest.mark.parametrize(
    ("options", "told"), [({"sets": ("nota",)}, "did you mean 'noto'"), ({"size": 8}, "16 to 256")]
)
def test_wrong_options_are_refused(packed: Path, tmp_path: Path, options: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        run(tmp_path / "out", packed, **options)
    assert not (tmp_path / "out").exists()


def test_an_unwritable_folder_is_found_out_before_anything_is_drawn(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="is not a folder"):
        next(build(tmp_path / "file" / "out", tarballs=packed))


def test_the_sample_is_what_its_manifest_says() -> None:
    for name, entry in manifest(SAMPLE).items():
        assert entry["sha256"] == hashlib.sha256((SAMPLE / f"{name}.parquet").read_bytes()).hexdigest()
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 2 << 20
