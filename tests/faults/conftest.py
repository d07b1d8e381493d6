"""One DynamoDB behind one proxy, for the tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.faults.wire import Wire, running


@pytest.fixture(scope="session")
def wire() -> Iterator[Wire]:
    with running() as wire:
        yield wire
