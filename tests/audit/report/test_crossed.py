from __future__ import annotations

import json
import re
from html import unescape

from audited import population, probe
from limn.audit.readers.people import People
from limn.audit.report.crossed import crossed
from limn.audit.run import in_memory
from limn.audit.sources import FromPeople


def test_counts_of_pairs_lead_to_their_pictures() -> None:
    table = in_memory(probe(6), [FromPeople(population=population(0.4), name="one")], [People()])
    text = crossed(table)
    links = re.findall(r'data-where="([^"]*)"[^>]*>(\d+)</a>', text)
    assert links
    for words, count in links:
        where = json.loads(unescape(words))
        rows = [row.readings["people"].values for row in table.rows]
        assert int(count) == sum(all(row[name] == where[name] for name in where if name != "model") for row in rows)
    pair = text.split("<details")[1]
    assert sum(int(count) for _, count in re.findall(r'data-where="([^"]*)"[^>]*>(\d+)</a>', pair)) == len(table)


def test_no_fields_no_tables() -> None:
    assert crossed(in_memory(probe(1), [FromPeople(population=population(0.4))], [])) == ""
