from __future__ import annotations

from pathlib import Path

import pytest

from limn.kernel.errors import InputError
from limn.train.network import build
from limn.train.recipe import Schedule, parse, read

RECIPES = sorted(
    path.stem for path in (Path(__file__).parents[2] / "src" / "limn" / "train" / "recipes").glob("*.toml")
)


@pytest.mark.parametrize("name", RECIPES)
def test_shipped_recipes_are_sound(name: str) -> None:
    recipe = read(Path(name))
    assert recipe.name == name
    assert sum(each.numel() for each in build(recipe).parameters()) > 10**5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 'a'\n[schedule]\nsteps = 1\n[optimizer]\nlr = 1", "optimiser"),
        ("name = 'a'\n[schedule]\nsteps = 1\n[optimiser]\nbathc = 1", "optimiser.batch"),
        ("name = 'a'\n[schedule]\nsteps = 1\n[optimiser]\nbatch = 'many'", "optimiser.batch must be int"),
        ("name = 'a'\n[schedule]\nsteps = 1\n[optimiser]\nlr = nan", "optimiser.lr"),
        ("name = 'a'\n[schedule]\nsteps = 1\n[optimiser]\nname = 'adam'", "adamw"),
        ("name = 'a'\n[schedule]\nsteps = 1\nminutes = 2", "either minutes or steps"),
        ("name = 'a'", "either minutes or steps"),
        ("[schedule]\nsteps = 1", "name is missing"),
        ("name = ", "not sound TOML"),
        ("name = 'a'\ndata = 3\n[schedule]\nsteps = 1", "data must be Data"),
    ],
)
def test_a_wrong_recipe_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said) as error:
        read(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_recipe_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shapes"):
        read(tmp_path / "none.toml")


def test_a_network_out_of_bounds_is_refused() -> None:
    recipe = parse({"name": "a", "schedule": {"steps": 1}, "network": {"width": 10**9}})
    with pytest.raises(InputError, match="width"):
        build(recipe)


def test_the_rate_rises_stays_and_falls() -> None:
    schedule = Schedule(steps=100, warmup=10, flat=0.5, floor=0.0)
    rates = [schedule.rate(step, schedule.progress(step, 0.0)) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:51] == [1.0] * 41
    assert rates[75] == pytest.approx(0.5)
    assert rates[100] == 0.0
    cosine = Schedule(steps=100, warmup=0, flat=0.0, floor=0.1, fall="cosine")
    assert cosine.rate(50, 0.5) == pytest.approx(0.5)
    assert cosine.rate(100, 1.0) == 0.1


def test_minutes_count_training_time_over_all_sessions() -> None:
    assert Schedule(minutes=2).progress(10**6, 60.0) == 0.5
    assert Schedule(minutes=2).progress(0, 600.0) == 1.0


@pytest.mark.parametrize("name", ["../../x", "/x", "a/b", "..", "", "CON", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"name: .* is no plain name"):
        parse({"name": name, "schedule": {"steps": 1}})
