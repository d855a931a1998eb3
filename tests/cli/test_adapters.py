"""``--adapter`` means the same at every door, and ``limn adapters show`` says what a file is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import small_models
from limn import cli, models
from limn.io.files import sha256_of
from limn.networks.low_rank import Factors
from limn.personalise.learned import Learned, write
from limn.store import read_record

Limn = Callable[..., tuple[int, list[str], str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small model, a learned word and a change to layers."""
    folder = tmp_path_factory.mktemp("home")
    generator = small_models.native(folder / "model")
    stage: Any = generator.stages[0]
    base = {"name": "model", "weights": generator.weights}
    words = stage.encoder.words
    heart = words.vectors(words.ids(["heart"])[0])[0]
    record = {"base": base, "method": "textual_inversion", "licence": "CC0"}
    write(folder / "zorp.safetensors", Learned(words={"<zorp>": (heart,)}, record=record))
    random, changes = torch.Generator().manual_seed(0), {}
    for name, layer in stage.predictor.network.module.named_modules():
        if isinstance(layer, nn.Linear) and name.endswith("qkv"):
            down, up = (
                torch.randn(*size, generator=random) for size in ((2, layer.in_features), (layer.out_features, 2))
            )
            changes[name] = Factors(down=down, up=up)
    write(folder / "tuned.safetensors", Learned(changes={"transformer": changes}, record={"method": "dreambooth"}))
    return folder


@pytest.fixture
def limn(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Limn:
    """Run a command in a copy of that folder; returns its code, lines and errors."""
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, list[str], str]:
        capsys.readouterr()
        code = cli.run(arguments)
        captured = capsys.readouterr()
        return code, captured.out.splitlines(), captured.err

    return call


def pixels(path: str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(path))


def test_a_word_is_read_as_its_vectors_and_recorded_with_its_file(limn: Limn) -> None:
    _, (plain,), _ = limn("generate", "a red heart", "--model", "model")
    code, (taught,), error = limn("generate", "a red <zorp>", "--model", "model", "--adapter", "zorp.safetensors")
    assert (code, "zorp" in error) == (0, False)
    assert (pixels(plain) == pixels(taught)).all()
    request = read_record(Path(taught))["request"]
    assert request["files"] == {"zorp.safetensors": sha256_of(Path("zorp.safetensors"))}
    assert "adapter" not in request
    assert any(part.get("adapter") == ["zorp.safetensors"] for part in request["guidance"])
    Path("asked.toml").write_text(
        'prompts = ["a red <zorp>"]\nmodel = "model"\nadapter = ["zorp.safetensors"]\n', "utf-8"
    )
    _, again, error = limn("generate", "--request", "asked.toml")
    assert (again, "1 existed" in error) == ([taught], True)
    keyword = models.load("model").generate("a red <zorp>", adapter="zorp.safetensors")[0].pixels
    assert (keyword == pixels(taught)).all()


def test_weights_and_regions_change_what_is_drawn(limn: Limn) -> None:
    def drawn(*options: str) -> np.ndarray[Any, Any]:
        code, (path,), error = limn("generate", "a red heart", "--model", "model", *options)
        assert code == 0, error
        return pixels(path)

    plain, none = drawn(), drawn("--adapter", "tuned.safetensors:0")
    whole = drawn("--adapter", "tuned.safetensors")
    assert (plain == none).all()
    assert (plain != whole).any()
    still = ("--guide", "paint_with_words:strength=0")
    assert (drawn("--region", "0,0,1,1=a red heart@tuned.safetensors", *still) == whole).all()
    half = drawn("--region", "0,0,0.5,1=a red heart@tuned.safetensors:0.5@0.7", *still)
    assert (half != whole).any()
    assert (half != plain).any()


def test_replays_need_the_file_and_say_which(limn: Limn) -> None:
    _, (path,), _ = limn("generate", "a red heart", "--model", "model", "--adapter", "tuned.safetensors:0.5")
    assert limn("runs", "replay", path)[0] == 0
    digest = sha256_of(Path("tuned.safetensors"))
    Path("tuned.safetensors").rename("elsewhere.safetensors")
    code, _, error = limn("runs", "replay", path)
    assert code == 2
    assert f"was drawn with tuned.safetensors, which is not here; put the file with SHA-256 {digest} there" in error


def test_grids_have_adapters_along_a_side(limn: Limn) -> None:
    axis = "adapter=none,tuned.safetensors:0.5,tuned.safetensors"
    code, lines, error = limn("generate", "a heart", "--model", "model", "--grid-x", axis)
    assert code == 0, error
    assert len({pixels(path).tobytes() for path in lines[:3]}) == 3
    assert read_record(Path(lines[-1]))["grid"]["columns"] == ["no adapter", "tuned 0.5", "tuned 1"]


@pytest.mark.slow
@pytest.mark.parametrize("study", ["stereotypes:world=pictograms,n=1", "homoglyphs:world=scenes,n=1"])
def test_audits_compare_with_and_without(study: str, limn: Limn) -> None:
    options = ("--model", "model", "--against-adapter", "tuned.safetensors:0.5", "--out", "audit")
    code, _, error = limn("audit", study, *options)
    assert code == 0, error
    files = list(Path("audit").rglob("*.png"))
    asked = [read_record(path)["request"] for path in files if "request" in (read_record(path) or {})]
    tuned = [request for request in asked if "tuned.safetensors" in request.get("files", {})]
    assert 0 < len(tuned) < len(asked)
    assert "model + tuned:0.5" in Path("audit/report.json").read_text("utf-8")


def test_show_says_what_a_file_is_and_how_it_fits(limn: Limn) -> None:
    code, lines, _ = limn("adapters", "show", "zorp.safetensors", "--model", "model", "--json")
    shown = json.loads("\n".join(lines))
    assert code == 0
    assert (shown["words"], shown["matched"], shown["unexpected"]) == ({"<zorp>": [[1, 128]]}, 1, [])
    assert shown["record"]["licence"] == "CC0"
    code, lines, _ = limn("adapters", "show", "tuned.safetensors")
    assert code == 0
    assert any("ranks" in line and "2" in line for line in lines)
    assert any("record: method" in line and "dreambooth" in line for line in lines)


def test_runs_cite_the_methods_of_their_adapters(limn: Limn) -> None:
    _, (path,), _ = limn(
        "generate", "a <zorp>", "--model", "model", "--adapter", "zorp.safetensors", "--adapter", "tuned.safetensors"
    )
    text = "\n".join(limn("cite", path)[1])
    for key in ("gal2023textualinversion", "ruiz2023dreambooth", "hu2022lora"):
        assert f"{{{key}," in text


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        ("nowhere.safetensors", "nowhere.safetensors: no such file"),
        ("zorp.safetensors:0.5", "a word has no weight here"),
        ("zorp.safetensors:99", "its weight from -10 to 10"),
        ("model", "is a folder, without peft's files"),
        ("model/model.safetensors", "holds a whole model; load it with --model"),
        ("word.pt", "a pickle"),
        ("other.safetensors", "1 matched, 0 missing, 0 unexpected; it was learned on another, use it with that"),
        ("wide.safetensors", "0 matched, 1 missing, 1 unexpected"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(adapter: str, message: str, limn: Limn) -> None:
    torch.save({"string_to_param": {"*": torch.ones(1, 128)}}, "word.pt")
    record = {"base": {"name": "another", "weights": "0" * 64}}
    write(Path("other.safetensors"), Learned(words={"<zorp>": (torch.ones(1, 128),)}, record=record))
    write(Path("wide.safetensors"), Learned(words={"<zorp>": (torch.ones(1, 768),)}))
    code, lines, error = limn("generate", "a <zorp>", "--model", "model", "--adapter", adapter)
    assert (code, lines, error.count("\n")) == (2, [], 1), error
    assert message in error


def test_two_files_may_not_teach_one_word(limn: Limn) -> None:
    shutil.copy("zorp.safetensors", "again.safetensors")
    files = ("--adapter", "zorp.safetensors", "--adapter", "again.safetensors")
    code, _, error = limn("generate", "a <zorp>", "--model", "model", *files)
    assert code == 2
    assert "teaches '<zorp>', as again.safetensors does" in error
