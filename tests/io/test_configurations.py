"""Configurations: closed, typed, bounded; small files only; nothing that runs code."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from limn.io.configurations import (
    FLAG,
    Rule,
    build,
    check_fields,
    check_range,
    either,
    many,
    number,
    one_of,
    parse_json,
    read_config,
    read_json,
    read_toml,
    require,
    text,
    whole,
)
from limn.kernel.errors import InputError, StoreError, WeightsError


@dataclass(frozen=True, kw_only=True)
class ToyConfig:
    width: int = 8
    rate: float = 0.5
    name: str = "toy"
    widths: tuple[int, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_range(self, width=(1, 64))
        require(self.rate > 0, "rate must be above 0")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


def test_a_configuration_is_read_from_fields_and_from_a_file(path: Path) -> None:
    fields = {"width": 16, "rate": 1, "widths": [1, 2], "more": {"a": 1}}
    path.write_text(json.dumps(fields))
    want = ToyConfig(width=16, rate=1.0, widths=(1, 2), more={"a": 1})
    assert read_config(ToyConfig, fields) == read_config(ToyConfig, path) == want
    assert type(read_config(ToyConfig, path).rate) is float


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"widht": 8}, "unknown configuration field 'widht'; did you mean 'width'?"),
        ({"width": True}, "width must be int, not bool"),
        ({"width": "8"}, "width must be int, not str"),
        ({"width": 8.0}, "width must be int, not float"),
        ({"width": None}, "width must be int, not NoneType"),
        ({"width": 10**9}, "width must be a whole number from 1 to 64, not 1000000000"),
        ({"width": 10**4000}, "width must be a whole number from 1 to 64"),
        ({"rate": -1.0}, "rate must be above 0"),
        ({"rate": float("inf")}, "rate must be a finite number"),
        ({"more": []}, "more must be dict, not list"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(fields: dict[str, Any], match: str) -> None:
    with pytest.raises(WeightsError, match=match.replace("?", r"\?")) as caught:
        read_config(ToyConfig, fields)
    assert "Toy: " in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_fault_in_a_file_names_the_file(path: Path) -> None:
    path.write_text('{"width": 0}')
    with pytest.raises(WeightsError, match=r"config\.json: width must be"):
        read_config(ToyConfig, path)


@pytest.mark.parametrize(
    "name", ["auto_map", "trust_remote_code", "_attn_implementation_internal", "custom_pipelines"]
)
@pytest.mark.parametrize("deep", [False, True])
def test_files_that_ask_to_run_code_are_refused(path: Path, name: str, deep: bool) -> None:
    fields: dict[str, Any] = {name: {"AutoModel": "evil.Evil"}}
    path.write_text(json.dumps({"text_config": [fields]} if deep else fields))
    with pytest.raises(WeightsError, match=f"{name} asks to run code from the folder; limn runs none"):
        read_json(path)


def test_quantised_weights_are_refused_for_what_they_are(path: Path) -> None:
    path.write_text(json.dumps({"text_config": {"quantization_config": {"quant_method": "bitsandbytes"}}}))
    for quantised in (False, True):
        with pytest.raises(
            WeightsError, match="weights are quantised, which limn does not read here; get those of 16"
        ):
            read_json(path, quantised=quantised)
    path.write_text(json.dumps({"quantization_config": {"quant_method": "bitsandbytes"}}))
    assert read_json(path, quantised=True) == {"quantization_config": {"quant_method": "bitsandbytes"}}


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{", '{"a": NaN}', '{"a": -Infinity}', '{"a":1,"a":2}', "[" * 10**5]
)
def test_what_is_no_json_object_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(WeightsError, match=r"config\.json: .*JSON.*; get the file again"):
        read_json(path)


def test_large_files_are_not_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(WeightsError, match="larger than 1,048,576 bytes"):
        read_json(path)
    path.write_text('{"a": "' + "x" * 2_000_000 + '"}')
    assert len(read_json(path, limit=3_000_000)["a"]) == 2_000_000


def test_missing_files_and_folders(path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        read_json(path)
    with pytest.raises(WeightsError, match="not a regular file"):
        read_json(path.parent)


def test_ranges() -> None:
    with pytest.raises(InputError, match="width must be"):
        ToyConfig(width=0)


CASES: list[tuple[Rule, list[Any], list[Any]]] = [
    (whole(1, 8), [1, 8], [0, 9, True, 1.0, "1", None, [1]]),
    (number(0, 1), [0, 0.5, 1], [-0.1, 1.1, math.nan, math.inf, True, "0", None]),
    (text(3), ["", "abc"], ["abcd", 3, None]),
    (one_of(None, 1, "a", []), [None, 1, "a", []], [0, True, 1.0, "b", [1]]),
    (many(whole(0, 9), 2), [[0], [1, 2]], [[], [1, 2, 3], [10], (1,), 1, None]),
    (either(whole(0, 9), one_of(None)), [3, None], [10, "3"]),
    (FLAG, [True, False], [0, 1, None, "true"]),
]


@pytest.mark.parametrize(("rule", "good", "bad"), CASES, ids=[rule.says for rule, _, _ in CASES])
def test_rules(rule: Rule, good: list[Any], bad: list[Any]) -> None:
    assert all(map(rule.allows, good))
    assert not any(map(rule.allows, bad))


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"heads": 2}, r"c\.json: width is missing"),
        ({"width": 9}, r"c\.json: width is 9; limn takes a whole number from 1 to 8"),
        ({"width": 1, "haeds": 2}, r"c\.json: unknown field 'haeds'; did you mean 'heads'\? known: heads, width"),
        ({"width": 1, "x" * 10_000: 2}, r"c\.json: unknown field"),
        ({"width": "y" * 10_000}, r"c\.json: width is 'yyy"),
    ],
)
def test_faults_are_one_short_line(fields: dict[str, Any], match: str) -> None:
    with pytest.raises(WeightsError, match=match) as caught:
        check_fields(Path("c.json"), fields, {"width": whole(1, 8), "heads": whole(1, 8)}, ("width",))
    assert len(str(caught.value)) <= 400
    assert "\n" not in str(caught.value)


@dataclass(frozen=True, kw_only=True)
class Inner:
    kind: Literal["one", "two"] = "one"
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str
    inner: Inner = field(default_factory=Inner)


def test_tables_within_tables_are_dataclasses_within_dataclasses(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('name = "x"\n[inner]\nkind = "two"\nnames = ["a", "b"]\n')
    assert build(Outer, read_toml(path), what="field") == Outer(name="x", inner=Inner(kind="two", names=("a", "b")))


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({}, "name is missing"),
        ({"name": 3}, "name must be str, not int"),
        ({"name": "x", "inner": 3}, "inner must be"),
        ({"name": "x", "inner": {"kind": "three"}}, "unknown inner.kind 'three'"),
        ({"name": "x", "inner": {"knd": "one"}}, "unknown field 'inner.knd'; did you mean 'inner.kind'"),
        ({"name": "x", "inner": {"names": [1]}}, "inner.names must be a list of texts"),
    ],
)
def test_faults_are_named_by_their_whole_place(fields: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=re.escape(match)):
        build(Outer, fields, what="field")


def test_other_callers_have_their_own_error_and_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"a\.json: is damaged, .*; repair it"):
        parse_json(Path("a.json"), b"{", error=StoreError, remedy="repair it")
    path = tmp_path / "a.toml"
    path.write_bytes(b"#" * 2**21)
    with pytest.raises(InputError, match="larger than 1,048,576 bytes; cut it"):
        read_toml(path, remedy="cut it")
