from __future__ import annotations

import base64
import csv
import io
import re

from limn.audit.report.csv_link import csv_link


def test_a_spreadsheet_takes_no_cell_for_a_formula() -> None:
    cells = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "a cook", "-0.5", "-1.5 %"]
    link = csv_link("Table", ["prompt", "number"], [[cell, -1.5] for cell in cells])
    data = re.search('base64,([^"]+)', link)
    assert data is not None
    rows = list(csv.reader(io.StringIO(base64.b64decode(data[1]).decode(), newline="")))
    assert [row[0] for row in rows[1:]] == [*(f"'{cell}" for cell in cells[:5]), *cells[5:]]
    assert {row[1] for row in rows[1:]} == {"-1.5"}
