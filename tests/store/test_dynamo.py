from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.config import Config as ClientConfig
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from hypothesis import given
from hypothesis import strategies as st
from pynamodb.exceptions import PutError
from pynamodb.models import Model

from chalicelib.errors import StoreUnavailableError
from chalicelib.store.boards import BoardItem, BoardStore
from chalicelib.store.calls import LeanClient
from chalicelib.store.dynamo import (
    BusyError,
    CancelledError,
    ConditionFailedError,
    Dynamo,
    Part,
    bind,
    connect,
    key_text,
    refuses_us,
    translated,
)
from chalicelib.store.games import GameItem, GameStore
from chalicelib.store.jobs import JobItem, JobStore
from chalicelib.store.players import IdentityItem, PlayerItem, PlayerStore, SessionItem
from chalicelib.store.records import RecordItem, RecordStore
from chalicelib.store.turns import TurnItem, TurnStore
from chalicelib.store.uploads import UploadItem, UploadStore
from tests.expressions import Item
from tests.fake_dynamodb import Call, FakeDynamoDB, Once, TransactionCanceledError, conflict_on, throttle
from tests.tables import PREFIX, tables
from tests.world import Inline

RANKS, GAMES = f"{PREFIX}ranks", f"{PREFIX}games"
MODELS: list[type[Model]] = [
    BoardItem,
    GameItem,
    IdentityItem,
    JobItem,
    PlayerItem,
    RecordItem,
    SessionItem,
    TurnItem,
    UploadItem,
]

texts_by_name = st.dictionaries(st.sampled_from("ab"), st.text(max_size=3))


@pytest.fixture
def fake() -> FakeDynamoDB:
    return FakeDynamoDB(tables())


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def dynamo(fake: FakeDynamoDB, pauses: list[float]) -> Dynamo:
    return Dynamo(fake, Inline(), pauses.append)


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "PutItem")


def key(text: str) -> Item:
    return {"pk": {"S": text}}


def put(name: str, text: str, **request: Any) -> Part:
    return Part(name, "Put", {"TableName": RANKS, "Item": key(text), **request})


def test_all_models_share_one_client(dynamodb: Any) -> None:
    """PynamoDB would make a session and a client for each."""
    dynamo = Dynamo(dynamodb)
    BoardStore("boards", dynamo)
    PlayerStore("players", dynamo)
    GameStore("games", dynamo)
    RecordStore("records", dynamo)
    JobStore("jobs", dynamo)
    UploadStore("players", dynamo)
    TurnStore("turns", dynamo)

    assert set(Model.__subclasses__()) == set(MODELS)
    assert all(model._get_connection().connection.client is dynamodb for model in MODELS)  # noqa: SLF001  # what bind sets


def test_a_model_follows_the_last_client_it_was_bound_to(fake: FakeDynamoDB, dynamodb: Any) -> None:
    bind(BoardItem, "one", Dynamo(dynamodb))
    bind(BoardItem, f"{PREFIX}boards", Dynamo(fake))

    assert BoardStore(f"{PREFIX}boards", Dynamo(fake)).all() == []
    assert fake.calls == ["Scan"]


def test_the_client_gives_up_well_inside_the_gateways_29_seconds(session: botocore.session.Session) -> None:
    config = connect().client.meta.config

    attempts = config.retries["total_max_attempts"]
    assert attempts * (config.connect_timeout + config.read_timeout) < 20
    assert config.max_pool_connections > 8


@pytest.mark.parametrize("lean", [True, False])
def test_botocore_makes_the_calls_by_itself_where_that_is_wanted(session: botocore.session.Session, lean: bool) -> None:
    assert isinstance(connect(session, lean=lean).client, LeanClient) is lean


@pytest.mark.parametrize(
    "failure",
    [
        ConnectTimeoutError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
        EndpointConnectionError(endpoint_url="x"),
        client_error("ProvisionedThroughputExceededException"),
        client_error("ThrottlingException"),
        client_error("RequestLimitExceeded"),
        client_error("InternalServerError"),
        client_error("TransactionInProgressException"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda failure: failure, lambda failure: PutError(cause=failure)])
def test_a_database_that_does_not_answer_is_unavailable(
    failure: ClientError | BotoCoreError, wrap: Callable[[Exception], Exception]
) -> None:
    with pytest.raises(StoreUnavailableError), translated():
        raise wrap(failure)


@pytest.mark.parametrize("wrap", [lambda failure: failure, lambda failure: PutError(cause=failure)])
def test_refusals_have_names_of_their_own(wrap: Callable[[Exception], Exception]) -> None:
    with pytest.raises(ConditionFailedError), translated():
        raise wrap(client_error("ConditionalCheckFailedException"))
    with pytest.raises(BusyError), translated():
        raise wrap(client_error("TransactionConflictException"))


@pytest.mark.parametrize(
    "failure", [client_error("ValidationException"), PutError(), KeyError("ours"), BoardItem.DoesNotExist()]
)
def test_our_own_mistakes_and_missing_items_pass(failure: Exception) -> None:
    with pytest.raises(type(failure)), translated():
        raise failure


@pytest.mark.parametrize("wrap", [lambda failure: failure, lambda failure: PutError(cause=failure)])
def test_a_database_that_refuses_us_is_told_from_one_that_refuses_a_request(
    wrap: Callable[[Exception], Exception],
) -> None:
    assert refuses_us(wrap(client_error("AccessDeniedException")))
    assert refuses_us(wrap(client_error("ResourceNotFoundException")))
    assert not refuses_us(wrap(client_error("ValidationException")))
    assert not refuses_us(wrap(KeyError("ours")))


def test_nothing_listens_where_no_database_is() -> None:
    session = botocore.session.Session()
    config = ClientConfig(connect_timeout=0.2, retries={"total_max_attempts": 1})
    client = session.create_client("dynamodb", endpoint_url="http://127.0.0.1:9", config=config)

    with pytest.raises(StoreUnavailableError):
        BoardStore("boards", Dynamo(client)).get("race")


def test_a_batch_of_many_keys_goes_in_hundreds(fake: FakeDynamoDB, dynamo: Dynamo) -> None:
    texts = [f"{number}" for number in range(250)]
    for text in texts[::2]:
        dynamo.transact([put("node", text)])

    found = dynamo.batch_get({RANKS: [key(text) for text in texts]}, consistent=True)

    assert sorted(item["pk"]["S"] for item in found[RANKS]) == sorted(texts[::2])
    assert fake.calls.count("BatchGetItem") == 3


def test_unserved_keys_are_asked_for_again_after_a_pause(
    fake: FakeDynamoDB, dynamo: Dynamo, pauses: list[float]
) -> None:
    dynamo.transact([put("node", str(number)) for number in range(5)])
    fake.keys_served = 2

    found = dynamo.batch_get({RANKS: [key(str(number)) for number in range(5)]}, consistent=True)

    assert len(found[RANKS]) == 5
    assert len(pauses) == 2


def test_keys_that_stay_unserved_are_no_endless_loop(fake: FakeDynamoDB, dynamo: Dynamo, pauses: list[float]) -> None:
    fake.keys_served = 0

    with pytest.raises(StoreUnavailableError):
        dynamo.batch_get({RANKS: [key("a")]}, consistent=True)
    assert sum(pauses) < 4


def test_items_of_many_tables_come_in_one_read_each_under_its_key(fake: FakeDynamoDB, dynamo: Dynamo) -> None:
    game_key = {"player_id": {"S": "p"}, "game_id": {"S": "g"}}
    game = {**game_key, "x": {"N": "1"}}
    dynamo.transact([put("node", "a"), Part("game", "Put", {"TableName": GAMES, "Item": game})])

    found = dynamo.get_all([(RANKS, key("a")), (GAMES, game_key), (RANKS, key("missing")), (RANKS, key("a"))])

    assert found == {(RANKS, key_text(key("a"))): key("a"), (GAMES, key_text(game_key)): game}
    assert fake.calls.count("BatchGetItem") == 1


@pytest.mark.property
@given(one=texts_by_name, other=texts_by_name)
def test_key_texts_are_equal_for_equal_keys_only(one: dict[str, str], other: dict[str, str]) -> None:
    first = {name: {"S": text} for name, text in one.items()}
    second = {name: {"S": text} for name, text in reversed(other.items())}

    assert (key_text(first) == key_text(second)) is (one == other)


def test_a_query_is_read_to_its_end_page_by_page(fake: FakeDynamoDB, dynamo: Dynamo) -> None:
    fake.page_size = 3
    rows = [{"player_id": {"S": "p"}, "game_id": {"S": f"{number}"}} for number in range(8)]
    dynamo.transact([Part("game", "Put", {"TableName": GAMES, "Item": row}) for row in rows])
    request = {
        "TableName": GAMES,
        "KeyConditionExpression": "player_id = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    }

    assert dynamo.count(request) == 8
    assert dynamo.rows(request) == rows
    assert dynamo.rows(request, 4) == rows[:4]
    assert fake.calls.count("Query") == 3 + 3 + 2


def test_a_refused_transaction_names_its_parts(dynamo: Dynamo) -> None:
    dynamo.transact([put("first", "a")])
    new = {"ConditionExpression": "attribute_not_exists(pk)"}

    with pytest.raises(CancelledError) as caught:
        dynamo.transact([put("good", "b", **new), put("taken", "a", **new)])

    assert (caught.value.refused, caught.value.contended) == (frozenset({"taken"}), frozenset())


def test_a_busy_transaction_names_its_parts(fake: FakeDynamoDB, dynamo: Dynamo) -> None:
    fake.before.append(Once(lambda _: True, conflict_on("'b'")))

    with pytest.raises(CancelledError) as caught:
        dynamo.transact([put("free", "a"), put("busy", "b")])

    assert (caught.value.refused, caught.value.contended) == (frozenset(), frozenset({"busy"}))


def test_a_transaction_that_is_wrong_in_itself_is_no_contention(fake: FakeDynamoDB, dynamo: Dynamo) -> None:
    def invalid(call: Call) -> None:
        reasons = [{"Code": "ValidationError"} for _ in call.writes]
        response: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
        raise fake.exceptions.TransactionCanceledException(response, "TransactWriteItems")

    fake.before.append(invalid)

    with pytest.raises(ClientError, match="TransactionCanceledException"):
        dynamo.transact([put("node", "a")])


def test_a_throttled_transaction_is_unavailable(fake: FakeDynamoDB, dynamo: Dynamo) -> None:
    fake.before.append(Once(lambda _: True, throttle))

    with pytest.raises(StoreUnavailableError):
        dynamo.transact([put("node", "a")])


def test_calls_alongside_answer_in_their_order() -> None:
    first, others = Dynamo(None).alongside(lambda: "first", [lambda: "a", lambda: "b"])

    assert (first, others) == ("first", ["a", "b"])


@pytest.mark.parametrize("wrong", [0, 1])
def test_a_failure_alongside_is_raised(wrong: int) -> None:
    def fail() -> str:
        raise KeyError("no")

    calls = [fail, lambda: "fine"] if wrong == 0 else [lambda: "fine", fail]

    with pytest.raises(KeyError):
        Dynamo(None).alongside(calls[0], calls[1:])


def test_pauses_grow_and_never_exceed_a_second(dynamo: Dynamo, pauses: list[float]) -> None:
    for attempt in range(12):
        dynamo.pause(attempt)

    assert pauses[0] <= 0.05
    assert all(0 <= pause <= 1 for pause in pauses)
    assert len(set(pauses)) == 12


def stored(dynamo: Dynamo, *names: str) -> None:
    dynamo.transact([Part(name, "Put", {"TableName": RANKS, "Item": key(name)}) for name in names])


def test_a_snapshot_has_the_items_that_exist(dynamo: Dynamo) -> None:
    stored(dynamo, "a", "b")

    assert dynamo.snapshot(RANKS, [key("a"), key("missing"), key("b")]) == [key("a"), key("b")]


def test_a_snapshot_waits_for_no_writer(dynamo: Dynamo, fake: FakeDynamoDB) -> None:
    stored(dynamo, "a")
    fake.before.append(Once(lambda call: call.operation == "TransactGetItems", contended_reads))

    assert dynamo.snapshot(RANKS, [key("a")]) is None
    assert dynamo.snapshot(RANKS, [key("a")]) == [key("a")]


def test_a_snapshot_that_asks_for_something_wrong_is_our_bug(dynamo: Dynamo) -> None:
    with pytest.raises(ClientError):
        dynamo.snapshot(RANKS, [key("a"), key("a")])


def contended_reads(call: Call) -> None:
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": ""},
        "CancellationReasons": [{"Code": "TransactionConflict"}],
    }
    raise TransactionCanceledError(response, call.operation)


def test_an_update_alone_tells_whether_its_condition_held(dynamo: Dynamo) -> None:
    request = {
        "TableName": RANKS,
        "Key": key("a"),
        "UpdateExpression": "ADD c1 :1",
        "ConditionExpression": "attribute_not_exists(pk)",
        "ExpressionAttributeValues": {":1": {"N": "1"}},
    }

    assert dynamo.update(Part("a", "Update", request))
    assert not dynamo.update(Part("a", "Update", request))


def test_any_number_of_items_is_deleted_whether_they_exist_or_not(dynamo: Dynamo, fake: FakeDynamoDB) -> None:
    stored(dynamo, *map(str, range(60)))

    dynamo.delete_all(RANKS, [key(str(number)) for number in range(3, 80)])

    assert sorted(item["pk"]["S"] for item in fake.items(RANKS)) == ["0", "1", "2"]
    assert fake.calls.count("BatchWriteItem") == 4


def test_deletions_left_undone_are_sent_again_and_not_for_ever(
    dynamo: Dynamo, fake: FakeDynamoDB, pauses: list[float]
) -> None:
    lazy = Lazy(fake, served=1)
    dynamo.client = lazy
    stored(dynamo, "a", "b", "c")

    dynamo.delete_all(RANKS, [key("a"), key("b"), key("c")])

    assert fake.items(RANKS) == []
    assert len(pauses) == 2
    lazy.served = 0
    with pytest.raises(StoreUnavailableError, match="throttling writes"):
        dynamo.delete_all(RANKS, [key("a")])


class Lazy:
    """A client that leaves all but some writes of a batch unprocessed, as a throttled database does."""

    def __init__(self, fake: FakeDynamoDB, served: int) -> None:
        self._fake = fake
        self.served = served
        self.exceptions = fake.exceptions

    def batch_write_item(self, *, RequestItems: Item) -> Item:  # noqa: N803  # as botocore names it
        done = {table: writes[: self.served] for table, writes in RequestItems.items()}
        left = {table: writes[self.served :] for table, writes in RequestItems.items() if writes[self.served :]}
        if self.served:
            self._fake.batch_write_item(RequestItems=done)
        return {"UnprocessedItems": left}

    def transact_write_items(self, **request: Any) -> Item:
        return self._fake.transact_write_items(**request)
