from __future__ import annotations

from pathlib import Path

from limn.kernel.prompt import Region
from limn.kernel.request import Request
from limn.store import read_record
from limn.text.reading import latin

ATTACKED = "a red heаrt"  # the second a is Cyrillic


def test_the_words_drawn_are_the_normalised_ones_and_each_change_is_told(limn) -> None:
    plain = limn("generate", "a red heart", "--no-sign", "--out", "plain")
    changed = limn("generate", ATTACKED, "--normalise", "--no-sign", "--out", "changed")
    assert changed.code == 0
    assert "CYRILLIC SMALL LETTER A (U+0430) read as 'a'" in changed.err
    one, two = Path(plain.lines[0]), Path(changed.lines[0])
    assert one.read_bytes() == two.read_bytes()
    assert read_record(two)["prompt"]["text"] == "a red heart"


def test_without_the_option_words_are_drawn_as_they_are(limn) -> None:
    result = limn("generate", ATTACKED)
    assert read_record(Path(result.lines[0]))["prompt"]["text"] == ATTACKED
    assert "CYRILLIC" not in result.err


def test_a_request_file_may_ask_for_it(limn) -> None:
    Path("asked.toml").write_text(f'prompts = ["{ATTACKED}"]\nnormalise = true\n', "utf-8")
    result = limn("generate", "--request", "asked.toml")
    assert read_record(Path(result.lines[0]))["prompt"]["text"] == "a red heart"
    Path("asked.toml").write_text('prompts = ["a"]\nnormalise = "yes"\n', "utf-8")
    assert "true or false" in limn("generate", "--request", "asked.toml").err


def test_regions_and_negative_prompts_follow() -> None:
    asked = Request(prompts=ATTACKED, negative="blurrу red", region=(Region(words="heаrt"),), normalise=True)
    read = latin(asked)
    assert (read.prompts[0].text, read.negative, read.region[0].words) == ("a red heart", "blurry red", "heart")
    assert latin(read) == read
