"""Pictures that something else drew: tables with people's labels become audits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limn.audit.folder import Folder
from limn.audit.foreign import audit_pictures
from limn.audit.group_shares import group_share
from limn.audit.labels import MAJORITY, read_labels
from limn.audit.readers.people import People
from limn.audit.report.agreement import agreement
from limn.audit.studies.associations import Associations
from limn.audit.studies.culture import Culture
from limn.audit.studies.inappropriate import Inappropriate
from limn.audit.studies.stereotypes import Stereotypes
from limn.audit.study import Study
from limn.audit.synthetic import judged
from limn.audit.table import Table
from limn.data.people import Person, render
from limn.kernel.errors import InputError

STUDY = Stereotypes(reference="people:visible")
HEAD = "prompt,concept,file,gender:ann,gender:ben\n"


def icon(folder: Path, name: str, gender: str, tone: int = 0) -> None:
    motifs = ("wave", "lantern", "leaf", "zigzag")
    person = Person(profession="cook", gender=gender, tone="none", motif=motifs[tone % 4], style="flat")
    Image.fromarray(render(person)).save(folder / name)


def write(folder: Path, text: str, name: str = "labels.csv") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def audited(study: Study, path: Path, folder: Path, **options: object) -> Table:
    *_, table = audit_pictures(study, read_labels(path, study), folder, **options)  # type: ignore[arg-type]
    assert isinstance(table, Table)
    return table


@pytest.fixture
def four(tmp_path: Path) -> Path:
    for k, gender in enumerate(("woman", "woman", "man", "man")):
        icon(tmp_path, f"{k}.png", gender)
    return tmp_path


def test_two_labellers_are_counted_and_compared(four: Path) -> None:
    lines = ("0.png,woman,woman", "1.png,woman,woman", "2.png,man,man", "3.png,man,woman")
    path = write(four, HEAD + "".join(f'"a cook, smiling",cook,{line}\n' for line in lines))
    table = audited(STUDY, path, four / "a")
    assert [reader.name for reader in table.readers] == [MAJORITY, "labeller ann", "labeller ben"]
    share = group_share(table.of(concept="cook"), "gender", "woman")
    assert (share.k, share.n, share.account.unreadable) == (2, 3, 1)
    (section,) = agreement(table)
    assert section.parts[0].rows[0].value == pytest.approx(0.5333, abs=1e-3)  # type: ignore[union-attr]
    report = STUDY.analyse(Folder(four / "a").table())
    assert "cook represented as woman: 0.667" in report.findings[0]
    again = audited(STUDY, path, four / "a")
    assert [row.readings for row in again.rows] == [row.readings for row in table.rows]


def test_labels_calibrate_a_reader_whose_readings_are_counted(tmp_path: Path) -> None:
    rng, rows = np.random.default_rng(0), []
    genders = ["woman" if rng.random() < 0.7 else "man" for _ in range(400)]
    for k, gender in enumerate(genders):
        icon(tmp_path, f"{k}.png", gender, k)
        rows.append(f"a cook,cook,{k}.png,{gender if k < 200 else ''}")
    path = write(tmp_path, "prompt,concept,file,gender\n" + "\n".join(rows) + "\n")
    table = audited(STUDY, path, tmp_path / "a", readers=[judged(3, calibration=0)])
    matrix = table.reader("gender").confusion["gender"]
    assert "200 pictures that people labelled" in matrix.source
    assert matrix.counts.sum() == 200
    share = group_share(table, "gender", "woman")
    assert share.n == 400
    there = genders.count("woman") / 400
    assert share.behind.covers(there)
    assert share.readings is not None
    assert share.readings.truths == (genders[:200].count("woman"), genders[:200].count("man"))
    assert sum(share.readings.counts) == 200
    assert abs((share.behind.value or 0) - there) < abs((share.read.value or 0) - there)


def test_other_studies_run_on_a_table(four: Path) -> None:
    lines = ("calm,0.png,yes,", "calm,1.png,no,", "wild,2.png,yes,", "wild,3.png,?,")
    path = write(
        four, "prompt,categories,file,flagged,mood\n" + "".join(f"p {k},{r}\n" for k, r in enumerate(lines))
    )
    study = Inappropriate()
    listed = read_labels(path, study)
    assert listed.unused == ("mood",)
    report = study.analyse(audited(study, path, four / "a"))
    assert report.sections[0].parts[0].rows[0].value == pytest.approx(2 / 3)  # type: ignore[union-attr]
    places = ("", "wave", "", "wave")
    text = "prompt,concept,place,seed,file,motif\n"
    text += "".join(f"p {place},cook,{place},{k // 2},{k}.png,wave\n" for k, place in enumerate(places))
    text += "".join(
        f"p {name},cook,{name},0,{k}.png,{name}\n" for k, name in enumerate(("leaf", "lantern", "zigzag"), 4)
    )
    for k in (4, 5, 6):
        icon(four, f"{k}.png", "woman", k)
    culture = Culture()
    table = audited(culture, write(four, text, "places.csv"), four / "b")
    assert culture.placed(table, "pictures").specificity().n == 5
    assert culture.analyse(table).findings


def test_models_side_by_side_and_lines_that_repeat_a_picture(four: Path) -> None:
    rows = ("one,0.png,woman,", "two,2.png,man,man", "one,0.png,,woman", "one,1.png,woman,woman")
    path = write(four, HEAD.replace("file", "model,file") + "".join(f"a cook,cook,{row}\n" for row in rows))
    listed = read_labels(path, STUDY)
    assert (listed.again, [source.name for source in listed.sources]) == (1, ["one", "two"])
    table = audited(STUDY, path, four / "a")
    assert [table.of(model=name).account("gender").readable for name in table.models] == [2, 1]
    assert len(next(iter(listed.labels.values()))) == 2
    assert "is not in the table" in {row.flaw for row in table.rows}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prompt,file\na,0.png\n", "stereotypes needs a column concept; its columns are prompt, file"),
        ("words,concept,file\na,cook,0.png\n", "needs a column prompt"),
        (HEAD, "has no lines"),
        (HEAD + "a, b,cook,0.png,woman,man\n", "line 2: has other cells than columns"),
        (HEAD + "a cook,cook,9.png,woman,man\n", "line 2: there is no .*9.png; give the folder with --images"),
        (HEAD + "a cook,,0.png,woman,man\n", "line 2: has no concept"),
        (HEAD + "a cook,cook,0.png,man,man\na nurse,nurse,0.png,man,man\n", "line 3: has the file of line 2"),
        ("prompt,concept,file,seed\na,cook,0.png,x\n", "seed 'x' is no whole number"),
        ("prompt,concept,file,seed\na,cook,0.png,1\na,cook,1.png,1\n", "line 3: has the words and seed of 0.png"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(four: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_labels(write(four, text), STUDY)


def test_what_nobody_reads_or_looks_at_is_refused(four: Path) -> None:
    path = write(four, "prompt,concept,file\na cook,cook,0.png\n")
    with pytest.raises(InputError, match="gender: no reader"):
        audited(STUDY, path, four / "a")
    with pytest.raises(InputError, match="associations looks at no pictures"):
        read_labels(path, Associations())
    with pytest.raises(InputError, match="no such file"):
        read_labels(four / "none.csv", STUDY)
    words = write(four, HEAD + "a cook,cook,0.png,female,female\n")
    with pytest.raises(InputError, match="people say 'female', people woman, man"):
        audited(STUDY, words, four / "a", readers=[People()])
