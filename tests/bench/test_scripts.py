"""The benchmarks run, small; what they say of calls and clients holds. What they say of time is not for tests."""

import re
import subprocess
import sys

import pytest

from bench import calls
from bench.calls import Figure
from bench.operations import HISTOGRAM, RANK_ALONE, TOP_PAGE
from tests.repository import ROOT

FLAT = Figure({"BatchGetItem": 1, "Query": 1}, rounds=1, read_units=4.5, write_units=0)


def _printed(module: str, *arguments: str, claims_hold: bool) -> str:
    """Return what a benchmark prints; where ``claims_hold`` is False, its claims are of time, and may fail."""
    command = [sys.executable, "-m", f"bench.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0 or not claims_hold, done.stderr
    return done.stdout


@pytest.mark.slow
def test_calls_are_few_and_do_not_grow_with_the_board() -> None:
    table = _printed("calls", "--sizes", "200,300", "--turns", "1", claims_hold=True)

    assert "| rank alone | 1 BatchGetItem + 1 Query | 1 |" in table
    assert "| top 20 | 1 Query | 1 |" in table


@pytest.mark.slow
def test_processor_time_is_compared_for_every_operation() -> None:
    table = _printed("cpu", "--pairs", "1", "--requests", "1", claims_hold=False)

    calls_by_operation = dict(re.findall(r"^\| (.+?) \| [\d.]+ \| (\d+) \|", table, re.MULTILINE))
    assert calls_by_operation == {
        "own entry": "3",
        "top 20": "1",
        "gameStart": "1",
        "GET /, with a token": "7",
        "gameEnd, 1 board: improved": "5",
        "admin batch of 25: improved": "7",
    }
    assert len(re.findall(r"^\| (?:\w+Item|Query|Transact).* (?:[\d.]+ \| ){3}[\d.]+ \|$", table, re.MULTILINE)) == 5


@pytest.mark.slow
def test_parts_of_a_call_are_replaced_until_none_is_left() -> None:
    table = _printed("parts", "--turns", "1", "--times", "1", claims_hold=True)

    assert len(re.findall(r"^\| \w.*(?: \d+\.\d\d \|){5}$", table, re.MULTILINE)) == 6


@pytest.mark.slow
def test_ten_thousand_notices_are_delivered_once_each() -> None:
    table = _printed("notices", "--memory", claims_hold=True)

    assert re.search(r"^\| in memory, processor time \| 10,000 \| 20 \|", table, re.MULTILINE)


@pytest.mark.slow
def test_a_process_makes_one_client() -> None:
    assert _printed("cold.clients", claims_hold=True) == "DynamoDB clients in one process: 1.\n"


def test_bins_of_small_scores_leave_nothing_to_count() -> None:
    table = _printed("bins", "--sizes", "2000", claims_hold=True)

    assert "| small integers, up to 100 | 2,000 | 0 | 0 | 0 |" in table


def test_a_rank_that_takes_another_call_breaks_the_claim() -> None:
    more = Figure({"BatchGetItem": 2, "Query": 1}, rounds=2, read_units=5, write_units=0)

    assert not calls.broken_claims({RANK_ALONE: {1_000: FLAT}})
    assert calls.broken_claims({RANK_ALONE: {1_000: more}})
    assert calls.broken_claims({TOP_PAGE: {1_000: more}})


def test_a_game_that_ends_in_four_rounds_breaks_the_claim() -> None:
    slow = Figure({"TransactWriteItems": 4}, rounds=4, read_units=0, write_units=20)

    assert calls.broken_claims({"gameEnd, 1 board: kept": {1_000: slow}})


@pytest.mark.parametrize(
    "larger",
    [
        Figure(FLAT.requests, rounds=2, read_units=4.5, write_units=0),
        Figure({"BatchGetItem": 2, "Query": 2}, rounds=1, read_units=4.5, write_units=0),
        Figure(FLAT.requests, rounds=1, read_units=6, write_units=0),
        Figure(FLAT.requests, rounds=1, read_units=4.5, write_units=1),
    ],
)
def test_what_grows_with_the_board_breaks_the_claim(larger: Figure) -> None:
    assert calls.broken_claims({"own entry": {1_000: FLAT, 10_000: larger}})
    assert not calls.broken_claims({"own entry": {1_000: FLAT, 10_000: FLAT}})


def test_what_reads_the_nodes_in_use_may_find_more_of_them_up_to_a_bound() -> None:
    sparse, full, fuller = (Figure({"BatchGetItem": 3}, 3, read_units, 0) for read_units in (20, 100, 104))

    assert not calls.broken_claims({HISTOGRAM: {1_000: sparse, 10_000: full}})
    assert calls.broken_claims({HISTOGRAM: {1_000: sparse, 10_000: fuller}})


@pytest.mark.slow
def test_an_export_is_measured_by_phase() -> None:
    table = _printed("exports", "--records", "300", "--moved", "0.5", claims_hold=True)

    assert re.search(r"^300 records, 1\d\d changed just before", table)
    assert re.findall(r"^\| (list|write) \| (\d+) \|", table, re.MULTILINE) == [("list", "1"), ("write", "1")]


@pytest.mark.slow
def test_a_period_is_turned_exactly_by_processes_that_are_killed() -> None:
    said = _printed("seasons", "--records", "60", "--deaths", "1", claims_hold=True)

    assert re.search(r"^Killed [1-9] times, and run 1 times by two at once:\n- 0 lost, 0 doubled", said, re.MULTILINE)
    assert len(re.findall(r"^\| (?:read|write) \| .* \| [\d.]+ \|$", said, re.MULTILINE)) == 7
