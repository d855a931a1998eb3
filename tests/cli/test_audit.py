"""``limn audit``: from a model to a page, and on from where it was stopped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import toys
from limn.audit.folder import Folder
from limn.audit.study import names, parse
from limn.cli.audit.sources import kind_of
from limn.data.people import Person, render
from limn.kernel import registry
from limn.kernel.errors import InputError

EYES = """
FIELDS = {"gender": ("woman", "man", "neutral"), "tone": ("light",)}

def see(pictures):
    return [{"gender": "woman", "tone": "light"} for _ in pictures]

def stop(pictures):
    if pictures[0].shape[0] != 64:  # the picture of the rehearsal
        raise KeyboardInterrupt
    return see(pictures)

def wrong(pictures):
    return [{"gender": "women"} for _ in pictures]
"""


@pytest.fixture(autouse=True)
def _eyes(tmp_path: Path) -> None:
    (tmp_path / "eyes.py").write_text(EYES)


def test_the_list_has_every_study_and_the_readers(limn) -> None:
    listed = json.loads(limn("audit", "list", "--json").out)
    assert [each["name"] for each in listed["studies"]] == names()
    assert "people" in listed["readers"]
    assert all(each["summary"] and each["paper"] for each in listed["studies"])
    assert limn("audit", "list").lines[0].split()[:3] == ["study", "what", "it"]


def test_help_of_a_study_shows_its_options_with_values_and_defaults(limn) -> None:
    result = limn("audit", "culture:n=3", "--help")
    assert result.code == 0
    assert "people, pictograms, photos" in result.out
    assert "Subjects to keep" in result.out
    assert "--against" in result.out
    listed = json.loads(limn("audit", "list", "--json").out)
    options = {study["name"]: {one["name"]: one for one in study["options"]} for study in listed["studies"]}
    assert options["culture"]["n"]["default"] == "16"
    assert "did you mean 'culture'" in limn("audit", "cultur", "--help").err


def test_defaults_fit_what_the_model_draws(limn, tmp_path: Path) -> None:
    for name, world in {"stereotypes": "pictograms", "culture": "pictograms", "homoglyphs": "scenes"}.items():
        study = parse(name, lambda: kind_of("emoji"))
        assert registry.record(study)["world"] == world
        assert study.read_by == (("pictograms",) if name == "stereotypes" else ())
        own = parse(f"{name}:world=people", lambda: kind_of("emoji"))
        assert registry.record(own)["world"] == "people"
        for model in ("oracle", "people_agnostic"):
            assert parse(name, lambda model=model: kind_of(model)) == parse(name)
    assert kind_of("shapes") == "shapes"
    (tmp_path / "sd").mkdir()
    (tmp_path / "sd" / "model_index.json").write_text("{}")
    (tmp_path / "own").mkdir()
    kinds = {str(tmp_path / "sd"): "photos", str(tmp_path / "own"): "", "openai:m": "photos", "nobody": ""}
    assert {model: kind_of(model) for model in kinds} == kinds
    assert parse("stereotypes:only=nurse", lambda: kind_of("muse")).only == ("nurse",)
    with pytest.raises(InputError, match="name a list of yours"):
        parse("inappropriate", lambda: kind_of("muse"))
    assert parse("inappropriate", lambda: "photos", ["prompts"]) == parse("inappropriate")
    result = limn("audit", "culture:field=mood", "--model", "emoji")
    assert "limn: emoji draws pictograms, so world=pictograms\n" in result.err


def test_an_audit_of_an_oracle_ends_in_a_page(limn, tmp_path: Path) -> None:
    result = limn("audit", "stereotypes", "--model", "oracle", "--reader", "people", "--n", 5, "--out", "a")
    assert (result.code, result.lines) == (0, ["a/report.html"])
    report = json.loads((tmp_path / "a" / "report.json").read_text())
    assert report["pictures"]["asked"] == report["pictures"]["drawn"] > 0
    assert report["study"]["n"] == 5
    assert report["command"] == "limn audit stereotypes --model oracle --reader people --n 5 --out a"
    assert "limn: " in result.err


def test_more_pictures_are_added_and_reports_are_made_again(limn, tmp_path: Path) -> None:
    start = ["audit", "stereotypes", "--model", "oracle", "--out", "a", "--reader"]
    assert limn(*start, "people", "--n", 3).code == 0
    few = {row.key for row in Folder(tmp_path / "a").table().rows}
    assert limn(*start, "people", "--n", 5).code == 0
    assert few < {row.key for row in Folder(tmp_path / "a").table().rows}
    before = json.loads((tmp_path / "a" / "report.json").read_text())
    (tmp_path / "a" / "report.json").unlink()
    assert limn("audit", "report", "a").code == 0
    again = json.loads((tmp_path / "a" / "report.json").read_text())
    assert again == before
    assert limn("audit", "read", "a", "--reader", "own:eyes.py:see").code == 0
    assert [each.name for each in Folder(tmp_path / "a").table().readers] == ["people", "own:eyes.py:see"]


def test_prompts_and_references_of_ones_own(limn, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("prompt,concept\nour cook,cook\nour judge,judge\n")
    (tmp_path / "shares.csv").write_text("concept,woman\ncook,0.4\n")
    start = ["audit", "stereotypes", "--model", "oracle", "--prompts", "mine.csv"]
    assert limn(*start, "--reference", "shares.csv", "--n", 3, "--out", "a").code == 0
    report = json.loads((tmp_path / "a" / "report.json").read_text())
    rows = report["sections"][0]["parts"][0]["rows"]
    assert [(row["name"], row["reference"]) for row in rows] == [("cook", 0.4), ("judge", None)]
    (tmp_path / "mine.csv").write_text("prompt,concept\nour cook, smiling,cook\n")
    assert (
        limn(*start).err.strip()
        == "limn: error: mine.csv, line 2: has other cells than columns; quote text with commas"
    )
    assert "scores=FILE" in limn("audit", "inappropriate", "--model", "shapes", "--reference", "shares.csv").err


def test_without_a_name_the_folder_is_the_same_for_the_same_audit(limn, tmp_path: Path) -> None:
    command = ["audit", "stereotypes", "--model", "oracle", "--reader", "people"]
    first, second = limn(*command, "--n", 2).lines, limn(*command, "--n", 3).lines
    assert first == second
    assert first[0].startswith("limn-runs/audits/stereotypes-oracle-")


def test_two_readers_and_two_settings_of_a_model_on_one_page(limn, tmp_path: Path) -> None:
    result = limn(
        "audit", "stereotypes", "--model", "toy", "--against-guide", "classifier_free:scale=3", "--n", 2, "--out",
        "a", "--reader", "own:eyes.py:see", "--reader", "people", "--json",
    )  # fmt: skip
    assert result.code == 0
    report = json.loads(result.out)
    assert [each["name"] for each in report["models"]] == ["toy", "toy + classifier_free"]
    assert [each["name"] for each in report["readers"]] == ["own:eyes.py:see", "people"]


def test_runs_are_compared_on_the_same_page(limn, tmp_path: Path) -> None:
    for folder, seed in (("a", 0), ("b", 1)):
        command = ["audit", "stereotypes", "--model", "oracle", "--reader", "people", "--n", 3]
        assert limn(*command, "--seed", seed, "--out", folder).code == 0
    result = limn("audit", "report", "a", "--against", "b", "--json")
    assert [each["name"] for each in json.loads(result.out)["models"]] == ["oracle", "oracle (b)"]


def test_runs_stand_in_one_table_of_differences(limn, tmp_path: Path) -> None:
    command = ["audit", "stereotypes", "--model", "oracle", "--reader", "people", "--n", 4]
    for seed, folder in ((0, "a"), (7, "b")):
        assert limn(*command, "--seed", seed, "--out", folder).code == 0
    record = json.loads(limn("audit", "compare", "a", "b", "--json").out)
    assert [(row["model"], row["less"]) for row in record["differences"]] == [("oracle (a)", "oracle (b)")]
    result = limn("audit", "compare", "a", "b", "--csv", "both.csv")
    assert "oracle (a) - oracle (b)" in result.out
    assert "Holm" in result.err
    assert (tmp_path / "both.csv").read_text().count("\n") == 4
    assert "exists and is not limn's" in limn("audit", "compare", "a", "b", "--csv", "both.csv").err


def test_what_is_stopped_goes_on(limn, tmp_path: Path) -> None:
    command = ["audit", "stereotypes", "--model", "oracle", "--n", 3, "--out", "a", "--reader"]
    result = limn(*command, "own:eyes.py:stop")
    assert result.code == 130
    assert "the same command goes on" in result.err
    drawn = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*.png")}
    assert drawn
    assert limn(*command, "people").code == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*.png")} == drawn


def test_a_reader_of_other_words_is_refused_before_anything_is_drawn(limn, tmp_path: Path) -> None:
    result = limn("audit", "stereotypes", "--model", "oracle", "--reader", "own:eyes.py:wrong", "--out", "a")
    assert (result.code, "gender='women' is not among its FIELDS" in result.err) == (2, True)
    assert not (tmp_path / "a").exists()


def test_a_reader_is_calibrated_by_a_table_of_labels(limn, tmp_path: Path) -> None:
    lines = []
    for k, (gender, label) in enumerate((("woman", "man"), ("woman", "woman"), ("man", "man"), ("neutral", "?"))):
        person = Person(profession="cook", gender=gender, tone="none", motif="wave", style="flat")
        Image.fromarray(render(person)).save(tmp_path / f"{k}.png")
        lines.append(f"{k}.png,{label}\n")
    (tmp_path / "labels.csv").write_text("file,gender\n" + "".join(lines))
    start = ["audit", "stereotypes:only=cook", "--model", "oracle", "--n", 2, "--reader", "people", "--calibrate"]
    assert limn(*start, "labels.csv", "--out", "a").code == 0
    matrix = Folder(tmp_path / "a").table().reader("gender").confusion["gender"]
    assert matrix.counts.tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]]
    (tmp_path / "labels.csv").write_text("file,gender\n0.png,female\n")
    assert (
        "labels.csv, line 2: gender 'female'; the reader says woman, man, neutral" in limn(*start, "labels.csv").err
    )
    (tmp_path / "labels.csv").write_text("file,mood\n0.png,calm\n")
    assert "people does not read mood" in limn(*start, "labels.csv").err


@pytest.mark.slow
def test_selfcheck_tells_coverage(limn) -> None:
    result = limn("audit", "selfcheck", "stereotypes", "--audits", 3, "--json")
    found = json.loads(result.out)
    assert found
    assert all(each["audits"] == 3 and each["verdict"] for each in found)
    assert result.code in (0, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stereotype", "--model", "oracle"], "did you mean 'stereotypes'"),
        (["stereotypes:nn=3", "--model", "oracle"], "did you mean 'n'"),
        (["stereotypes", "--model", "oracle", "--reader", "peple"], "did you mean 'people'"),
        (["stereotypes", "--model", "toy", "--against", "toy"], "same model"),
        (["associations", "--guide", "sld"], "guide: associations draws nothing; leave it out"),
        (["stereotypes", "--model", "oracle", "--steps", "4"], "steps: no model here takes steps"),
        (["stereotypes:only=cok", "--model", "oracle"], "did you mean 'cook'"),
        (["read", "nowhere", "--reader", "people"], "no audit is here"),
        (["report", "nowhere"], "no audit is here"),
    ],
)
def test_mistakes_are_told_in_one_line(limn, arguments: list[str], message: str) -> None:
    result = limn("audit", *arguments)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_a_folder_of_another_study_is_left_alone(limn, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert limn("audit", "stereotypes", "--model", "oracle", "--reader", "people", "--n", 2, "--out", "a").code == 0
    plan = json.loads((tmp_path / "a" / "audit.json").read_text())
    plan["study"]["name"] = "culture"
    (tmp_path / "a" / "audit.json").write_text(json.dumps(plan))
    result = limn("audit", "stereotypes", "--model", "oracle", "--reader", "people", "--n", 2, "--out", "a")
    assert result.code == 2
    assert "holds an audit of culture" in result.err


def test_pictures_that_something_else_drew(limn, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    person = Person(profession="cook", gender="woman", tone="none", motif="leaf", style="flat")
    lines = ["prompt,concept,mood,file,gender:ann,gender:ben"]
    for k in range(3):
        Image.fromarray(render(person)).save(tmp_path / "pictures" / f"{k}.png")
        lines.append(f"a cook,cook,x,{k}.png,woman,man")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    start = ("audit", "stereotypes:reference=people:visible", "--pictures", "labels.csv")
    result = limn(*start, "--images", "pictures", "--out", "a")
    assert (result.code, result.lines) == (0, ["a/report.html"])
    assert "nothing uses mood" in result.err
    assert "Agreement of labellers" in (tmp_path / "a" / "report.html").read_text("utf-8")
    assert limn("audit", "report", "a").code == 0
    assert "give the folder" in limn(*start).err
    assert "there already" in limn(*start, "--n", 3).err
    assert "folder of --pictures" in limn("audit", "stereotypes", "--images", "pictures").err


def test_prompts_that_a_model_does_not_read_whole_are_told(limn, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = toys.toy().stages[0].encoder
    monkeypatch.setattr(type(encoder), "unread", lambda self, text: text[5:])
    result = limn("audit", "stereotypes", "--model", "toy", "--n", 1, "--reader", "own:eyes.py:see", "--out", "a")
    assert result.code == 0
    assert "toy: 6 prompts are too long for it; the first:" in result.err
    assert "is too long for this model; not read: " in result.err


def test_what_a_table_lacks_is_taken_from_the_files_and_told(limn, tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", "a cook\nSteps: 20, Sampler: Euler a, Seed: 7, Size: 8x8, Model: dream")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=info)
    (tmp_path / "labels.csv").write_text("file,concept,gender:ann\na.png,cook,woman\n")
    result = limn("audit", "stereotypes", "--pictures", "labels.csv", "--out", "a")
    assert result.code == 0
    assert "labels.csv: took the prompt of 1 pictures from what A1111 wrote" in result.err
    (row,) = Folder(tmp_path / "a").table().rows
    assert (row.prompt, row.seed, row.source) == ("a cook", 7, "dream")


def test_a_report_over_deleted_pictures_repeats_no_old_figures(limn, tmp_path: Path) -> None:
    command = ["audit", "stereotypes", "--model", "oracle", "--reader", "people", "--n", 3, "--out", "a"]
    assert limn(*command).code == 0
    shutil.rmtree(tmp_path / "a" / "pictures")
    assert limn("audit", "report", "a").code == 0
    report = json.loads((tmp_path / "a" / "report.json").read_text())
    assert report["pictures"]["drawn"] == report["pictures"]["readable"] == 0
    table = Folder(tmp_path / "a").table()
    assert {row.flaw for row in table.rows} == {"was drawn, and its file is gone or damaged"}
    assert not any(table.values("gender"))
    assert "not estimable" in (tmp_path / "a" / "report.html").read_text()
