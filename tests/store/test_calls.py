"""Lean calls are botocore's in all but their cost: botocore makes each of them too, and nobody can tell.

Both clients speak to the same server of scripted answers, over HTTP.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.endpoint
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config as ClientConfig
from botocore.credentials import CredentialProvider, Credentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.memory import response
from chalicelib.errors import StoreUnavailableError
from chalicelib.store.calls import ITEM_OPERATIONS, DamagedReplyError, LeanClient, lean_clients
from chalicelib.store.dynamo import CancelledError, Dynamo, Part, connect, translated
from tests.store.scripted import CUT, Answer, Server, error, reply, serving, unused

KEY = {"pk": {"S": "Zoë"}}
OWN_HEADERS = {"authorization", "x-amz-date", "amz-sdk-invocation-id", "content-length"}
"""What differs from one request to the next, and the length: botocore writes JSON with spaces and escapes."""
TOKEN = "ClientRequestToken"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.integers(-(2**63), 2**63).map(str)
values = st.recursive(
    st.fixed_dictionaries({"S": texts})
    | st.fixed_dictionaries({"N": numbers})
    | st.fixed_dictionaries({"BOOL": st.booleans()})
    | st.just({"NULL": True})
    | st.fixed_dictionaries({"SS": st.lists(texts, min_size=1, max_size=3)}),
    lambda inner: (
        st.fixed_dictionaries({"L": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"M": st.dictionaries(texts, inner, max_size=3)})
    ),
    max_leaves=5,
)
items = st.dictionaries(texts, values, max_size=4)


def requests_of(item: Any) -> dict[str, Any]:
    """Return one request of each operation that moves items."""
    named = {
        "TableName": "records",
        "ExpressionAttributeNames": {"#a": "a"},
        "ExpressionAttributeValues": {":item": {"M": item}},
    }
    return {
        "BatchGetItem": {"RequestItems": {"records": {"Keys": [item, KEY], "ConsistentRead": True}}},
        "BatchWriteItem": {
            "RequestItems": {"records": [{"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": KEY}}]}
        },
        "DeleteItem": {**named, "Key": item, "ConditionExpression": "#a = :item"},
        "GetItem": {"TableName": "records", "Key": item, "ProjectionExpression": "a"},
        "PutItem": {**named, "Item": item, "ReturnValues": "ALL_OLD"},
        "Query": {
            **named,
            "KeyConditionExpression": "a = :a",
            "ExclusiveStartKey": item,
            "Limit": 3,
            "Select": "COUNT",
        },
        "Scan": {"TableName": "records", "Segment": 0, "TotalSegments": 2, "ConsistentRead": False},
        "TransactGetItems": {"TransactItems": [{"Get": {"TableName": "records", "Key": item}}]},
        "TransactWriteItems": {
            "TransactItems": [
                {"Put": {"TableName": "records", "Item": item}},
                {"Update": {**named, "Key": KEY, "UpdateExpression": "SET a = :item"}},
                {"ConditionCheck": {**named, "Key": KEY, "ConditionExpression": "attribute_exists(a)"}},
            ]
        },
        "UpdateItem": {**named, "Key": item, "UpdateExpression": "SET #a = :item", "ReturnValues": "ALL_NEW"},
    }


def replies_of(item: Any) -> dict[str, Any]:
    """Return one reply of each operation that moves items, with all that may be in one."""
    units = {"TableName": "records", "CapacityUnits": 2.5, "Table": {"CapacityUnits": 1.0}}
    size = {"ItemCollectionKey": KEY, "SizeEstimateRangeGB": [0.5, 1.5]}
    return {
        "BatchGetItem": {
            "Responses": {"records": [item, KEY], "ranks": []},
            "UnprocessedKeys": {"ranks": {"Keys": [KEY], "ConsistentRead": True}},
            "ConsumedCapacity": [units],
        },
        "BatchWriteItem": {"UnprocessedItems": {"records": [{"PutRequest": {"Item": item}}]}},
        "DeleteItem": {"Attributes": item, "ItemCollectionMetrics": size},
        "GetItem": {"Item": item, "ConsumedCapacity": units},
        "PutItem": {"Attributes": item, "ConsumedCapacity": units},
        "Query": {"Items": [item, {}], "Count": 2, "ScannedCount": 3, "LastEvaluatedKey": item},
        "Scan": {"Items": [item], "Count": 1, "ScannedCount": 1},
        "TransactGetItems": {"Responses": [{"Item": item}, {}], "ConsumedCapacity": [units]},
        "TransactWriteItems": {"ConsumedCapacity": [units], "ItemCollectionMetrics": {"records": [size]}},
        "UpdateItem": {"Attributes": item},
    }


class NoWait:
    """Time in which pauses pass at once."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def quiet(server: Server) -> None:
    server.requests.clear()
    server.answers(reply())


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which take no time."""
    no_wait = NoWait()
    monkeypatch.setattr(botocore.endpoint, "time", no_wait)
    return no_wait.pauses


@pytest.fixture
def client(server: Server, session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The client as it is deployed."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    client = connect(session).client
    yield client
    client.close()


def made(session: botocore.session.Session, **settings: Any) -> Any:
    with lean_clients(session):
        return session.create_client("dynamodb", **settings)


@pytest.fixture(scope="module")
def impatient(server: Server, session: botocore.session.Session) -> Iterator[Any]:
    """A client that tries once."""
    retries: Any = {"total_max_attempts": 1, "mode": "standard"}
    config = ClientConfig(retries=retries, parameter_validation=False, user_agent="laurel")
    client = made(session, endpoint_url=server.url, config=config)
    yield client
    client.close()


def botocores(client: Any, operation: str, request: Any) -> Any:
    return BaseClient._make_api_call(client, operation, request)  # type: ignore[attr-defined]  # noqa: SLF001  # the oracle


def ours(client: Any, operation: str, request: Any) -> Any:
    return client._make_api_call(operation, request)  # noqa: SLF001  # what its methods and PynamoDB call


MAKERS = [ours, botocores]


def said_of(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OWN_HEADERS}


def signed_of(headers: dict[str, str]) -> str:
    return headers["authorization"].partition("Signature=")[0]


def failure_of(make: Any, client: Any, operation: str) -> Any:
    with pytest.raises((ClientError, BotoCoreError)) as caught:
        make(client, operation, requests_of(KEY)[operation])
    return caught.value


@pytest.mark.property
@settings(max_examples=20)
@given(item=items)
def test_requests_say_what_botocores_say(server: Server, impatient: Any, item: Any) -> None:
    for operation, request in requests_of(item).items():
        server.requests.clear()
        for make in MAKERS:
            make(impatient, operation, request)
        mine, other = server.requests
        assert said_of(mine.headers) == said_of(other.headers)
        assert signed_of(mine.headers) == signed_of(other.headers)
        assert {**mine.json, TOKEN: None} == {**other.json, TOKEN: None}
        assert json.loads(mine.body).keys() == other.json.keys()


@pytest.mark.property
@settings(max_examples=20)
@given(item=items)
def test_replies_read_as_botocore_reads_them(server: Server, impatient: Any, item: Any) -> None:
    for operation, body in replies_of(item).items():
        server.answers(reply(body))
        mine, other = (make(impatient, operation, requests_of(KEY)[operation]) for make in MAKERS)
        del other["ResponseMetadata"]
        assert mine == other


def test_every_operation_of_items_is_tried() -> None:
    assert set(requests_of(KEY)) == set(replies_of(KEY)) == ITEM_OPERATIONS


CANCELLED = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "no", "Item": {"a": {"L": [{"N": "1"}]}}}]
REFUSALS = {
    "a condition": error("ConditionalCheckFailedException", Item=KEY),
    "a cancelled transaction": error("TransactionCanceledException", CancellationReasons=CANCELLED),
    "a conflict": error("TransactionConflictException"),
    "a mistake": error("ValidationException"),
    "a missing table": error("ResourceNotFoundException"),
    "a code nobody knows": error("BrandNewException"),
    "no code": reply({"message": "no"}, 400),
    "no JSON": reply(b"<html>forbidden</html>", 403),
    "no body": reply(b"", 502),
    "nothing": reply(b"", 404),
}


@pytest.mark.parametrize("answer", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize("operation", ["PutItem", "TransactWriteItems"])
def test_errors_are_what_botocore_makes_of_them(server: Server, impatient: Any, operation: str, answer: Answer) -> None:
    server.answers(answer)

    mine, other = (failure_of(make, impatient, operation) for make in MAKERS)

    assert (type(mine), str(mine)) == (type(other), str(other))
    assert _comparable(mine.response) == _comparable(other.response)


def _comparable(response: Any) -> Any:
    """Names of headers arrive in lower case; their order and case say nothing."""
    headers = response["ResponseMetadata"].pop("HTTPHeaders")
    return {**response, "headers": {name.lower(): value for name, value in headers.items()}}


DAMAGED = reply({"Item": KEY}, x_amz_crc32="1")
TROUBLES = {
    "InternalServerError": error("InternalServerError", 500),
    "throttling": error("ProvisionedThroughputExceededException"),
    "a transaction in progress": error("TransactionInProgressException"),
    "a bad gateway": reply(b"<html>", 502),
    "a lost connection": CUT,
    "half a reply": Answer(reply({"Item": KEY}).sent[:-3], closes=True),
    "a wrong checksum": DAMAGED,
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_trouble_is_tried_again_as_often_as_by_botocore(
    server: Server, client: Any, pauses: list[float], trouble: Answer
) -> None:
    request = requests_of(KEY)["TransactWriteItems"]
    for make in MAKERS:
        server.answers(trouble, trouble, reply({"ConsumedCapacity": []}))
        assert make(client, "TransactWriteItems", request)["ConsumedCapacity"] == []

    assert [request.headers["amz-sdk-request"] for request in server.requests] == [
        "attempt=1",
        "attempt=2; max=3",
        "attempt=3; max=3",
    ] * 2
    assert len(pauses) == 4


def test_a_transaction_tried_again_is_the_same_one(server: Server, client: Any, pauses: list[float]) -> None:
    """Its token lets DynamoDB know it; made anew, the first one's success would refuse the second."""
    server.answers(TROUBLES["InternalServerError"], CUT, reply())

    client.transact_write_items(**requests_of(KEY)["TransactWriteItems"])
    client.transact_write_items(**requests_of(KEY)["TransactWriteItems"])

    first, again, last, other = server.requests
    assert first.body == again.body == last.body
    assert first.headers["amz-sdk-invocation-id"] == last.headers["amz-sdk-invocation-id"]
    assert first.json[TOKEN] != other.json[TOKEN]


def test_a_token_of_the_callers_own_is_kept(server: Server, client: Any) -> None:
    client.transact_write_items(**requests_of(KEY)["TransactWriteItems"], ClientRequestToken="mine")

    assert server.requests[0].json[TOKEN] == "mine"


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_trouble_without_an_end_makes_the_database_unavailable(
    server: Server, client: Any, pauses: list[float], trouble: Answer
) -> None:
    server.answers(trouble)

    with pytest.raises(StoreUnavailableError), translated():
        client.get_item(TableName="records", Key=KEY)

    assert len(server.requests) == 3
    assert 0 <= min(pauses) <= max(pauses) <= 20


def test_a_quota_ends_what_is_tried_again(server: Server, client: Any, pauses: list[float]) -> None:
    """botocore's: when nothing works, a process soon stops to repeat everything thrice."""
    server.answers(TROUBLES["InternalServerError"])

    for _ in range(100):
        with pytest.raises(ClientError):
            client.get_item(TableName="records", Key=KEY)
    assert len(server.requests) == 200

    server.answers(reply())
    for _ in range(20):
        client.get_item(TableName="records", Key=KEY)
    server.answers(TROUBLES["InternalServerError"], reply())
    client.get_item(TableName="records", Key=KEY)


def test_nobody_listening_makes_the_database_unavailable(
    session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://{unused()}")

    with pytest.raises(StoreUnavailableError):
        connect(session).rows({"TableName": "records"})
    assert len(pauses) == 2


@pytest.mark.property
@given(body=st.binary(max_size=40) | st.recursive(st.none(), st.lists).map(lambda body: json.dumps(body).encode()))
def test_what_is_no_reply_is_no_empty_one(server: Server, impatient: Any, body: bytes) -> None:
    """To botocore it is one, and a player whose record came damaged looks like one who has none."""
    server.answers(reply(body))

    try:
        expected = json.loads(body)
    except ValueError:
        expected = None
    if isinstance(expected, dict):
        assert impatient.get_item(TableName="records", Key=KEY) == expected
    else:
        with pytest.raises(DamagedReplyError):
            impatient.get_item(TableName="records", Key=KEY)


@pytest.mark.property
@given(body=st.binary(max_size=40), status=st.sampled_from([400, 403, 413, 500, 503]))
def test_what_is_no_error_is_one_all_the_same(server: Server, impatient: Any, body: bytes, status: int) -> None:
    server.answers(reply(body, status))

    with pytest.raises(ClientError):
        impatient.get_item(TableName="records", Key=KEY)


def test_reasons_of_a_cancelled_transaction_reach_their_parts(server: Server, client: Any) -> None:
    server.answers(REFUSALS["a cancelled transaction"])
    parts = [Part(name, "Put", {"TableName": "records", "Item": KEY}) for name in ("fine", "taken")]

    with pytest.raises(CancelledError) as caught:
        Dynamo(client).transact(parts)

    assert caught.value.refused == {"taken"}


def sent_by(make: Any, client: Any) -> tuple[str, str, str]:
    """Return address, host and what was signed of a request that is kept from being sent."""
    requests: list[AWSPreparedRequest] = []

    def keep(request: AWSPreparedRequest, **_event: Any) -> AWSResponse:
        requests.append(request)
        return response(request, 200, {})

    client.meta.events.register("before-send.dynamodb", keep, unique_id="keep")
    make(client, "GetItem", requests_of(KEY)["GetItem"])
    client.meta.events.unregister("before-send.dynamodb", keep, unique_id="keep")
    headers = {name.lower(): _text(value) for name, value in requests[0].headers.items()}
    return requests[0].url, headers.get("host", ""), signed_of(headers)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize(
    ("region", "environment", "url"),
    [
        ("eu-central-1", {}, "https://dynamodb.eu-central-1.amazonaws.com/"),
        ("cn-north-1", {}, "https://dynamodb.cn-north-1.amazonaws.com.cn/"),
        ("us-east-1", {"AWS_USE_FIPS_ENDPOINT": "true"}, "https://dynamodb-fips.us-east-1.amazonaws.com/"),
        ("us-east-1", {"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://dynamodb.us-east-1.api.aws/"),
        ("us-east-1", {"AWS_ACCOUNT_ID": "123456789012"}, "https://123456789012.ddb.us-east-1.amazonaws.com/"),
        ("local", {}, "http://localhost:8000/"),
        ("us-east-1", {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, "http://127.0.0.1:4566/"),
        ("us-east-1", {"AWS_ENDPOINT_URL_DYNAMODB": "https://[::1]:443/"}, "https://[::1]:443/"),
        ("us-east-1", {"AWS_ENDPOINT_URL": "http://127.0.0.1:80/aws"}, "http://127.0.0.1:80/aws"),
    ],
)
def test_calls_go_where_botocores_settings_say(
    monkeypatch: pytest.MonkeyPatch, region: str, environment: dict[str, str], url: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = made(botocore.session.Session(), region_name=region)

    (mine, host, signed), (other, _, oracle) = (sent_by(make, client) for make in MAKERS)

    assert mine == other == url
    assert signed == oracle
    assert host in {"", url.split("/")[2].removesuffix(":443")}


def test_an_address_with_a_path_is_left_to_botocore(
    server: Server, session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"{server.url}/aws")

    assert "ResponseMetadata" in connect(session).client.get_item(TableName="records", Key=KEY)
    assert server.requests[0].line == "POST /aws HTTP/1.1"


def test_a_proxy_is_gone_through(
    server: Server, session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb.test")
    monkeypatch.setenv("http_proxy", server.url)
    server.answers(reply({"Item": KEY}))

    assert connect(session).client.get_item(TableName="records", Key=KEY) == {"Item": KEY}
    assert server.requests[0].line == "POST http://dynamodb.test/ HTTP/1.1"


class Renewed(CredentialProvider):
    """Credentials that have run out whenever they are looked at."""

    METHOD = CANONICAL_NAME = "renewed"

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def load(self) -> Credentials:
        return RefreshableCredentials.create_from_metadata(self._fresh(), self._fresh, "renewed")

    def _fresh(self) -> dict[str, str]:
        self.count += 1
        soon = datetime.now(UTC) + timedelta(seconds=1)
        key = f"{self.count}"
        return {"access_key": key, "secret_key": key, "token": key, "expiry_time": soon.isoformat()}


def test_credentials_are_renewed_as_they_run_out(server: Server) -> None:
    session = botocore.session.Session()
    session.get_component("credential_provider").insert_before("env", Renewed())
    client = made(session, endpoint_url=server.url)

    for _ in range(3):
        client.get_item(TableName="records", Key=KEY)

    keys = [request.headers["authorization"].partition("Credential=")[2][0] for request in server.requests]
    assert keys == sorted(set(keys))
    assert [request.headers["x-amz-security-token"] for request in server.requests] == keys
    client.close()


def test_without_credentials_nothing_is_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    client = made(botocore.session.Session(), endpoint_url=server.url)

    with pytest.raises(NoCredentialsError):
        client.get_item(TableName="records", Key=KEY)
    assert server.requests == []


def test_the_trace_of_an_invocation_goes_along(server: Server, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "laurel")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2;Parent=3")

    for make in MAKERS:
        make(client, "GetItem", requests_of(KEY)["GetItem"])

    assert [request.headers["x-amzn-trace-id"] for request in server.requests] == ["Root=1-2;Parent=3"] * 2


def test_who_watches_sees_each_step(server: Server, client: Any) -> None:
    seen: list[str] = []

    def watch(event_name: str, **_event: Any) -> None:
        seen.append(event_name)

    def count_capacity(params: Any, **_event: Any) -> Any:
        return {**params, "ReturnConsumedCapacity": "TOTAL"}

    steps = ["provide-client-params", "before-call", "before-send", "after-call"]
    for step in steps:
        client.meta.events.register(f"{step}.dynamodb", watch)
    client.meta.events.register("provide-client-params.dynamodb.Scan", count_capacity)

    client.scan(TableName="records")

    assert seen == [f"{step}.dynamodb.Scan" for step in steps]
    assert server.requests[0].json == {"TableName": "records", "ReturnConsumedCapacity": "TOTAL"}


def test_who_makes_calls_instead_is_let(server: Server, client: Any) -> None:
    with Stubber(client) as stubber:
        stubber.add_response("get_item", {"Item": KEY})
        stubber.add_client_error("get_item", "ResourceNotFoundException")

        assert client.get_item(TableName="records", Key=KEY)["Item"] == KEY
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.get_item(TableName="records", Key=KEY)
    assert server.requests == []


def test_other_calls_stay_botocores(server: Server, client: Any) -> None:
    server.answers(reply({"Table": {"TableName": "records", "CreationDateTime": 1795305600.0}}))

    described = client.describe_table(TableName="records")

    assert described["Table"]["CreationDateTime"] == datetime(2026, 11, 22, tzinfo=UTC)


def test_other_clients_of_a_session_stay_botocores(session: botocore.session.Session) -> None:
    assert isinstance(made(session), LeanClient)
    assert not isinstance(session.create_client("dynamodb"), LeanClient)
