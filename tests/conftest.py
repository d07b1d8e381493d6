"""What every test stands on: no real AWS, no network beyond loopback, and how much hypothesis tries."""

import ipaddress
import os
import sys
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from hypothesis import HealthCheck, settings
from moto import mock_aws

from tests.lines import Lines, logged
from tests.tables import PREFIX, create_tables

pytest_plugins = ["tests.permissions.plugin"]

REGION = "eu-central-1"
DUMMY_AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


class NetworkBlockedError(RuntimeError):
    """A test reached for an address beyond this machine."""


def _isolate_from_aws() -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "LAUREL_"))]:
        del os.environ[name]
    os.environ.update(DUMMY_AWS)


def _block_network(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what leaves loopback. An audit hook sees every socket of this process, whoever opens it."""
    match event, arguments:
        case "socket.connect" | "socket.sendto" | "socket.sendmsg", (_, (str(host), *_)):
            _require_loopback(event, host)
        case "socket.getaddrinfo" | "socket.gethostbyname", (str() | bytes() as host, *_):
            _require_loopback(event, host if isinstance(host, str) else host.decode())
        case _:
            pass


def _require_loopback(event: str, host: str) -> None:
    if not _is_loopback(host):
        raise NetworkBlockedError(f"{event} {host}: tests stay on this machine; use moto, the embedded AWS or a fake")


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host in {"", "localhost"} or host.endswith(".localhost")
    # An unspecified address is this machine too: servers bind it.
    return address.is_loopback or address.is_unspecified


_isolate_from_aws()
sys.addaudithook(_block_network)

# Time measures the machine, not the code. A test that owes more examples than its profile gives says so itself.
TIMELESS: Any = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=50, **TIMELESS)
settings.register_profile("ci", max_examples=200, print_blob=True, derandomize=False, **TIMELESS)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the end-to-end tests on one worker, and begin with what takes longest."""
    for item in items:
        if item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.xdist_group("e2e"))
    items.sort(key=_longest_first)


def _longest_first(item: pytest.Item) -> int:
    for place, marker in enumerate(("e2e", "slow", "property")):
        if item.get_closest_marker(marker):
            return place
    return 3


@pytest.fixture(scope="session")
def session() -> botocore.session.Session:
    """One botocore session for all tests: reading the service models takes longer than most tests."""
    return botocore.session.Session()


@pytest.fixture
def aws() -> Iterator[None]:
    """An empty AWS in this process, forgotten after the test."""
    with mock_aws():
        yield


@pytest.fixture(scope="session")
def dynamodb(session: botocore.session.Session) -> Any:
    """A client that only ever speaks to the AWS of the ``aws`` fixture."""
    return session.create_client("dynamodb")


@pytest.fixture
def table_prefix(aws: None, dynamodb: Any) -> str:
    """The prefix of the template's tables, which exist, empty."""
    create_tables(dynamodb)
    return PREFIX


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What the app logs, which the test imports."""
    with logged() as lines:
        yield lines
