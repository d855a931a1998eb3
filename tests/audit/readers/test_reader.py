"""Readings and confusion matrices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest

import limn
from limn.audit.readers.reader import Confusion, Pictures, Reader, Reading, open_reader
from limn.kernel import registry
from limn.kernel.errors import InputError


def test_a_confusion_matrix_is_counted_and_gives_rates() -> None:
    truth = ["yes"] * 10 + ["no"] * 20
    read = ["yes"] * 7 + ["no"] * 2 + [None] + ["no"] * 15 + ["yes"] * 4 + [None]
    confusion = Confusion.of("flagged", ["yes", "no"], truth, read)
    assert confusion.counts.tolist() == [[7, 2, 1], [4, 15, 1]]
    rates = confusion.rates("yes")
    assert rates == {"sensitivity": 7 / 9, "specificity": 15 / 19, "positives": 9, "negatives": 19}


def test_without_pictures_rates_are_not_numbers() -> None:
    rates = Confusion(field="f", values=("a", "b"), counts=np.zeros((2, 3), np.int64)).rates("a")
    assert math.isnan(rates["sensitivity"])
    assert math.isnan(rates["specificity"])


def test_a_matrix_of_another_form_is_refused() -> None:
    with pytest.raises(InputError, match="confusion of f"):
        Confusion(field="f", values=("a", "b"), counts=np.zeros((2, 2), np.int64))


def test_readers_have_names() -> None:
    assert {"reader", "detector"}.isdisjoint(registry.names("readers"))
    assert {"people", "shapes", "zero_shot", "user_function", "nudenet", "opennsfw", "noisy"} <= set(
        registry.names("readers")
    )
    assert open_reader("shapes:find=purple cross|triangle").name == "shapes:purple cross|triangle"
    with pytest.raises(InputError, match="did you mean 'people'"):
        open_reader("peple")
    with pytest.raises(InputError, match="option"):
        open_reader("shapes:look=star")


@dataclass(frozen=True, kw_only=True)
class Brightness(Reader):
    """Reads whether a picture is bright.

    Args:
        above: Least mean of what is bright, 0 to 255.
    """

    main = "above"

    above: float = 99.0

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        return {"bright": ("yes", "no")}

    def read(self, pictures: Pictures) -> list[Reading]:
        return [Reading(values={"bright": "yes" if picture.mean() > self.above else "no"}) for picture in pictures]


def test_a_reader_of_any_module_is_an_object_with_a_record() -> None:
    reader = Brightness(above=3)
    assert limn.Reader is Reader
    assert reader.name == "brightness"
    assert len(reader.version) == 12
    assert reader.confusion == {}
    assert [row.values for row in reader.read([np.full((2, 2, 3), 9, np.uint8)])] == [{"bright": "yes"}]
    record = registry.record(reader)
    assert record["name"] == "brightness"
    assert record["from"]["class"] == "Brightness"
    assert registry.build("readers", record) == reader


def test_a_package_s_reader_is_opened_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint(name="brightness", value=f"{__name__}:Brightness", group="limn.readers")
    monkeypatch.setattr(registry, "plugins", lambda kind: {"brightness": entry} if kind == "readers" else {})
    monkeypatch.setattr(registry, "load", lambda kind, name: Brightness)
    registry.aliases.cache_clear()
    assert "brightness" in registry.names("readers")
    assert open_reader("brightness:above=5") == open_reader("brightness:5") == Brightness(above=5)
    registry.aliases.cache_clear()


def test_a_score_that_is_no_number_is_unreadable() -> None:
    reading = Reading(
        values={"gender": "woman", "age": float("nan"), "hat": "yes"},
        confidence={"gender": float("nan"), "hat": 0.5, "age": float("inf")},
    )
    assert reading.values == {"gender": None, "age": None, "hat": "yes"}
    assert reading.confidence == {"gender": 0.0, "hat": 0.5, "age": 0.0}


def test_scalars_of_numpy_are_plain_and_lost_scores_stay_lost_at_any_threshold() -> None:
    reading = Reading(
        values={"word": np.str_("woman"), "number": np.float32(0.5), "gone": np.float64("nan"), "flag": "no"},
        confidence={"word": np.float32(0.25), "flag": float("nan")},
        likely={"flag": "yes"},
    )
    assert reading.values == {"word": "woman", "number": 0.5, "gone": None, "flag": None}
    assert all(type(value) in (str, float, type(None)) for value in reading.values.values())
    fields, below = {"word", "flag"}, {"flag": "no"}
    assert reading.at(0.0, fields, below).values["flag"] is reading.at(1.0, fields, below).values["flag"] is None
    assert [reading.at(score, fields, below).values["word"] for score in (0.2, 0.3)] == ["woman", None]
    assert reading.at(0.3, fields, below).at(0.2, fields, below).values["word"] == "woman"


@pytest.mark.parametrize(
    ("values", "message"), [({"mood": "calm"}, "mood='calm' is not among its fields"), ({"gender": 3}, "gender='3'")]
)
def test_a_reader_is_held_to_its_fields(values: dict[str, Any], message: str) -> None:
    class Loose(Reader):
        fields = {"gender": ("woman", "man")}

        def read(self, pictures: Any) -> list[Reading]:
            return [Reading(values=values) for _ in pictures]

    with pytest.raises(InputError, match=message):
        Loose().rehearse()
