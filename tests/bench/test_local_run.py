"""What the benchmark of the local run claims of time; that it runs is for the end-to-end tests."""

import pytest

from bench.local_run import Load, Run, broken_claims

LOAD = Load(connections=1, p50_ms=15.0, p99_ms=40.0, requests_a_second=100.0)


def test_what_keeps_to_its_bounds_breaks_no_claim() -> None:
    assert broken_claims(Run(start_seconds=10.0, redeploy_seconds=5.0, loads=[LOAD])) == []


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (Run(10.1, 5.0, [LOAD]), "the start took 10.1 s, more than 10"),
        (Run(10.0, 5.1, [LOAD]), "a redeployment took 5.1 s, more than 5"),
        (Run(10.0, 5.0, [Load(1, 15.1, 40.0, 100.0)]), "GET / took 15.1 ms (p50), more than 15"),
        (Run(10.0, 5.0, [Load(1, 15.0, 40.0, 99.0)]), "fewer than 100 requests a second, however many connections"),
    ],
)
def test_what_takes_longer_breaks_a_claim(run: Run, said: str) -> None:
    assert broken_claims(run) == [said]
