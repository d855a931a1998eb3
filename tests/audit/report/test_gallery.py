"""Every picture is on the page once, beside what was read of it, small enough to send."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from PIL import Image

from audited import population, probe
from limn.audit.readers.people import People
from limn.audit.report import gallery as module
from limn.audit.report.gallery import columns, gallery
from limn.audit.report.pictures import thumbnails
from limn.audit.run import in_memory
from limn.audit.sources import FromPeople
from limn.audit.table import Table


@pytest.fixture(scope="module")
def table() -> Table:
    sources = [
        FromPeople(population=population(0.2), name="one", failing=0.2),
        FromPeople(population=population(0.8), name="two"),
    ]
    return in_memory(probe(4), sources, [People()])


def test_each_picture_stands_below_its_prompt_and_model(table: Table) -> None:
    text = gallery(table)
    drawn = table.account().drawn
    assert (text.count("<img "), text.count("not drawn: ")) == (drawn, len(table) - drawn)
    for section in text.split('<section class="prompt"')[1:]:
        facts = json.loads(unescape(re.search(r'data-facts="([^"]*)"', section)[1]))  # type: ignore[index]
        for part in section.split('data-model="')[1:]:
            model = part.partition('"')[0]
            rows = [row for row in table.rows if (row.prompt, row.source) == (facts["prompt"], model)]
            seeds = [int(seed) for seed in re.findall(r'<li [^>]*data-seed="(\d+)"', part)]
            assert seeds == [row.seed for row in rows]
            read = [row.readings["people"].values["gender"] for row in rows if row.drawn]
            assert re.findall(r'alt="[^"]*gender (\w+)', part) == read


def test_the_csv_has_every_row(table: Table) -> None:
    data = re.search(r"data:text/csv;base64,([\w+/=]+)", gallery(table))
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(data[1]).decode())))  # type: ignore[index]
    assert len(rows) == len(table)
    assert [row["seed"] for row in rows] == [str(row.seed) for row in table.rows]
    assert {row["gender"] for row in rows if not row["flaw"]} <= {"woman", "man", "person"}


def test_pictures_that_nobody_should_see_stay_out(table: Table) -> None:
    text = gallery(table, hidden=True)
    assert "<img" not in text
    assert "nobody should see them unasked" in text
    assert "gender woman" in text


def test_more_than_a_page_holds_is_told(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    text = gallery(table)
    assert f"The first 10 of {len(table)} pictures" in text
    assert text.count("data-seed") == 10


def test_the_reader_that_counts_has_the_plain_name(table: Table) -> None:
    first = table.readers[0]
    both = replace(table, readers=(first, replace(first, name="labeller ann", fields={"gender": ()})))
    assert [column.name for column in columns(both)] == [*first.fields, "gender (labeller ann)"]


@pytest.mark.parametrize("side", [16, 64, 300])
def test_thumbnails_fit_their_budget(side: int) -> None:
    noise = [np.random.default_rng(k).integers(0, 256, (side, side, 3), np.uint8) for k in range(6)]
    loads = [lambda picture=picture: picture for picture in noise]  # type: ignore[misc]
    free, few = thumbnails(loads, 10**9), thumbnails(loads, 8000)
    assert sum(len(one.data) for one in few) <= 8000
    sizes = {Image.open(io.BytesIO(one.data)).size for one in free}
    assert sizes == {(min(side, 128),) * 2}
    if side <= 128:
        exact = [np.asarray(Image.open(io.BytesIO(one.data)).convert("RGB")) for one in free]
        assert all(np.array_equal(one, other) for one, other in zip(exact, noise, strict=True))
