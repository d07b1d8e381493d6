"""Commands that follow jobs: what they ask, what they say, and how they end."""

import argparse
import io
from typing import Any

import pytest

from ops.advise import advise
from ops.audit import audit
from ops.command import number, options, run
from ops.functions import CommandError, Functions
from ops.jobs import Bar, Follower
from ops.rebuild import rebuild, request_of
from tests.ops.answering import Answering


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def following(*answers: Any, out: io.StringIO | None = None) -> tuple[Follower, Answering, list[float]]:
    functions, slept = Answering(*answers), list[float]()
    return Follower(functions, slept.append, Bar(out or io.StringIO())), functions, slept


def job(state: str = "done", **fields: Any) -> dict[str, Any]:
    known = {"job_id": "1", "kind": "audit", "board_id": "race", "period_id": "all", "phase": "walk", "message": ""}
    return {**known, "state": state, "done": 5, "total": 10, "wait_seconds": 0.0, "busy": False, **fields}


def found(**fields: Any) -> dict[str, Any]:
    nothing = {"drift": 0, "wrong_counters": 0, "wrong_marks": 0, "settled": 0, "doubts": 0}
    return {"records": 1000, **nothing, "complete": True, "thorough": True, **fields}


def layout(**fields: int) -> dict[str, int]:
    return {"generation": 1, "digits": 3, "lanes": 1, "slices": 0, **fields}


def refusal(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no, because", "detail": {}}}


def test_a_job_is_asked_for_by_its_id_until_it_ends() -> None:
    follower, functions, slept = following(
        {"job": job("running")},
        {"job": job("running", wait_seconds=1.5)},
        {"job": job("running", wait_seconds=60.0)},
        {"job": job("running", busy=True)},
        {"job": job(), "found": found()},
    )

    answer = follower.follow("audit_ranks", {"board_id": "race"})

    assert answer["job"]["state"] == "done"
    assert functions.asked[0] == ("audit_ranks", {"board_id": "race", "seconds": 5})
    assert functions.asked[1:] == [("audit_ranks", {"board_id": "race", "seconds": 5, "job_id": "1"})] * 4
    assert slept == [0.0, 1.5, 2.0, 2.0]


def test_what_passes_is_asked_again_and_what_does_not_is_told() -> None:
    follower, functions, slept = following(refusal("store_unavailable"), refusal("contended"), refusal("conflict"))

    with pytest.raises(CommandError, match="no, because"):
        follower.ask("rebuild_ranks", {})

    assert (len(functions.asked), slept) == (3, [2.0, 2.0])


def test_it_does_not_ask_for_ever() -> None:
    follower, functions, _ = following(*[refusal("store_unavailable")] * 20)

    with pytest.raises(CommandError):
        follower.ask("rebuild_ranks", {})

    assert len(functions.asked) == 10


def test_a_terminal_sees_a_bar_and_a_log_the_phases() -> None:
    terminal, log = Terminal(), io.StringIO()
    steps = [{"job": job("running")}, {"job": job("running", done=7)}, {"job": job("running", phase="verify")}]
    for out in (terminal, log):
        following(*steps, {"job": job()}, out=out)[0].follow("audit_ranks", {})

    assert "race all: walk" in terminal.getvalue()
    assert "70%" in terminal.getvalue()
    assert log.getvalue().splitlines() == ["race all: walk", "race all: verify"]


def test_every_board_is_audited_where_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    trees = [{"board_id": "race", "period_id": "all"}, {"board_id": "duel", "period_id": "20261122T0000Z"}]
    follower, functions, _ = following(
        {"trees": trees},
        {"job": job(), "found": found()},
        {"job": job(board_id="duel"), "found": found(settled=3)},
    )

    assert audit(follower, None, "current", quick=True) == 0

    assert [request.get("period") for _, request in functions.asked] == [None, "all", "20261122T0000Z"]
    assert functions.asked[1][1]["thorough"] is False
    assert capsys.readouterr().out.splitlines() == [
        "2 boards and periods in stage prod.",
        "race all: exact, 1,000 records",
        "duel all: exact, 1,000 records, 3 settled late",
    ]


def test_drift_is_told_with_the_way_out_and_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = found(drift=3, wrong_counters=2, wrong_marks=1, complete=False)
    follower, _, _ = following({"job": job(), "found": wrong})

    assert audit(follower, "race", "current", quick=False) == 1

    told = capsys.readouterr().out
    assert "race all: DRIFT, at least 2 counters and 1 marks wrong" in told
    assert "make rebuild" in told


@pytest.mark.parametrize(
    ("answer", "request_", "status", "says"),
    [
        ({"job": job(), "old": layout(), "fresh": layout(generation=2, lanes=4)}, {}, 0, "to 3 digits, 4 lanes"),
        ({"job": None, "layout": layout(lanes=4)}, {}, 0, "nothing to do"),
        ({"job": None, "from_period": "20261123T0000Z"}, {}, 0, "periods from 20261123T0000Z on"),
        ({"job": job("failed", message="wrong in 2 places")}, {}, 1, "failed: wrong in 2 places"),
        ({"job": job("aborted", message="given up")}, {}, 1, "aborted"),
        ({"job": job("aborted", message="given up")}, {"abort": True}, 0, "aborted"),
    ],
)
def test_a_rebuild_ends_with_what_became_of_it(
    capsys: pytest.CaptureFixture[str], answer: Any, request_: dict[str, Any], status: int, says: str
) -> None:
    follower, _, _ = following(answer)

    assert rebuild(follower, {"board_id": "race", "abort": False, **request_}) == status

    assert says in capsys.readouterr().out


def test_giving_up_is_asked_once_and_then_watched() -> None:
    follower, functions, _ = following({"job": job("running")}, {"job": job("aborted")})

    rebuild(follower, {"board_id": "race", "abort": True})

    assert [request.get("abort") for _, request in functions.asked] == [True, None]


def test_options_come_from_the_command_line_or_from_make() -> None:
    parser = options("About.", {"BOARD": "race", "LANES": "4", "DIGITS": ""}, board="", lanes="", digits="")

    assert vars(parser.parse_args([])) == {"board": "race", "lanes": "4", "digits": None}
    assert vars(parser.parse_args(["--lanes", "8"]))["lanes"] == "8"


def test_a_rebuild_asks_for_what_was_given_and_for_nothing_else() -> None:
    given = argparse.Namespace(board="race", period=None, digits=None, lanes="4", slices=None, abort=None)

    assert request_of(given) == {"board_id": "race", "period": "current", "abort": False, "lanes": 4}


@pytest.mark.parametrize("text", ["four", "-1", "1.5", "²"])
def test_what_is_no_number_is_named(text: str) -> None:
    with pytest.raises(CommandError, match="LANES must be a whole number"):
        number("lanes", text)


def test_a_board_has_to_be_named() -> None:
    given = argparse.Namespace(board=None, period=None, digits=None, lanes=None, slices=None, abort=None)

    with pytest.raises(CommandError, match="Which board"):
        request_of(given)
    with pytest.raises(CommandError, match="Which board"):
        advise(following()[0], None, "current", None)


def test_advice_ends_with_the_command_that_follows_it(capsys: pytest.CaptureFixture[str]) -> None:
    change = {"setting": "lanes", "now": 1, "wanted": 4, "why": "a peak"}
    cost = {"write_units": 2500, "read_units": 3500, "dollars": 12.5, "minutes": 7, "prices": "list prices"}
    figures = {"records": 1000, "peak": 2000.0, "bin_size": 3.5, "shares": [1.0, 0.5, 0.25], "layout": layout()}
    follower, functions, _ = following({"figures": figures, "peak_given": True, "changes": [change], "cost": cost})

    assert advise(follower, "race", "current", "2000") == 0

    assert functions.asked[0][1] == {"board_id": "race", "period": "current", "writes_per_second": 2000}
    told = capsys.readouterr().out
    assert "Change lanes from 1 to 4: a peak." in told
    assert "$12.50 (list prices)" in told
    assert told.splitlines()[-1] == "  make rebuild BOARD=race LANES=4"


def test_a_board_that_suits_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"records": 10, "peak": 0.0, "bin_size": 0.0, "shares": [1.0, 0.5, 0.25], "layout": layout()}
    follower, _, _ = following({"figures": figures, "peak_given": False, "changes": [], "cost": None})

    advise(follower, "race", "current", None)

    assert "Nothing to change." in capsys.readouterr().out


def test_who_stops_watching_is_told_that_nothing_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    def act(functions: Functions) -> int:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        run(act)

    assert ended.value.code == 130
    assert "go on" in capsys.readouterr().err
