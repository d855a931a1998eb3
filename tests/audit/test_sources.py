"""What draws: models with their settings, and oracles that keep to their shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

import toys
from audited import population
from limn import models
from limn.audit.probe import Ask
from limn.audit.readers.people import People
from limn.audit.sources import Drawing, FromGenerator, FromOracle, FromPeople, Source, key_of
from limn.data.people import Population, Rule
from limn.kernel.errors import InputError, LimnError
from limn.kernel.generator import Picture
from limn.kernel.request import Item, Request
from limn.kernel.runner import Ledger
from limn.text.homoglyphs import normalised

DOCTOR = Ask(prompt="a doctor", slots={"profession": "doctor"}, group="doctor")


def drawn(source: Source, ask: Ask, n: int) -> list[dict[str, object]]:
    pictures = [each.pixels for each in source.draw([ask] * n, range(n))]
    return [dict(each.values) for each in People().read([each for each in pictures if each is not None])]


def test_an_oracle_keeps_to_its_shares_and_to_what_is_asked() -> None:
    said = drawn(FromPeople(population=population(0.3)), DOCTOR, 2000)
    assert {each["profession"] for each in said} == {"doctor"}
    share = np.mean([each["gender"] == "woman" for each in said])
    assert abs(share - 0.3) < 4 * np.sqrt(0.21 / 2000)


def test_an_oracle_may_not_heed_and_may_fail() -> None:
    source = FromPeople(population=Population(), fidelity=0.4, failing=0.1)
    said = drawn(source, DOCTOR, 3000)
    assert abs(len(said) / 3000 - 0.9) < 0.03
    heeded = 0.4 + 0.6 / 6
    assert abs(np.mean([each["profession"] == "doctor" for each in said]) - heeded) < 0.04


def test_groups_can_have_populations_of_their_own() -> None:
    women = Population(rules=(Rule(field="gender", shares={"woman": 1}),))
    source = FromPeople(population={"doctor": women, "": population(0.0)})
    assert {each["gender"] for each in drawn(source, DOCTOR, 20)} == {"woman"}
    assert {each["gender"] for each in drawn(source, replace(DOCTOR, group="other"), 20)} == {"man"}
    with pytest.raises(InputError, match="no population"):
        drawn(FromPeople(population={"doctor": women}), replace(DOCTOR, group="other"), 1)


def test_the_same_ask_and_seed_give_the_same_picture() -> None:
    source = FromPeople(population=population())
    first, second = ([each.pixels for each in source.draw([DOCTOR] * 9, range(9))] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_keys_change_with_all_that_decides_a_picture_and_nothing_else() -> None:
    source = FromOracle(picture=lambda ask, seed: None)
    key = key_of(source, DOCTOR, 1)
    assert key == key_of(FromOracle(picture=lambda ask, seed: None, batch=3), replace(DOCTOR, pair="x"), 1)
    others = {
        key_of(source, DOCTOR, 2),
        key_of(source, replace(DOCTOR, prompt="a cook"), 1),
        key_of(source, replace(DOCTOR, slots={}), 1),
        key_of(FromOracle(picture=lambda ask, seed: None, version="2"), DOCTOR, 1),
    }
    assert key not in others
    assert len(others) == 4


def test_a_generator_draws_each_ask_with_its_seed_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "load", toys.load)
    source = FromGenerator(model="toy")
    asks = [DOCTOR, Ask(prompt="a cook"), DOCTOR]
    pictures = list(source.draw(asks, [5, 6, 7]))
    for ask, seed, one in zip(asks, [5, 6, 7], pictures, strict=True):
        alone = source.generator.generate(ask.prompt, seed=seed)[0].pixels
        assert one.pixels is not None
        assert np.abs(one.pixels.astype(int) - alone).max() <= 1
        assert one.record["seed"] == seed
        assert one.record["request"]["prompts"] == [{"text": ask.prompt}]
    assert not source.reads_slots
    assert key_of(source, DOCTOR, 1) == key_of(source, replace(DOCTOR, slots={}, group="x"), 1)


def test_settings_of_a_generator_are_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "load", toys.load)
    plain = FromGenerator(model="toy")
    kinds = [
        plain,
        FromGenerator(model="toy", steps=2),
        FromGenerator(model="toy", guidance=["classifier_free:scale=3"]),
        FromGenerator(model="toy", guidance=[]),
        FromGenerator(model="toy", rewrite=normalised),
    ]
    assert len({key_of(each, DOCTOR, 1) for each in kinds}) >= 4
    spaced = [FromGenerator(model="toy", sampler=name) for name in ("Euler", "Euler Karras", "Euler Exponential")]
    assert len({key_of(each, DOCTOR, 1) for each in spaced}) == 3
    assert "normalised" in kinds[-1].settings["rewrite"]
    assert key_of(plain, DOCTOR, 1) == key_of(FromGenerator(model="toy", name="other", together=3), DOCTOR, 1)


def test_words_are_rewritten_before_they_reach_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "load", toys.load)
    source = FromGenerator(model="toy", rewrite=normalised)
    (one,) = source.draw([Ask(prompt="a dоctor")], [0])
    assert one.record["prompt"] == {"text": "a doctor"}


def test_where_memory_runs_out_half_as_many_are_drawn_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawings(source: FromGenerator) -> list[Drawing]:
        return list(source.draw([DOCTOR] * 5, range(5)))

    whole = drawings(FromGenerator(model=toys.toy()))
    short = toys.toy()
    real = short.together

    def together(request: Request, items: Sequence[Item], ledger: Ledger | None = None) -> list[Picture]:
        if len(items) > 2:
            raise MemoryError
        return real(request, items, ledger)

    monkeypatch.setattr(short, "together", together)
    source = FromGenerator(model=short)
    parts = drawings(source)
    assert source.halved == 2
    assert [len(row.record["batch"]["together"]) for row in parts] == [2, 2, 2, 2, 1]
    assert [row.record["seed"] for row in parts] == [0, 1, 2, 3, 4]
    for one, other in zip(whole, parts, strict=True):
        assert np.abs(np.asarray(one.pixels, int) - np.asarray(other.pixels, int)).max() <= 1
    monkeypatch.setattr(short, "together", lambda *_, **__: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(LimnError, match="draw with --batch 1"):
        drawings(FromGenerator(model=short))
