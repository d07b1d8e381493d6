"""The whole system, once for all end-to-end tests: the embedded AWS, with Laurel deployed by chalice."""

from collections.abc import Iterator

import pytest

from local.stack import LocalStack
from tests.e2e.client import Client
from tests.e2e.league import League, Played, wait_until
from tests.permissions import embedded
from tests.permissions.plugin import WITNESS


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        problem = stack.first_answer()
        assert problem is None, f"{problem}\n{stack.last_words()}"
        yield stack
        for function, request in embedded.requests(stack.asked):
            WITNESS.ledger.enter(function, WITNESS.policies[function], request)


@pytest.fixture(scope="session")
def client(stack: LocalStack) -> Client:
    return Client(stack)


@pytest.fixture(scope="session")
def league(client: Client) -> League:
    return League(client)


@pytest.fixture(scope="session")
def first_round(league: League) -> Played:
    return league.play(first_score=100)


@pytest.fixture(scope="session")
def last_round(league: League, first_round: Played) -> Played:
    """The round in which the season is ended: whichever is under way once the first one is frozen."""
    wait_until(first_round.frozen_at)
    played = league.play(first_score=200)
    assert league.end()["rounds"][-1]["number"] == played.number
    return played
