from __future__ import annotations

from pathlib import Path

import pytest

from limn.cli.prompts import given as prompts_given
from limn.cli.prompts import read
from limn.kernel.errors import InputError


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_text_is_one_prompt_a_line(tmp_path: Path) -> None:
    path = write(tmp_path, "p.txt", "\ufeffa red heart\r\n\n  a cat \n")
    assert [line["prompt"].text for line in read(path)] == ["a red heart", "a cat"]


def test_jsonl_may_have_seed_and_negative(tmp_path: Path) -> None:
    path = write(
        tmp_path, "p.jsonl", '{"prompt": "a cat", "seed": 7, "negative": "blurry", "id": 3}\n\n{"prompt": "a dog"}\n'
    )
    first, second = read(path)
    assert (first["prompt"].text, first.get("seed"), first.get("negative")) == ("a cat", 7, "blurry")
    assert (second["prompt"].text, second.get("seed"), second.get("negative")) == ("a dog", None, None)


def test_negative_prompt_is_negative_and_names_may_have_spaces_around_them(tmp_path: Path) -> None:
    lines = {
        "p.csv": 'prompt, negative_prompt , seed\n"a cat, sitting", "blurry, text", 7\n',
        "p.tsv": "prompt\tnegative\tseed\na cat, sitting\tblurry, text\t7\n",
        "p.jsonl": '{"prompt": "a cat, sitting", "negative_prompt": "blurry, text", "seed": 7}',
        "p.json": '[\n{"prompt": "a cat, sitting", "negative_prompt": "blurry, text", "seed": 7}\n]',
    }
    for name, content in lines.items():
        (row,) = read(write(tmp_path, name, content))
        assert (row["prompt"].text, row.get("negative"), row.get("seed")) == ("a cat, sitting", "blurry, text", 7)


def test_a_list_may_hold_texts_and_lines_may_end_with_cr(tmp_path: Path) -> None:
    for name, content in {
        "p.json": '["a cat", "a dog"]',
        "p.txt": "a cat\ra dog\r",
        "q.csv": "prompt\ra cat\ra dog",
    }.items():
        assert [row["prompt"].text for row in read(write(tmp_path, name, content))] == ["a cat", "a dog"]


def test_what_nothing_uses_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read(write(tmp_path, "p.csv", "id,prompt,Style\n1,a cat,oil\n"))
    assert "nothing uses id, Style; what is used: prompt, seed, negative" in capsys.readouterr().err
    read(write(tmp_path, "q.csv", "prompt,seed\na cat,1\n"))
    assert not capsys.readouterr().err


def test_csv_needs_a_prompt_column_only(tmp_path: Path) -> None:
    path = write(tmp_path, "p.csv", 'id,prompt,seed\n1,"a cat, sitting",7\n2,a dog,\n')
    assert [(line["prompt"].text, line.get("seed")) for line in read(path)] == [
        ("a cat, sitting", 7),
        ("a dog", None),
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.txt", b"a cat\nbad \xff byte\n", "line 2: is not UTF-8"),
        ("p.txt", b"a cat\na\x00b\n", "line 2: prompt: contains a NUL"),
        ("p.txt", b"a cat\n" + b"x" * 1_000_000, "line 2: prompt: 1,000,000 characters"),
        ("p.txt", b" \n\n", "holds no prompt"),
        ("p.jsonl", b'{"prompt": "a"}\n{"prompt": \n', "line 2: is not JSON"),
        ("p.jsonl", b'{"prompt": "a"}\n' + b"[" * 100_000, "line 2: is not JSON"),
        ("p.jsonl", b'"a cat"\n', "line 1: is no object"),
        ("p.jsonl", b'{"text": "a"}\n', "line 1: the prompt is empty"),
        ("p.jsonl", b'{"prompt": 3}\n', "line 1: the prompt is empty"),
        ("p.jsonl", b'{"prompt": "a", "seed": 1.5}\n', "line 1: seed '1.5'"),
        ("p.jsonl", b'{"prompt": "a", "seed": true}\n', "line 1: seed 'True'"),
        ("p.jsonl", b'{"prompt": "a", "negative": [1]}\n', "line 1: negative"),
        ("p.jsonl", b'{"prompt": "a\\ud800"}\n', "line 1: prompt: contains half a character"),
        ("p.json", b'[{"prompt": "a"}, 3]', "item 2: is no object"),
        ("p.json", b'[{"prompt": "a"},', "is not JSON"),
        (
            "p.jsonl",
            b'{"prompt": "a", "negative": "b", "negative_prompt": "c"}',
            "line 1: has negative and negative_",
        ),
        (
            "p.csv",
            b"prompt\na cat\na red heart, shining, on grass\n",
            "line 3: has 3 cells and there are 1 columns; wr",
        ),
        ("p.csv", b"prompt,negative\na red heart, shining, blurry\n", "line 2: has 3 cells and there are 2 columns"),
        ("p.csv", b"prompt,seed,seed\na cat,1,2\n", "line 1: has two columns named seed"),
        ("p.csv", b"text\na cat\n", "line 1: has no column named prompt"),
        ("p.csv", b"", "line 1: has no column named prompt"),
        ("p.csv", b'prompt\na cat\n"a dog\n', "is not CSV"),
        ("p.csv", b"prompt,seed\na cat,seven\n", "line 2: seed 'seven'"),
        ("p.csv", b"prompt\n" + b"x" * 200_000 + b"\n", "is not CSV"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.txt: no such file"):
        read(tmp_path / "none.txt")
    with pytest.raises(InputError, match="not a regular file"):
        read(tmp_path)


def test_prompts_come_from_one_place(tmp_path: Path) -> None:
    path = write(tmp_path, "p.txt", "a cat")
    with pytest.raises(InputError, match="not both"):
        prompts_given(["a dog"], path)
    with pytest.raises(InputError, match="none given"):
        prompts_given([], None)
    with pytest.raises(InputError, match="prompt 2: the prompt is empty"):
        prompts_given(["a dog", "  "], None)
    assert [line["prompt"].text for line in prompts_given(["a dog"], None)] == ["a dog"]
