"""Deployed functions do their work with the permissions they have, and not without: the embedded AWS sees to it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.domain.boards import Board
from chalicelib.domain.records import Record
from chalicelib.services import clock
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.records import RecordStore
from deploy.layout import function_name
from local.layout import ACCOUNT, REGION, STAGE, TABLE_PREFIX
from tests.alarms import alarm_event
from tests.e2e.client import Client, Player
from tests.notices import told
from tests.stream import delivery

pytestmark = pytest.mark.e2e

BOARD = "permitted"
SCHEDULED = {
    "version": "0",
    "id": "1",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-11-22T12:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail-type": "Scheduled Event",
    "detail": {},
}
PAYLOADS: Mapping[str, Any] = {
    "replay_dead_letters": {},
    "audit_ranks": {"board_id": BOARD},
    "rebuild_ranks": {"board_id": BOARD, "lanes": 2, "seconds": 1},
    "export_records": {"board_id": BOARD},
    "advise_ranks": {"board_id": BOARD},
    "keep_ranks": SCHEDULED,
    "keep_seasons": SCHEDULED,
    "make_avatar": {"Records": [{"s3": {"object": {"key": f"uploads/{'0' * 32}/{'1' * 32}/cat.png"}}}]},
}


@dataclass(frozen=True, slots=True)
class Permissions:
    """A board with one player, and the roles of the functions that work on it."""

    client: Client
    player: Player

    def works(self, function: str) -> bool:
        """Tell whether a function does what it is for, asked as it is on AWS."""
        if function == "api_handler":
            own = self.client.call("GET", f"/boards/{BOARD}/entries/me", token=self.player.token)
            return own.ok
        if function == "settle_records":
            return bool(self._invoked(function, {"Records": [self._told()]}) == {"batchItemFailures": []})
        answer = self._invoked(function, self._payload(function))
        return answer is None or ("error" not in answer and answer.get("job", {}).get("state") != "failed")

    def _payload(self, function: str) -> Any:
        if function == "deliver_notices":
            return told(self.player.player_id)
        if function == "heed_alarms":  # a change it has heard of before would be nothing to write down
            at = f"{clock.now():%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "+0000"
            return {**alarm_event("laurel-local-rank-drift", "OK", at=at), "account": ACCOUNT, "region": REGION}
        return PAYLOADS[function]

    @contextmanager
    def without(self, function: str, sid: str, text: str) -> Iterator[None]:
        """Take a text, such as an action, out of a statement in the policy of a function's role, for a while."""
        roles = self.client.stack.target.client("iam")
        role = f"laurel-{STAGE}-{function}"
        [name] = roles.list_role_policies(RoleName=role)["PolicyNames"]
        document = roles.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        less = [_without(each, text) if each["Sid"] == sid else each for each in document["Statement"]]
        assert less != document["Statement"], f"{sid} of {function} has no {text}"
        put = {"RoleName": role, "PolicyName": name}
        roles.put_role_policy(**put, PolicyDocument=json.dumps({**document, "Statement": less}))
        try:
            yield
        finally:
            roles.put_role_policy(**put, PolicyDocument=json.dumps(document))

    def _invoked(self, function: str, payload: Any) -> Any:
        functions = self.client.stack.target.client("lambda")
        name = function_name(STAGE, function)
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        told = json.loads(answer["Payload"].read() or b"null")
        return {"error": told} if "FunctionError" in answer else told

    def _told(self) -> Any:
        """Return what the stream tells of a record that nobody has counted."""
        board = Board(board_id=BOARD, title=BOARD, created_at=clock.now())
        record = Record(self.player.player_id, BOARD, "all", 20, 0, clock.now(), generation=9, display_name="Ada")
        records = RecordStore(f"{TABLE_PREFIX}records", Dynamo(self.client.stack.target.client("dynamodb")))
        return delivery(1, None, records.put_part("record", board, record, None).request["Item"])


def _without(statement: Any, text: str) -> Any:
    """Return a statement, or a part of one, in whose lists a text is replaced by one that means nothing."""
    if isinstance(statement, dict):
        return {name: _without(part, text) for name, part in statement.items()}
    if isinstance(statement, list):
        return [_without(part, text) for part in statement]
    return f"nothing:{text.replace('*', '')}" if statement == text else statement


@pytest.fixture(scope="module")
def permissions(client: Client) -> Permissions:
    client.board(BOARD, operator="set")
    player = client.player()
    client.submit(BOARD, player, 10)
    return Permissions(client, player)


@pytest.mark.parametrize(
    ("function", "sid", "text"),
    [
        ("api_handler", "Counters", "dynamodb:BatchGetItem"),
        ("api_handler", "Counters", "node#*"),
        ("settle_records", "Counters", "dynamodb:BatchGetItem"),
        ("replay_dead_letters", "DeadLetters", "sqs:ReceiveMessage"),
        ("audit_ranks", "Jobs", "dynamodb:PutItem"),
        ("export_records", "Exports", "s3:PutObject"),
        ("advise_ranks", "Listings", "dynamodb:Query"),
        ("keep_ranks", "Boards", "dynamodb:Scan"),
        ("deliver_notices", "Inboxes", "inbox#*"),
        ("heed_alarms", "Incidents", "dynamodb:PutItem"),
        ("keep_seasons", "Turns", "dynamodb:BatchGetItem"),
        ("make_avatar", "MediaListings", "quarantine/*"),
        ("rebuild_ranks", "Jobs", "job#*"),
    ],
)
def test_a_function_works_with_its_permissions_and_not_with_one_less(
    permissions: Permissions, function: str, sid: str, text: str
) -> None:
    with permissions.without(function, sid, text):
        assert not permissions.works(function)

    assert permissions.works(function)


def test_the_authorizer_works_with_no_permission_to_do_anything(client: Client, permissions: Permissions) -> None:
    roles = client.stack.target.client("iam")
    role = f"laurel-{STAGE}-player_authorizer"
    [name] = roles.list_role_policies(RoleName=role)["PolicyNames"]

    statements = roles.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]

    assert [each["Sid"] for each in statements] == ["Logs"]
    assert client.call("GET", "/players/me", token=permissions.player.token).status_code == 200


def test_who_has_no_role_and_no_key_is_refused(client: Client) -> None:
    stranger: Any = client.stack.target.session.create_client(
        "dynamodb",
        endpoint_url=client.stack.aws_endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIASTRANGER",
        aws_secret_access_key="guessed",
    )

    with pytest.raises(stranger.exceptions.ClientError, match="UnrecognizedClient"):
        stranger.list_tables()
