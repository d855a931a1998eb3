"""Models by their path, by the root of a download cache, and by the name of what was pulled."""

from __future__ import annotations

from pathlib import Path

import pytest

from limn import models
from limn.kernel.errors import InputError
from limn.kernel.request import Request
from limn.models.locating import cache, pulled, repository, snapshot

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in the layout of a cache, with two commits."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    root = tmp_path / "models--owner--name"
    for commit in (OLD, NEW):
        (root / "snapshots" / commit).mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(NEW)
    return root


def test_the_root_of_a_cache_stands_for_its_main_branch(root: Path) -> None:
    assert snapshot(root) == models.locate(root) == root / "snapshots" / NEW
    assert snapshot(root, OLD[:7]) == root / "snapshots" / OLD
    with pytest.raises(InputError, match="has no revision 'cccc'; there are aaaaaaaaaaaa, bbbbbbbbbbbb"):
        snapshot(root, "cccc")
    (root / "refs" / "main").unlink()
    with pytest.raises(InputError, match="has no revision 'main'"):
        snapshot(root)


def test_a_repository_of_one_file_is_that_file(root: Path) -> None:
    (root / "snapshots" / NEW / "dream.safetensors").write_bytes(b"")
    assert models.locate("owner/name") == root / "snapshots" / NEW / "dream.safetensors"
    (root / "snapshots" / NEW / "model_index.json").write_text("{}")
    assert models.locate("owner/name") == root / "snapshots" / NEW


def test_a_revision_does_not_leave_the_folder(root: Path) -> None:
    (root.parent / "secret").write_text(NEW)
    with pytest.raises(InputError, match="has no revision"):
        snapshot(root, "../../secret")


def test_what_was_pulled_is_found_by_its_name(root: Path) -> None:
    assert pulled("owner/name") == models.locate("owner/name") == root / "snapshots" / NEW
    assert pulled(f"owner/name@{OLD}") == root / "snapshots" / OLD
    assert pulled("owner/other") is None
    with pytest.raises(InputError, match="is not here; get it with: limn pull owner/other"):
        models.locate("owner/other")


@pytest.mark.parametrize(
    ("home", "wanted"), [("HF_HUB_CACHE", ""), ("HF_HOME", "hub"), ("XDG_CACHE_HOME", "huggingface/hub")]
)
def test_the_cache_is_where_its_variables_say(
    home: str, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(home, str(tmp_path))
    assert cache() == tmp_path / wanted


@pytest.mark.parametrize("name", ["/a/b", "./a/b", "a", "a/b/c", "a b/c", "emoji"])
def test_paths_are_no_repositories(name: str) -> None:
    assert repository(name) is None


def test_options_of_a_request_become_the_models() -> None:
    request = Request(prompts="a", model="sd", vae="kl.safetensors", clip_skip=1)
    assert (request.model, request.vae, request.clip_skip) == ("sd:vae=kl.safetensors,clip_skip=1", "", 0)
    with pytest.raises(InputError, match="unknown option of a model 'vea'; did you mean 'vae'"):
        models.locate("sd:vea=x")
    with pytest.raises(InputError, match="emoji takes no options; leave dtype out"):
        models.load("emoji:dtype=float32")
