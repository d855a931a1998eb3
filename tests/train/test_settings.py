"""Values set from outside are what a file would have said."""

from __future__ import annotations

from pathlib import Path

import pytest

from limn.kernel.errors import InputError
from limn.train.loop import train
from limn.train.network import recipe_of, state_of
from limn.train.recipe import parse, read
from limn.train.settings import changed

SHAPES = parse({
    "name": "tiny", "data": {"world": "shapes"}, "optimiser": {"batch": 2}, "schedule": {"steps": 1},
    "network": {"width": 16, "depth": 1, "heads": 1, "channels": 3, "grid": 32, "patch": 8, "text_width": 128},
})  # fmt: skip


def test_every_kind_of_value_can_be_set() -> None:
    plan = changed(
        read(Path("vq")),
        [
            "seed=3", "precision=float32", "data.styles=noto|flat", "network.widths=16 32", "objective.decoder=true",
            "objective.features=0.5", "schedule.minutes=3", "schedule.steps=0", "saving.prompts='a cat, red'",
        ],
    )  # fmt: skip
    assert (plan.seed, plan.precision, plan.data.styles) == (3, "float32", ("noto", "flat"))
    assert plan.network["widths"] == (16, 32)
    assert plan.objective == {**read(Path("vq")).objective, "decoder": True, "features": 0.5}
    assert (plan.schedule.minutes, plan.saving.prompts) == (3.0, ("a cat, red",))
    assert changed(plan, []) == plan


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimiser.bathc=3", "unknown recipe field 'optimiser.bathc'; did you mean 'optimiser.batch'"),
        ("objective.decoder=true", "unknown recipe field 'objective.decoder'"),
        ("network.with=3", "did you mean 'network.width'"),
        ("optimiser.batch=many", "optimiser.batch=many: give a whole number"),
        ("optimiser.batch=0", "optimiser.batch must be from 1 to 65536, not 0"),
        ("objective.drop=2", "objective.drop must be from 0 to 1, not 2.0"),
        ("objective.target=flo", "did you mean 'flow'"),
        ("schedule.minutes=3", "give either minutes or steps"),
        ("task=vqq", "unknown task 'vqq'; did you mean 'vq'"),
        ("data=3", "unknown recipe field 'data'"),
        ("optimiser.lr", "such as optimiser.lr=0.001"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(setting: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        changed(SHAPES, [setting])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_run_keeps_what_was_set_and_resumes_with_nothing_else(tmp_path: Path) -> None:
    plan = changed(SHAPES, ["objective.drop=0.3", "optimiser.lr=0.002"])
    list(train(plan, tmp_path, device="cpu"))
    assert recipe_of(state_of(tmp_path)) == plan
    assert list(train(changed(SHAPES, ["objective.drop=0.3", "optimiser.lr=0.002"]), tmp_path, device="cpu")) == []
    with pytest.raises(InputError, match="another objective"):
        next(train(changed(SHAPES, ["optimiser.lr=0.002"]), tmp_path, device="cpu"))
