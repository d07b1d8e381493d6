"""The benchmark of the local run, small: it runs against the real one."""

import pytest

from bench import local_run
from local.stack import LocalStack

pytestmark = pytest.mark.e2e


def test_every_request_of_every_connection_is_answered_and_timed(stack: LocalStack) -> None:
    load = local_run.load(stack.url, connections=2, requests=8)

    assert load.connections == 2
    assert 0 < load.p50_ms <= load.p99_ms
    assert load.requests_a_second > 0
