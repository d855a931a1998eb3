"""Prompts and references of one's own, for every study."""

from __future__ import annotations

from pathlib import Path

import pytest

from limn.audit.reference.own import lines, own_asks, own_shares
from limn.audit.run import in_memory
from limn.audit.sources import FromPeople
from limn.audit.studies.associations import Associations
from limn.audit.studies.culture import Culture
from limn.audit.studies.homoglyphs import Homoglyphs
from limn.audit.studies.inappropriate import Inappropriate
from limn.audit.studies.memorisation import Memorisation
from limn.audit.studies.stereotypes import Stereotypes
from limn.audit.study import Study
from limn.data.people import Population, Rule
from limn.kernel.errors import InputError


def write(folder: Path, text: str, name: str = "own.csv") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def test_prompts_and_slots_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, 'prompt,concept , seed,place\n"a cook, smiling", cook,7,\na pilot,pilot,,wave\n')
    one, two = own_asks(path, ("concept",), ("place",))
    assert (one.prompt, one.slots, one.group, one.seed) == (
        "a cook, smiling",
        {"concept": "cook", "place": ""},
        "cook",
        7,
    )
    assert (two.slots["place"], two.seed) == ("wave", None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prompt\na\n", "has no column concept; its columns are prompt"),
        ("prompt,concept,mood\na,b,c\n", "unknown column 'mood'"),
        ("prompt,concept,prompt\na,b,c\n", "column prompt twice"),
        ("prompt,concept\na, b,cook\n", "line 2: has other cells than columns"),
        ("prompt,concept\na,b\na,b\n", "line 3: repeats line 2"),
        ("prompt,concept\na,\n", "line 2: has no concept"),
        ("prompt,concept,seed\na,b,1.5\n", "line 2: seed '1.5' is no whole number"),
        ("prompt,concept,seed\na,b,9007199254740993\n", "line 2: seed '9007199254740993'"),
        ("prompt,concept\n", "has no lines"),
        ("", "has no column prompt; its columns are none"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        own_asks(write(tmp_path, text), ("concept",))


def test_shares_are_parts_of_one(tmp_path: Path) -> None:
    path = write(tmp_path, "concept,woman,man\ncook,0.4,0.6\nnurse,.9,\n")
    assert own_shares(path, "concept") == {"cook": {"woman": 0.4, "man": 0.6}, "nurse": {"woman": 0.9}}
    for text, message in {
        "concept,woman\ncook,37.4\n": "line 2: woman '37.4' is no share",
        "concept,woman\ncook,nan\n": "is no share",
        "concept,woman,man\ncook,.8,.8\n": "line 2: its shares sum to 1.6",
        "concept,woman\ncook,.1\ncook,.2\n": "line 3: repeats cook",
        "concept\ncook\n": "no column of shares",
    }.items():
        with pytest.raises(InputError, match=message):
            own_shares(write(tmp_path, text), "concept")
    with pytest.raises(InputError, match="no such file; name a CSV file with the columns a"):
        lines(tmp_path / "none.csv", ("a",))


def test_stereotypes_of_ones_own_prompts_against_ones_own_reference(tmp_path: Path) -> None:
    asked = write(
        tmp_path,
        "prompt,concept,part,profession,stereotype\nour cook,cook,,cook,\nour doctor,doctor,,doctor,\n"
        "our teacher,teacher,,teacher,\na woman cook of ours,cook,counter,cook,man\na kind one,kind,traits,,\n",
    )
    reference = write(
        tmp_path, "concept,woman,man\ncook,0.3,0.7\ndoctor,0.5,0.5\nteacher,.7,.3\nking,0,1\n", "ref.csv"
    )
    study = Stereotypes(n=200).taking("prompts", asked).taking("reference", reference)
    shares = {"cook": 0.15, "doctor": 0.25, "teacher": 0.35}  # half of all are of a gender that the reference lacks
    rules = tuple(
        Rule(field="gender", shares={"woman": p, "man": 0.5 - p, "neutral": 0.5}, when={"profession": name})
        for name, p in shares.items()
    )
    table = in_memory(study.probe(), [FromPeople(population=Population(rules=rules))], ["people"])
    (known,) = [study.shares(table, name) for name in table.models]
    assert known.among == ("woman", "man")
    assert known.reference == (0.3, 0.5, 0.7)
    assert known.slope(known.reference).covers(1.0)
    report = study.analyse(table)
    assert [section.title for section in report.sections][-2:] == ["Traits", "Counter-prompts"]
    assert report.findings[-1].endswith("nothing was asked about king.")
    wrong = Stereotypes().taking("reference", write(tmp_path, "concept,king\ncook,1\n", "wrong.csv"))
    with pytest.raises(InputError, match="value of gender 'king'"):
        wrong.require({"gender": ("woman", "man", "neutral")})


@pytest.mark.parametrize(
    ("study", "text", "message"),
    [
        (Stereotypes(), "prompt,concept,part\na,b,work\n", "unknown part 'work'"),
        (Stereotypes(), "prompt,concept,part\na,b,objects\n", "'a' is of objects and has no place"),
        (Stereotypes(), "prompt,concept,part,place\na,b,objects,x\n", "b is asked for in places only"),
        (Stereotypes(), "prompt,concept,part,stereotype\na,b,counter,man\n", "with a counter-prompt only"),
        (Stereotypes(only=("cook",)), "prompt,concept\na,b\n", "concept of .*'cook'"),
        (Culture(), "prompt,concept,place\na,b,\na x,b,x\na y,b,y\nc,c,\n", "c is not asked for in the place x"),
        (Culture(), "prompt,concept,place\na,b,\na x,b,x\n", "fewer than two places"),
        (Homoglyphs(world="scenes"), "prompt\na photo of a door\n", "line 2: needs one '# '"),
        (Homoglyphs(), "prompt\na photo of the # door\n", "add world=scenes"),
        (Associations(), "pair,first,second\na/b,x,x\n", "line 2: needs a name of its own"),
        (Memorisation(), "caption\na\n", "has no column prompt"),
        (Inappropriate(), "prompt\na\n", "has no column categories"),
    ],
)
def test_what_a_study_cannot_use_is_refused(tmp_path: Path, study: Study, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        study.taking("prompts", write(tmp_path, text))


def test_every_study_takes_prompts_and_says_what_it_compares_with(tmp_path: Path) -> None:
    own = {
        Culture(n=2): "prompt,concept,place\na hat,hat,\na red hat,hat,red\na blue hat,hat,blue\n",
        Homoglyphs(n=1, world="scenes"): "prompt\na photo of the # door\n",
        Inappropriate(n=1): "prompt,categories,mood\na star,calm,x\n",
        Memorisation(n=1): "prompt\na doctor\n",
    }
    for study, text in own.items():
        asks = study.taking("prompts", write(tmp_path, text)).probe().asks
        assert asks[0].prompt == text.splitlines()[1].split(",")[0].replace("# ", "")
    assert "mood" in Inappropriate(prompts=str(write(tmp_path, "prompt,categories,mood\na,b,c\n")))._left_out
    pairs = Associations().taking("prompts", write(tmp_path, "pair,first,second\nold/new,old,new\n"))
    assert isinstance(pairs, Associations)
    assert pairs.chosen == {"old/new": ("old", "new")}
    for study, remedy in {
        Homoglyphs(): "planted=SHARE",
        Inappropriate(): "scores=FILE",
        Memorisation(): "training=FOLDER",
        Associations(): "--against",
    }.items():
        with pytest.raises(InputError, match=remedy):
            study.taking("reference", tmp_path / "any.csv")


def test_places_of_ones_own_against_ones_own_reference(tmp_path: Path) -> None:
    path = write(tmp_path, "prompt,concept,place\na hat,hat,\na red hat,hat,wave\na blue hat,hat,leaf\n")
    study = Culture(n=30).taking("prompts", path)
    study = study.taking("reference", write(tmp_path, "place,share\nleaf,0.25\nwave,0.75\n", "places.csv"))
    assert isinstance(study, Culture)
    assert study.reference == (0.75, 0.25)
    table = in_memory(study.probe(), [FromPeople(population=Population())], ["people"])
    assert study.placed(table, "oracle").places == ("wave", "leaf")
    with pytest.raises(InputError, match="the places are wave, leaf"):
        study.taking("reference", write(tmp_path, "place,share\nnowhere,1\n", "wrong.csv"))
