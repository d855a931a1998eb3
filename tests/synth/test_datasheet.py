"""The datasheet says what the set's files say, and what people answered."""

from __future__ import annotations

import json
from pathlib import Path

from limn.synth.datasheet import card_of, write_datasheet
from limn.synth.hand_check import add_answers
from limn.synth.making import Choice, Made
from made_sets import judge, make_set


def answer_all(made: Made, path: Path) -> None:
    """Answer as the exact reader would."""
    rows = [row for row in made.table.rows if row.drawn]
    shown = judge().reader.read([made.table.load(row) for row in rows])
    said = {
        row.key: "right" if one.values["shape"] == row.group else "wrong"
        for row, one in zip(rows, shown, strict=True)
    }
    path.write_text(json.dumps({"set": "", "answers": said}))
    add_answers(made, path)


def test_counts_noise_licence_and_variety_are_there(tmp_path: Path) -> None:
    about = {"card": card_of("shapes"), "how": {"recipe": "name"}}
    made = make_set(tmp_path, 20, noise=0.3, choice=Choice(judged=True), about=about)
    report = write_datasheet(made, command="limn synth make")
    page = (tmp_path / "report.html").read_text()
    for words in ("Apache-2.0", "Vendi score", "limn synth make", "near-duplicate", "judged another class"):
        assert words in page
    assert f"{made.record['kept']:,} of 60 pictures of 3 classes were kept" in report.summary[0]
    record = json.loads((tmp_path / "report.json").read_text())
    titles = [part["title"] for section in record["sections"] for part in section["parts"] if "title" in part]
    assert "Share of pictures that show something else than their label" in titles
    assert "Not measured" in page


def test_answers_change_what_is_believed(tmp_path: Path) -> None:
    made = make_set(tmp_path, 20, noise=0.3, choice=Choice(twins=False))
    before = write_datasheet(made).summary[0]
    answer_all(made, tmp_path / "answers.json")
    after = write_datasheet(made).summary[0]
    assert "by hand" in after
    assert "by hand" not in before


def test_copies_are_counted_against_the_training_pictures(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", 6)
    held = make_set(tmp_path / "held", 40)
    training = made.folder / "data" / "train"
    write_datasheet(made, training=str(training), held=str(held.folder / "data" / "train"))
    record = json.loads((made.folder / "report.json").read_text())
    [section] = [one for one in record["sections"] if one["title"].startswith("Copies")]
    [copied, extracted] = section["parts"][0]["rows"]
    assert extracted["value"] == 1.0, "all are training pictures"
    assert "fewer than the 99" in copied["note"], "too few held-out pictures for a threshold are told of"
