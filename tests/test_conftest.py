import os
import socket
from typing import Any

import botocore.session
import pytest

from tests.conftest import NetworkBlockedError
from tests.tables import tables


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "2001:db8::1", "10.0.0.1"])
def test_addresses_beyond_this_machine_are_refused(host: str) -> None:
    with pytest.raises(NetworkBlockedError, match=host):
        socket.create_connection((host, 80), timeout=0.1)


def test_an_address_that_needs_no_lookup_is_refused() -> None:
    with socket.socket() as client, pytest.raises(NetworkBlockedError):
        client.connect(("192.0.2.1", 80))


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_no_profile_of_the_developer_is_used() -> None:
    session = botocore.session.Session()
    credentials = session.get_credentials()

    assert session.available_profiles == []
    assert credentials is not None
    assert credentials.access_key == "test"
    assert not any(name.startswith("LAUREL_") for name in os.environ)


def test_tables_of_the_template_exist_empty(table_prefix: str, dynamodb: Any) -> None:
    nouns = ("boards", "games", "notices", "players", "ranks", "records", "seasons")
    names = [f"{table_prefix}{noun}" for noun in nouns]

    assert sorted(definition["TableName"] for definition in tables()) == names
    assert sorted(dynamodb.list_tables()["TableNames"]) == names


def test_conditions_follow_the_stage() -> None:
    protected = {
        stage: {definition["DeletionProtectionEnabled"] for definition in tables(stage)} for stage in ("dev", "prod")
    }

    assert protected == {"dev": {False}, "prod": {True}}


def test_records_have_their_two_rankings_and_their_stream(table_prefix: str, dynamodb: Any) -> None:
    records = dynamodb.describe_table(TableName=f"{table_prefix}records")["Table"]

    assert [index["IndexName"] for index in records["GlobalSecondaryIndexes"]] == ["ranking", "ranking_b"]
    assert records["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
