from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from limn.kernel.errors import InputError, LimnError, StoreError, WeightsError
from limn.models.native import load
from limn.networks.autoencoder import Autoencoder
from limn.networks.transformer import Transformer
from limn.train import checkpoint as checkpoints
from limn.train.export import export
from limn.train.loop import Progress, train
from limn.train.network import averaged, starting
from limn.train.recipe import Recipe, parse

TINY = {
    "name": "tiny",
    "data": {"world": "shapes"},
    "network": {
        "width": 16, "depth": 1, "heads": 2, "channels": 3, "grid": 32, "patch": 8, "text_width": 128,
    },
    "optimiser": {"name": "muon", "batch": 4},
    "schedule": {"steps": 9, "warmup": 3},
    "saving": {"steps": 4, "sheet_minutes": 0.0, "prompts": ["a red circle"]},
}  # fmt: skip


def tiny(**changes: object) -> Recipe:
    return dataclasses.replace(parse(TINY), **changes)  # type: ignore[arg-type]


def run(recipe: Recipe, out: Path, until: int = 10**9) -> list[Progress]:
    seen = []
    for progress in train(recipe, out, device="cpu"):
        seen.append(progress)
        if progress.step == until:
            break
    return seen


def weights(out: Path) -> dict[str, torch.Tensor]:
    (path,) = out.glob("ema-*.safetensors")
    (model,) = out.glob("model-*.safetensors")
    (memory,) = out.glob("optimiser-*.safetensors")
    return {
        f"{part}.{name}": each
        for part, file in (("ema", path), ("model", model), ("optimiser", memory))
        for name, each in load_file(file).items()
    }


@pytest.mark.parametrize(("optimiser", "stops"), [("muon", (4,)), ("muon", (1, 6)), ("adamw", (3,))])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    tmp_path: Path, optimiser: str, stops: tuple[int, ...]
) -> None:
    recipe = tiny(optimiser=dataclasses.replace(parse(TINY).optimiser, name=optimiser))
    whole = run(recipe, tmp_path / "whole")
    for stop in stops:
        run(recipe, tmp_path / "parts", until=stop)
    parts = run(recipe, tmp_path / "parts")
    assert [each.step for each in parts] == [*range(stops[-1] + 1, 10), 9]
    assert whole[-1].progress == 1.0
    one, two = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_finished_run_has_a_sheet_and_nothing_more_to_do(tmp_path: Path) -> None:
    last = run(tiny(), tmp_path)[-1]
    assert last.sheet is not None
    assert last.sheet.is_file()
    assert last.saved
    assert run(tiny(), tmp_path) == []
    longer = tiny(schedule=dataclasses.replace(parse(TINY).schedule, steps=11))
    assert [each.step for each in run(longer, tmp_path)] == [10, 11, 11]


def test_metrics_are_never_doubled(tmp_path: Path) -> None:
    steps = dataclasses.replace(parse(TINY).schedule, steps=42)
    saving = dataclasses.replace(parse(TINY).saving, steps=15)
    recipe = tiny(schedule=steps, saving=saving)
    run(recipe, tmp_path, until=41)
    state = checkpoints.load(tmp_path)
    assert state is not None
    checkpoints.save(tmp_path, dataclasses.replace(state, step=35))  # as if killed after step 41
    run(recipe, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [20, 40]


def test_only_schedule_and_saving_may_change(tmp_path: Path) -> None:
    run(tiny(), tmp_path, until=1)
    with pytest.raises(InputError, match="another seed"):
        run(tiny(seed=1), tmp_path)
    with pytest.raises(InputError, match="already holds a run"):
        next(train(tiny(), tmp_path, resume=False))


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    first = train(tiny(), tmp_path, device="cpu")
    next(first)
    with pytest.raises(StoreError, match="this process is at work on it"):
        next(train(tiny(), tmp_path, device="cpu"))
    first.close()


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tiny(), tmp_path, until=4)
    monkeypatch.setattr("limn.train.tasks.generator.generation", lambda network, clean, *_: network(
        clean * torch.nan, torch.zeros(len(clean))
    ).mean())  # fmt: skip
    with pytest.raises(LimnError, match="loss is nan at step 5"):
        run(tiny(), tmp_path)
    state = checkpoints.load(tmp_path)
    assert state is not None
    assert state.step == 4


@pytest.mark.parametrize("damage", ["manifest", "tensors", "missing"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, damage: str) -> None:
    run(tiny(), tmp_path, until=1)
    (path,) = tmp_path.glob("model-*.safetensors")
    if damage == "manifest":
        (tmp_path / "checkpoint.json").write_text("{")
    elif damage == "tensors":
        path.write_bytes(path.read_bytes()[:-1] + b"\1")
    else:
        path.unlink()
    with pytest.raises(WeightsError, match=str(tmp_path)):
        run(tiny(), tmp_path)


_KILLED = """
import dataclasses, sys
from pathlib import Path
from limn.train.loop import train
from limn.train.recipe import parse
import json, torch
torch.set_num_threads(1)
recipe = parse(json.loads(sys.argv[1]))
for progress in train(recipe, Path(sys.argv[2]), device="cpu"):
    print(progress.step, flush=True)
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_from_a_whole_checkpoint(tmp_path: Path) -> None:
    fields = {**TINY, "saving": {**TINY["saving"], "steps": 1}, "schedule": {"steps": 10**6}}  # type: ignore[dict-item]
    command = [sys.executable, "-c", _KILLED, json.dumps(fields), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout is not None
    while int(process.stdout.readline()) < 3:
        pass
    time.sleep(0.0137)  # somewhere in a step or in the middle of a save
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    state = checkpoints.load(tmp_path)
    assert state is not None
    assert state.step >= 2
    after = run(parse({**fields, "schedule": {"steps": state.step + 2}}), tmp_path)
    assert [each.step for each in after][:2] == [state.step + 1, state.step + 2]
    assert len(list(tmp_path.glob("*.safetensors"))) == 3


def test_export_ships_the_averaged_weights(tmp_path: Path) -> None:
    run(tiny(), tmp_path / "run")
    export(tmp_path / "run", tmp_path / "model", figures={"accuracy": "none, 9 steps"})
    network = averaged(tmp_path / "run")
    assert isinstance(network, Transformer)
    shipped = load_file(tmp_path / "model" / "model.safetensors")
    assert all(torch.equal(each.half(), shipped[name]) for name, each in network.state_dict().items())
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert Transformer.from_config(config["transformer"]).config == network.config
    assert config["size"] == 32


def test_export_of_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="train first"):
        export(tmp_path, tmp_path / "model")


def test_training_starts_from_given_weights(tmp_path: Path) -> None:
    run(tiny(), tmp_path / "a")
    frozen = tiny(
        init=str(tmp_path / "a"), optimiser=dataclasses.replace(parse(TINY).optimiser, lr=1e-8, weight_decay=0.0)
    )
    run(frozen, tmp_path / "b", until=1)
    one, two = averaged(tmp_path / "a").state_dict(), averaged(tmp_path / "b").state_dict()
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)
    assert not any(isinstance(averaged(tmp_path / each), Autoencoder) for each in "ab")


SAMPLE = Path(__file__).parents[1] / "sample" / "pictograms"


def test_from_pictograms_to_a_model_that_draws(tmp_path: Path) -> None:
    data = {"folder": str(SAMPLE), "styles": ["noto"]}
    saving = {"steps": 2, "prompts": ["a red heart"]}
    common = {"schedule": {"steps": 2}, "saving": saving, "optimiser": {"batch": 4}}
    coder = {"channels": 4, "widths": [16, 16, 16], "blocks": [1, 1, 1]}
    first = parse({**common, "name": "coder", "task": "autoencoder", "data": data, "network": coder})
    assert run(first, tmp_path / "coder")[-1].scores["psnr"] > 0
    network = averaged(tmp_path / "coder")
    assert isinstance(network, Autoencoder)
    assert network.std.ne(1).all()
    shape = {"width": 16, "depth": 1, "heads": 2, "channels": 4, "grid": 8, "text_width": 128}
    second = parse({
        **common, "name": "emoji", "data": {**data, "autoencoder": str(tmp_path / "coder")}, "network": shape,
    })  # fmt: skip
    assert run(second, tmp_path / "emoji")[-1].sheet is not None
    export(tmp_path / "emoji", tmp_path / "model")
    generator = load(tmp_path / "model", name="small")
    (picture,) = generator.generate("a red heart", seed=1, steps=2)
    assert picture.pixels.shape == (64, 64, 3)


def test_training_starts_from_a_checkpoint_or_a_model(tmp_path: Path) -> None:
    run(tiny(), tmp_path / "first")
    export(tmp_path / "first", tmp_path / "model")
    trained = averaged(tmp_path / "first").state_dict()
    for start in ("first", "model"):
        begun = starting(str(tmp_path / start))
        assert all(
            torch.equal(begun[name].float(), each.half().float() if start == "model" else each)
            for name, each in trained.items()
        )
        run(tiny(init=str(tmp_path / start)), tmp_path / f"from {start}", until=1)
    with pytest.raises(WeightsError, match="holds no checkpoint"):
        starting(str(tmp_path / "nothing"))
    assert "trunk.modulation.weight" in starting("shapes")


def test_files_of_others_stay_and_leftovers_of_ours_go(tmp_path: Path) -> None:
    foreign = ["model-00001-of-00002.safetensors", "ema-best.safetensors", "model-00000004.safetensors"]
    for name in foreign:
        (tmp_path / name).write_text("mine")
    run(tiny(), tmp_path, until=5)
    assert [(tmp_path / name).read_text() for name in foreign] == ["mine"] * 3
    state = checkpoints.load(tmp_path)
    assert state is not None
    before = {path.name for path in tmp_path.glob("*.safetensors")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "write_text", interrupt)  # the tensors are there, no manifest names them
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(tmp_path, dataclasses.replace(state, step=7))
    left = {path.name for path in tmp_path.glob("*.safetensors")} - before
    assert len(left) == 3
    run(tiny(), tmp_path)
    assert {path.name for path in tmp_path.glob("*.safetensors")} == {
        *foreign, *(f"{part}-00000009.safetensors" for part in ("model", "ema", "optimiser")),
    }  # fmt: skip


def interrupt(path: Path, text: str) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["metrics.jsonl", "sheets/00000009.png"])
def test_metrics_and_sheets_of_others_are_replaced_by_force_only(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"{Path(name).name}: exists and is not limn's .* --force"):
        run(tiny(), tmp_path)
    assert (tmp_path / name).read_text() == "mine"
    for _ in train(tiny(), tmp_path, device="cpu", force=True):
        pass
    assert "mine" not in (tmp_path / name).read_text("utf-8", errors="replace")


@pytest.mark.parametrize("name", ["metrics.jsonl", "sheets"])
def test_links_in_a_training_folder_are_not_followed(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    run(tiny(), tmp_path / "run", until=1)
    target = outside / "target"
    target.write_text("mine")
    place = tmp_path / "run" / name
    place.rmdir() if place.is_dir() else place.unlink(missing_ok=True)
    place.symlink_to(target if name == "metrics.jsonl" else outside)
    with contextlib.suppress(StoreError):
        run(tiny(), tmp_path / "run")
    assert [path.name for path in outside.iterdir()] == ["target"]
    assert target.read_text() == "mine"


def test_the_first_step_which_reads_the_data_counts_as_no_training_time(tmp_path: Path) -> None:
    steps = run(tiny(), tmp_path)
    assert steps[0].seconds == 0
    assert steps[1].seconds > 0
