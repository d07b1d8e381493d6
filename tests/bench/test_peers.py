"""The contest of the peers: what it holds answers to, what its wire sees, and that it runs small, without servers."""

import doctest
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.ranking import bills, claims, comparison, contest, markdown, peer, prices, report, results, scale, wire
from bench.ranking.figures import (
    Capacity,
    Exchange,
    Findings,
    OperationFigures,
    PeerFigures,
    SizeFigures,
    Timing,
    parsed,
)
from bench.ranking.peer import Entry, Footprint, Operation, ranked, windowed
from bench.ranking.population import Population, raised
from bench.ranking.truth import Truth, WrongAnswerError
from bench.ranking.wire import LOOPBACK, wire_to
from tests.repository import ROOT

SCORES = st.lists(st.integers(0, 30), min_size=1, max_size=60)


def _listing(score_by_player: dict[str, int]) -> list[Entry]:
    """Return everybody with the rank that a count gives, ties by name."""
    everybody = sorted(score_by_player, key=lambda player_id: (-score_by_player[player_id], player_id))
    scores = list(score_by_player.values())
    return [
        Entry(1 + sum(score > score_by_player[each] for score in scores), each, score_by_player[each])
        for each in everybody
    ]


@pytest.mark.parametrize("module", [contest, markdown, peer, prices, wire])
def test_the_examples_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]  # modules are what it takes


@pytest.mark.property
@given(SCORES, st.data())
def test_truth_ranks_as_a_count_does_after_any_submissions(scores: list[int], data: st.DataObject) -> None:
    score_by_player = {f"player-{number}": score for number, score in enumerate(scores)}
    truth = Truth.of(score_by_player)
    for player_id in data.draw(st.lists(st.sampled_from(sorted(score_by_player)), max_size=10)):
        score = data.draw(st.integers(0, 40))
        truth.submit(player_id, score)
        score_by_player[player_id] = max(score, score_by_player[player_id])

    for entry in _listing(score_by_player):
        truth.check_rank(entry.player_id, entry.rank)
        with pytest.raises(WrongAnswerError):
            truth.check_rank(entry.player_id, entry.rank + 1)


@pytest.mark.property
@given(SCORES, st.integers(1, 12), st.data())
def test_truth_takes_every_right_window_and_no_shifted_rank(scores: list[int], half: int, data: st.DataObject) -> None:
    score_by_player = {f"player-{number:02}": score for number, score in enumerate(scores)}
    truth, listing, size = Truth.of(score_by_player), _listing(score_by_player), 2 * half + 1
    own = data.draw(st.integers(0, len(listing) - 1))
    entries = listing[windowed(own, len(listing) - 1 - own, size)]

    truth.check_top(listing[:size], size)
    truth.check_around(entries, listing[own].player_id, size)
    with pytest.raises(WrongAnswerError):
        truth.check_around([each._replace(rank=each.rank + 1) for each in entries], listing[own].player_id, size)
    with pytest.raises(WrongAnswerError):
        truth.check_top([each._replace(score=each.score + 1) for each in listing[:size]], size)


@pytest.mark.property
@given(SCORES, st.data())
def test_ranks_counted_on_from_a_window_are_those_of_the_whole_listing(scores: list[int], data: st.DataObject) -> None:
    listing = _listing({f"player-{number:02}": score for number, score in enumerate(scores)})
    start = data.draw(st.integers(0, len(listing) - 1))
    rows = [(entry.player_id, entry.score) for entry in listing[start:]]

    assert ranked(rows, listing[start].rank, start) == listing[start:]


def test_a_population_is_the_same_for_everybody() -> None:
    one, other = Population(500), Population(500)
    readers = one.readers(3)

    assert one.score_by_player == other.score_by_player
    assert [next(readers) for _ in range(5)] == [player_id for player_id, _ in zip(other.readers(3), range(5))]  # noqa: B905  # endless
    assert len(set(one.writers(0, 100))) == 100
    assert raised(7, random.Random(1)) > 7


@contextmanager
def _echo() -> Iterator[int]:
    """Answer every request with twice its bytes."""

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            while request := connection.recv(1024):
                connection.sendall(request * 2)

    with socket.create_server((LOOPBACK, 0)) as listener:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(timeout=5)


def test_a_wire_counts_turns_and_bytes_and_holds_what_it_is_told_to() -> None:
    with _echo() as port, wire_to(port) as carried, socket.create_connection((LOOPBACK, carried.port)) as client:
        carried.delay({"slow": 0.05})
        started = time.perf_counter()
        for request in (b"fast", b"slow one"):
            client.sendall(request)
            assert client.recv(1024) == request * 2
        turns = carried.take()

        assert [(turn.bytes_out, turn.bytes_in) for turn in turns] == [(4, 8), (8, 16)]
        assert turns[1].ended - turns[1].started >= 0.05
        assert time.perf_counter() - started >= 0.05
        assert carried.take() == []


def test_a_wire_hangs_up_when_the_server_does() -> None:
    with (
        socket.create_server((LOOPBACK, 0)) as listener,
        wire_to(listener.getsockname()[1]) as carried,
        socket.create_connection((LOOPBACK, carried.port), timeout=5) as client,
    ):
        listener.accept()[0].close()

        assert client.recv(1) == b""


@pytest.mark.slow
def test_peers_on_dynamodb_are_counted_in_memory_where_no_endpoint_is_given(tmp_path: Path) -> None:
    file = tmp_path / "peers.json"
    command = [sys.executable, "-m", "bench.ranking.peers", "--sizes", "250", "--servers", "", "--results", str(file)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "PASS  every rank that was read is exact" in done.stdout
    assert "not measured: times of Laurel: BENCH_DYNAMODB_ENDPOINT names no DynamoDB" in done.stdout
    findings, _ = parsed(file)
    assert findings.names() == ["Laurel", "COUNT on an index", "tiers, recounted"]
    laurel, counting, tiers = findings.largest.peers
    exchange = laurel.operations[Operation.OWN_RANK].exchange
    assert exchange is not None
    assert exchange.requests <= 3
    assert exchange.rounds >= 2
    assert counting.operations[Operation.SUBMIT].counted == Capacity(0, 3)
    assert laurel.burst is not None
    assert tiers.burst is not None
    assert laurel.burst.after_a_second.most == 0 < tiers.burst.at_once.most


def _findings(size: int, counting_units: float, counting_ms: float) -> Findings:
    def figures(name: str, read_units: float, milliseconds: float) -> PeerFigures:
        timing = Timing(milliseconds, milliseconds, 300)
        each = OperationFigures(timing, timing, Exchange(2, 2, 100, 100), Capacity(read_units, 1), None)
        return PeerFigures(name, "", dict.fromkeys(Operation, each), Footprint(None, 600))

    peers = [figures("Laurel", 5, 2), figures("COUNT on an index", counting_units, counting_ms)]
    return Findings([SizeFigures(size, peers)])


def test_a_count_that_is_too_cheap_breaks_the_claims() -> None:
    assert [claim.holds for claim in claims.of(_findings(1_000_000, 11_000, 5_000))] == [True, True, True]
    assert [claim.holds for claim in claims.of(_findings(1_000_000, 4_000, 5_000))] == [True, False, True]
    assert [claim.holds for claim in claims.of(_findings(1_000_000, 11_000, 1_000))] == [True, True, False]


def test_a_smaller_board_decides_nothing_but_that_ranks_are_right() -> None:
    findings = _findings(1_000, 14, 5)

    assert [claim.holds for claim in claims.of(findings)] == [True]
    findings.wrong.append("PostgreSQL at 1,000: rank 3 of a player who is 4.")
    assert [claim.holds for claim in claims.of(findings)] == [False]


def test_what_is_paid_by_the_play_grows_with_the_load() -> None:
    ours, counting = bills.of(_findings(1_000_000, 11_000, 5_000).largest)

    assert ours.at(0) == counting.at(0) == pytest.approx(0.15)
    assert ours.at(10) - ours.at(0) == pytest.approx(10 * 730 * 3600 * 4 * (5 * 0.125e-6 + 0.625e-6))
    assert counting.at(10) > 100 * ours.at(10)


def test_the_sections_name_every_peer_and_what_was_not_measured() -> None:
    findings = _findings(1_000_000, 11_000, 5_000)
    findings.missing["Redis"] = "no redis-server on PATH"
    machine = {"cores": 2, "system": "Linux", "python": "3.12", "date": "2026-11-22"}
    text = "\n\n".join(comparison.sections(findings, machine))

    assert "| 1,000,000 | 5 | 11,000 | - | 2,200 | - |" in text
    assert "- Redis: no redis-server on PATH." in text
    assert "None" not in text


def test_what_other_programs_measured_is_rendered_from_what_they_left(tmp_path: Path) -> None:
    units = {"mean": 4.5, "p99": 5.0}
    board = {"spread": "points", "parameters": "uniform", "size": 1_000_000, "digits": 3, "advised": True}
    board |= {"node_items": 9, "remainder": units, "read_units": units, "count_read_units": units, "sampled": 10}
    board |= {"wrong": 0, "crowded": False}
    lane = {"lanes": 4, "players": "newcomers", "records_a_second": 1500, "server_cores": None}
    tally = {"rank_errors": 0, "settled": 1_000_000, "troubles": {"timed_out": 3}}
    for name, found in {
        "simulation": {"boards": [board]},
        "throughput": {"lanes": [lane], "settlers": 8, "load": 0.5},
        "soak": {"soak": {"tally": tally, "processes": 2, "players": 9, "seconds": 60.0, "seed": 1}},
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    simulated, carried, soaked = scale.sections(tmp_path)

    assert "| points (uniform) | 1,000,000 | 3 | 9 | 4.50 | 5 | 4.50 | 5 | 4.5 | 0 |" in simulated
    assert "| 4 | newcomers | 1,500 | - |" in carried
    assert "| settled | 1,000,000 |" in soaked
    assert "| calls timed out | 3 |" in soaked
    assert scale.growth(tmp_path) == {"points": [(1_000_000, 4.5)], scale.COUNTED: [(1_000_000, 4.5)]}


def test_the_report_is_what_its_results_make_of_it() -> None:
    assert report.DOCUMENT.read_text(encoding="utf-8") == report.written(), "python -m bench.ranking.report"


def test_results_say_nothing_of_the_machine_but_what_matters() -> None:
    for file in sorted(results.FOLDER.glob("*.json")):
        assert set(json.loads(file.read_text(encoding="utf-8"))["machine"]) == {"cores", "date", "python", "system"}
