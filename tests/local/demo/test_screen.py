import io

import pytest
from PIL import Image

from local.demo.boards import fastest_lap, points
from local.demo.screen import GREEN, Exhibit, Line, Screen, milliseconds, table


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_table_aligns_its_columns_and_marks_the_line_in_question() -> None:
    lines = [Line(999, "Zoë", 2431, 1), Line(1000, "Al", 12000, 0, marked=True)]

    assert table(fastest_lap("lap"), lines) == [
        "     999  Zoë   24.31 s, crashes: 1",
        ">  1,000  Al   120.00 s, crashes: 0",
    ]


def test_an_empty_table_has_no_lines() -> None:
    assert table(fastest_lap("lap"), []) == []


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    log, terminal, plain = io.StringIO(), Terminal(), Terminal()

    Screen(log).say("exact", GREEN)
    Screen(terminal).say("exact", GREEN)
    monkeypatch.setenv("NO_COLOR", "1")
    Screen(plain).say("exact", GREEN)

    assert log.getvalue() == plain.getvalue() == "exact\n"
    assert terminal.getvalue() == "\033[32mexact\033[0m\n"


def test_pictures_are_shown_in_colours_and_named_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    log, terminal = io.StringIO(), Terminal()
    exhibit = Exhibit(Line(1, "Zoë", 48215, 0), "http://127.0.0.1/64.webp", Image.new("RGB", (64, 64), "#ff8000"))

    Screen(log).hang("The best", points("points"), [exhibit])
    Screen(terminal).hang("The best", points("points"), [exhibit])

    assert log.getvalue() == "\nThe best\n       1  Zoë  48,215  http://127.0.0.1/64.webp\n"
    assert "\033[38;2;255;128;0;48;2;255;128;0m▀" in terminal.getvalue()
    assert "1  Zoë" in terminal.getvalue()


def test_progress_without_a_terminal_is_a_line_at_the_end() -> None:
    log = io.StringIO()

    with Screen(log).progress("playing", 2) as step:
        step()
        step()

    assert log.getvalue() == "playing: 2 of 2\n"


def test_progress_on_a_terminal_is_a_bar() -> None:
    terminal = Terminal()

    with Screen(terminal).progress("playing", 2) as step:
        step()
        step()

    assert "playing    : 100%" in terminal.getvalue()


@pytest.mark.parametrize(("share", "shown"), [(0.5, "51 ms"), (0.99, "100 ms"), (1.0, "100 ms")])
def test_a_share_of_all_durations_is_within_the_one_shown(share: float, shown: str) -> None:
    assert milliseconds([number / 1000 for number in range(1, 101)], share) == shown
