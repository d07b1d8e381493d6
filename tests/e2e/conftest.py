"""The whole system, once for all end-to-end tests: the embedded AWS, with Laurel deployed by chalice."""

from collections.abc import Iterator

import pytest

from local.stack import LocalStack
from tests.e2e.client import Client
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
