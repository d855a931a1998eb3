from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from limn.cli import console


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@given(st.text(st.characters()))
def test_clean_text_cannot_move_the_cursor(text: str) -> None:
    clean = console.clean(text)
    assert not any(each < " " or "\x7f" <= each < "\xa0" or "\ud800" <= each <= "\udfff" for each in clean)
    assert "\u202e" not in clean
    clean.encode()


def test_clean_keeps_ordinary_text() -> None:
    text = "ein rotes Herz, 赤いハート, قلب أحمر, 👩🏽‍🚀 [bold]x[/bold]"
    assert console.clean(text) == text


def test_results_are_as_they_are_for_programs_and_harmless_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    console.result("a\x1b[31m")
    assert capsys.readouterr().out == "a\x1b[31m\n"
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    console.result("a\x1b[31m")
    assert terminal.getvalue() == "a\\x1b[31m\n"


def test_tables_leave_markup_alone_and_are_not_cut_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(["one", "two"], [["[red]x[/red] :heart:", "y" * 500]])
    out = capsys.readouterr().out
    assert "[red]x[/red] :heart:" in out
    assert "y" * 500 in out


def test_a_picture_is_drawn_with_its_colours(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.zeros((4, 3, 3), np.uint8)
    pixels[:2] = (255, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    console.picture(tmp_path / "x.png")
    assert terminal.getvalue().count("▀") == 6
    assert "38;2;255;0;0" in terminal.getvalue()


def test_the_meter_is_quiet_in_a_log_and_says_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    with console.Meter("pictures") as meter:
        meter.kept = 10
        meter.at(11, 50)
        now[0] += 20
        meter.at(20, 50)
        meter.at(21, 50)
    assert capsys.readouterr().err == "20 of 50 pictures, 0.5 a second, 1:00 left\n"


def test_the_meter_draws_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    with console.Meter("pictures") as meter:
        meter.at(1, 4, "[bold]\x1b[2J")
        meter.say("a note")
    assert "\\x1b[2J" in terminal.getvalue()
    assert "[bold]" in terminal.getvalue()
    assert "a note" in terminal.getvalue()
