from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from limn.store import parameters_text

SETTING = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
REQUEST = {
    "prompts": [],
    "steps": 20,
    "width": 64,
    "height": 32,
    "sampler": {"name": "euler_ancestral", "eta": 1.0},
    "guidance": [{"name": "interval"}, {"name": "classifier_free", "scale": 7.5, "against": "blurry\nbad"}],
    "spacing": "karras",
    "model": "/home/somebody/models/emoji.safetensors",
    "weights": "of several files",
}


def community(text: str) -> tuple[str, str, dict[str, str]]:
    """Read the text as the web interfaces do: settings on the last line, a mark before the negative prompt."""
    *lines, last = text.strip().split("\n")
    found = dict(SETTING.findall(last))
    if len(found) < 3:
        lines.append(last)
        found = {}
    prompt, negative, behind = [], [], False
    for line in (each.strip() for each in lines):
        if line.startswith("Negative prompt:"):
            behind, line = True, line[len("Negative prompt:") :].strip()
        (negative if behind else prompt).append(line)
    return "\n".join(prompt), "\n".join(negative), found


def test_the_text_says_what_the_community_expects():
    text = parameters_text(
        {"prompt": "a red\nheart", "seed": 7, "model_file": "0123456789abcdef", "request": REQUEST}
    )
    assert text.rpartition(", Version: limn")[0] == (
        "a red heart\n"
        "Negative prompt: blurry bad\n"
        "Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7.5, Seed: 7, Size: 64x32, "
        "Model hash: 0123456789, Model: emoji"
    )


@pytest.mark.parametrize(
    "model", ["/srv/models/dream", "/srv/models/dream/", r"C:\models\dream.safetensors", "dream"]
)
def test_no_path_and_no_hash_of_something_else(model):
    text = parameters_text({"model": model, "weights": "0123456789abcdef"})
    assert "Model: dream" in text
    assert not re.search("hash|srv|models", text)


def test_the_record_goes_before_the_request():
    found = community(parameters_text({"prompt": {"text": "x"}, "steps": 3, "negative": "own", "request": REQUEST}))
    assert found[:2] == ("x", "own")
    assert found[2]["Steps"] == "3"


@pytest.mark.parametrize(
    "record", [{}, {"prompt": None, "guidance": 3, "sampler": "heun", "request": []}, {"prompt": 4, "weights": 4}]
)
def test_a_record_may_lack_anything(record):
    assert parameters_text(record).startswith("\n")


TRICKY = st.lists(
    st.text(max_size=20)
    | st.sampled_from(["Negative prompt: no", "Steps: 3, Sampler: Euler, Seed: 9, Size: 1x1", "\r", "\u2028", " "])
).map("\n".join)


@given(prompt=TRICKY, negative=TRICKY, seed=st.integers(0, 2**63 - 1), model=st.text(max_size=10))
@example(prompt="Negative prompt: no", negative="Negative prompt: no\nSteps: 1", seed=1, model='a, Seed: 5, "b"')
@example(prompt="Steps: 3, Sampler: Euler, Seed: 9", negative="", seed=1, model="C:\\x")
def test_no_prompt_is_taken_for_a_setting(prompt, negative, seed, model):
    record = {"prompt": prompt, "negative": negative, "seed": seed, "steps": 4, "sampler": "ddim", "model": model}
    text = parameters_text(record)
    assert text.count("\n") <= 2
    shown, against, settings = community(text)
    folded = " ".join(each.strip() for each in prompt.replace("\0", "\ufffd").splitlines()).strip()
    assert shown in (folded, f'"{folded}"')
    assert (against == "") == (negative.strip() == "")
    assert (settings["Steps"], settings["Sampler"], settings["Seed"]) == ("4", "DDIM", str(seed))


def test_half_characters_do_not_stop_it():
    assert parameters_text({"prompt": "a\ud800b\0c"}).startswith("a?b\ufffdc\n")
