"""The stand-in is worth what it shares with DynamoDB: the same calls on moto must give the same answers."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from tests.expressions import ExpressionError, Item, actions, changed, condition, holds
from tests.fake_dynamodb import Call, FakeDynamoDB, Once, conflict_on, throttle, time_out
from tests.tables import create_tables, tables

GAMES, RANKS, RECORDS = "laurel-test-games", "laurel-test-ranks", "laurel-test-records"
ITEM = {"name": {"S": "b"}, "size": {"N": "10"}, "flag": {"BOOL": True}}
VALUES = {":a": {"S": "a"}, ":b": {"S": "b"}, ":c": {"S": "c"}, ":2": {"N": "2"}, ":10": {"N": "10"}}


@pytest.fixture
def fake() -> FakeDynamoDB:
    return FakeDynamoDB(tables())


def record(player: str, order_key: str | None = None, **attributes: Item) -> Item:
    item = {"player_id": {"S": player}, "board_period": {"S": "b#all"}, "display_name": {"S": player}, **attributes}
    if order_key is not None:
        item |= {"standing": {"S": "b#all"}, "order_key": {"S": order_key}}
    return item


def put(client: Any, item: Item, **request: Any) -> None:
    called(client, "PutItem", {"TableName": RECORDS, "Item": item, **request})


def called(client: Any, operation: str, request: Item) -> Item:
    """Call as PynamoDB calls."""
    return client._make_api_call(operation, request)  # type: ignore[no-any-return]  # noqa: SLF001


def ranked(client: Any, **request: Any) -> list[str]:
    rows = client.query(
        TableName=RECORDS,
        IndexName="ranking",
        KeyConditionExpression="standing = :standing",
        ExpressionAttributeValues={":standing": {"S": "b#all"}},
        **request,
    )
    return [row["player_id"]["S"] for row in rows["Items"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("attribute_exists(#n)", True),
        ("attribute_exists (#missing)", False),
        ("attribute_not_exists(#missing)", True),
        ("#n = :b", True),
        ("#n = :a", False),
        ("#missing = :a", False),
        ("#missing <> :a", True),
        ("#s = :10", True),
        ("#s > :2", True),
        ("#s = :b", False),
        ("#n BETWEEN :a AND :c", True),
        ("#n BETWEEN :a AND :b AND #n > :a", True),
        ("begins_with(#n, :b)", True),
        ("(#n = :b AND #s = :2) OR NOT #n = :a", True),
        ("#n = :a OR #n = :b AND #s = :2", False),
    ],
)
def test_conditions_hold_as_written(text: str, expected: bool) -> None:
    names = {"#n": "name", "#s": "size", "#missing": "missing"}

    assert holds(condition(text, names), ITEM, VALUES) is expected


def test_updates_set_remove_and_add() -> None:
    wanted = actions("SET #n = :a ADD #s :2, fresh :2 REMOVE flag", {"#n": "name", "#s": "size"})

    after = changed(wanted, ITEM, VALUES)

    assert after == {"name": {"S": "a"}, "size": {"N": "12"}, "fresh": {"N": "2"}}
    assert "flag" in ITEM


def test_sets_take_and_lose_their_elements() -> None:
    values = {":one": {"SS": ["a"]}, ":both": {"SS": ["b", "a"]}, ":none": {"SS": ["x"]}}

    def after(text: str, item: Item) -> Item:
        return changed(actions(text, {}), item, values)

    assert after("ADD members :one", {}) == {"members": {"SS": ["a"]}}
    assert after("ADD members :both", {"members": {"SS": ["a"]}}) == {"members": {"SS": ["a", "b"]}}
    assert after("DELETE members :one", {"members": {"SS": ["a", "b"]}}) == {"members": {"SS": ["b"]}}
    assert after("DELETE members :both", {"members": {"SS": ["a", "b"]}}) == {}
    assert after("DELETE members :none", {}) == {}


@pytest.mark.parametrize("text", ["size = :a", "state = :a", "a = ", "a = :a :b", "a ? :a", "(a = :a"])
def test_reserved_words_and_broken_expressions_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        condition(text, {})


def test_unused_placeholders_are_refused(fake: FakeDynamoDB) -> None:
    with pytest.raises(ClientError, match="unused"):
        put(fake, record("a"), ExpressionAttributeValues={":a": {"N": "1"}})


def test_index_lists_items_with_its_keys_in_order_and_projected(fake: FakeDynamoDB) -> None:
    for item in (record("b", "2", score={"N": "1"}), record("a", "3"), record("hidden"), record("c", "1")):
        put(fake, item)

    assert ranked(fake) == ["c", "b", "a"]
    assert ranked(fake, ScanIndexForward=False, Limit=2) == ["a", "b"]
    row = fake.query(
        TableName=RECORDS,
        IndexName="ranking",
        KeyConditionExpression="standing = :s AND order_key = :k",
        ExpressionAttributeValues={":s": {"S": "b#all"}, ":k": {"S": "2"}},
    )["Items"][0]
    assert set(row) == {"player_id", "board_period", "standing", "order_key", "display_name"}


def test_index_knows_no_consistent_reads(fake: FakeDynamoDB) -> None:
    with pytest.raises(ClientError, match="Consistent"):
        ranked(fake, ConsistentRead=True)


def test_frozen_index_shows_the_past_until_it_thaws(fake: FakeDynamoDB) -> None:
    put(fake, record("a", "1"))
    fake.freeze_indexes()
    put(fake, record("a", "3"))
    put(fake, record("b", "2"))

    before = ranked(fake)
    fake.thaw_indexes()

    assert before == ["a"]
    assert ranked(fake) == ["b", "a"]


def test_pages_end_where_they_are_told_to(fake: FakeDynamoDB) -> None:
    fake.page_size = 2
    for number in range(5):
        put(fake, record(f"p{number}", f"{number}"))

    request = {
        "TableName": RECORDS,
        "IndexName": "ranking",
        "KeyConditionExpression": "standing = :s",
        "ExpressionAttributeValues": {":s": {"S": "b#all"}},
        "Select": "COUNT",
    }
    counts, start = [], None
    while True:
        page = fake.query(**request, **({"ExclusiveStartKey": start} if start else {}))
        counts.append(page["Count"])
        start = page.get("LastEvaluatedKey")
        if not start:
            break

    assert counts == [2, 2, 1]


def test_transaction_is_all_or_nothing_and_says_why(fake: FakeDynamoDB) -> None:
    put(fake, record("a"))
    refused = {"TableName": RECORDS, "Item": record("a"), "ConditionExpression": "attribute_not_exists(player_id)"}

    with pytest.raises(fake.exceptions.TransactionCanceledException) as caught:
        fake.transact_write_items(
            TransactItems=[{"Put": {"TableName": RECORDS, "Item": record("b")}}, {"Put": refused}]
        )

    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert [item["player_id"]["S"] for item in fake.items(RECORDS)] == ["a"]


@pytest.mark.parametrize("count", [0, 101])
def test_transactions_have_1_to_100_items(fake: FakeDynamoDB, count: int) -> None:
    parts = [{"Put": {"TableName": RECORDS, "Item": record(f"p{number}")}} for number in range(count)]

    with pytest.raises(ClientError, match="ValidationException"):
        fake.transact_write_items(TransactItems=parts)


def test_an_item_comes_once_in_a_transaction_and_once_in_a_batch(fake: FakeDynamoDB) -> None:
    key = {"pk": {"S": "a"}}
    write = {"Update": {"TableName": RANKS, "Key": key, "UpdateExpression": "REMOVE x"}}

    with pytest.raises(ClientError, match="multiple operations on one item"):
        fake.transact_write_items(TransactItems=[write, write])
    with pytest.raises(ClientError, match="all different"):
        fake.batch_get_item(RequestItems={RANKS: {"Keys": [key, key]}})


def test_unserved_keys_come_back(fake: FakeDynamoDB) -> None:
    put(fake, record("a"))
    fake.keys_served = 1
    keys = [{"player_id": {"S": name}, "board_period": {"S": "b#all"}} for name in ("a", "b")]

    reply = fake.batch_get_item(RequestItems={RECORDS: {"Keys": keys, "ConsistentRead": True}})

    assert reply["Responses"] == {RECORDS: [record("a")]}
    assert reply["UnprocessedKeys"] == {RECORDS: {"Keys": keys[1:], "ConsistentRead": True}}


def test_hooks_prevent_an_operation_or_lose_its_reply(fake: FakeDynamoDB) -> None:
    fake.before.append(Once(lambda call: call.touches("prevented"), throttle))
    fake.after.append(Once(lambda call: call.touches("lost"), time_out))

    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        put(fake, record("prevented"))
    with pytest.raises(ReadTimeoutError):
        put(fake, record("lost"))

    assert [item["player_id"]["S"] for item in fake.items(RECORDS)] == ["lost"]


def test_conflicts_name_the_busy_items(fake: FakeDynamoDB) -> None:
    fake.before.append(Once(lambda call: call.operation == "TransactWriteItems", conflict_on("node#")))
    parts = [
        {"Update": {"TableName": RANKS, "Key": {"pk": {"S": pk}}, "UpdateExpression": "REMOVE x"}}
        for pk in ("mark#1", "node#1", "node#2")
    ]

    with pytest.raises(fake.exceptions.TransactionCanceledException) as caught:
        fake.transact_write_items(TransactItems=parts)

    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "TransactionConflict", "TransactionConflict"]


def test_hooks_may_call_the_database_themselves(fake: FakeDynamoDB) -> None:
    def overtake(call: Call) -> None:
        put(fake, record("first"))

    fake.before.append(Once(lambda call: call.operation == "PutItem", overtake))

    put(fake, record("second"))

    assert [item["player_id"]["S"] for item in fake.items(RECORDS)] == ["first", "second"]


def test_a_copy_goes_its_own_way(fake: FakeDynamoDB) -> None:
    put(fake, record("a", "1"))
    twin = fake.copy()

    put(fake, record("b", "2"))
    put(twin, record("a", "3"))
    put(twin, record("c", "2"))

    assert (ranked(fake), ranked(twin)) == (["a", "b"], ["c", "a"])
    assert (len(fake.items(RECORDS)), len(twin.items(RECORDS))) == (2, 2)


PLAYERS = st.sampled_from(["a", "b", "c"])
PERIODS = st.sampled_from(["b#all", "b#20", "b#21"])
NUMBERS = st.integers(-3, 3).map(lambda number: {"N": str(number)})
ORDER_KEYS = st.sampled_from(["0", "00", "1", "1a", "2", "é", "\U0001f600"])


@st.composite
def keys(draw: st.DrawFn) -> Item:
    return {"player_id": {"S": draw(PLAYERS)}, "board_period": {"S": draw(PERIODS)}}


@st.composite
def items(draw: st.DrawFn) -> Item:
    item = {**draw(keys()), "generation": draw(NUMBERS), "display_name": {"S": draw(PLAYERS)}}
    if draw(st.booleans()):
        item |= {"standing": {"S": "b"}, "order_key": {"S": draw(ORDER_KEYS)}}
    return item


@st.composite
def conditions(draw: st.DrawFn) -> Item:
    return draw(
        st.sampled_from(
            [
                {},
                {"ConditionExpression": "attribute_not_exists(player_id)"},
                {"ConditionExpression": "attribute_exists(player_id) AND attribute_not_exists(order_key)"},
                {
                    "ConditionExpression": "generation = :g",
                    "ExpressionAttributeValues": {":g": draw(NUMBERS)},
                },
            ]
        )
    )


@st.composite
def writes(draw: st.DrawFn) -> tuple[str, Item]:
    kind = draw(st.sampled_from(["Put", "Delete", "Update", "ConditionCheck"]))
    request: Item = {"TableName": RECORDS, **draw(conditions())}
    if kind == "Put":
        return kind, {**request, "Item": draw(items())}
    request["Key"] = draw(keys())
    if kind == "Update":
        request["UpdateExpression"] = "SET #name = :name REMOVE avatar ADD c1 :step, c2 :step"
        request["ExpressionAttributeNames"] = {"#name": "display_name"}
        values = {":name": {"S": draw(PLAYERS)}, ":step": draw(NUMBERS)}
        request["ExpressionAttributeValues"] = {**request.get("ExpressionAttributeValues", {}), **values}
    if kind == "ConditionCheck" and "ConditionExpression" not in request:
        request["ConditionExpression"] = "attribute_exists(player_id)"
    return kind, request


@st.composite
def single_writes(draw: st.DrawFn) -> tuple[str, Item]:
    kind, request = draw(writes().filter(lambda write: write[0] != "ConditionCheck"))
    if kind == "Update":
        request = {**request, "ReturnValues": "ALL_NEW"}
    return f"{kind}Item", request


@st.composite
def transactions(draw: st.DrawFn) -> tuple[str, Item]:
    drawn = draw(st.lists(writes(), min_size=1, max_size=4))
    return "TransactWriteItems", {"TransactItems": [{kind: request} for kind, request in drawn]}


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, Item]:
    on_index = draw(st.booleans())
    partition, range_key, values = (
        ("standing", "order_key", ORDER_KEYS) if on_index else ("#p", "board_period", PERIODS)
    )
    low, high = sorted([draw(values), draw(values)])
    tests = {
        "": {},
        f" AND {range_key} > :low": {":low": low},
        f" AND {range_key} >= :low": {":low": low},
        f" AND {range_key} < :high": {":high": high},
        f" AND {range_key} <= :high": {":high": high},
        f" AND {range_key} BETWEEN :low AND :high": {":low": low, ":high": high},
        f" AND begins_with({range_key}, :low)": {":low": low},
    }
    text = draw(st.sampled_from(sorted(tests)))
    request: Item = {
        "TableName": RECORDS,
        "KeyConditionExpression": f"{partition} = :partition{text}",
        "ExpressionAttributeValues": {
            ":partition": {"S": "b" if on_index else draw(PLAYERS)},
            **{name: {"S": value} for name, value in tests[text].items()},
        },
        "ScanIndexForward": draw(st.booleans()),
    }
    request |= {"IndexName": "ranking"} if on_index else {"ExpressionAttributeNames": {"#p": "player_id"}}
    request |= draw(st.sampled_from([{}, {"Limit": 1}, {"Limit": 2}, {"Select": "COUNT"}]))
    return "Query", request


@st.composite
def batches(draw: st.DrawFn) -> tuple[str, Item]:
    wanted = draw(st.lists(keys(), min_size=1, max_size=4))
    return "BatchGetItem", {"RequestItems": {RECORDS: {"Keys": wanted, "ConsistentRead": True}}}


OPERATIONS = st.lists(st.one_of(single_writes(), transactions(), queries(), batches()), min_size=1, max_size=25)


def answer(client: Any, operation: str, request: Item) -> object:
    """Return what a call answers, as far as the app looks at it; the code and the reasons where it is refused."""
    try:
        reply = called(client, operation, request)
    except ClientError as error:
        reasons: Any = error.response.get("CancellationReasons", [])
        return error.response["Error"]["Code"], [reason["Code"] for reason in reasons]
    if operation == "BatchGetItem":
        return sorted(map(repr, map(_ordered, reply["Responses"][RECORDS]))), reply["UnprocessedKeys"]
    return [_ordered(row) for row in reply.get("Items", [])], reply.get("Count"), _ordered(reply.get("Attributes", {}))


def rows_by_pages(client: Any, request: Item) -> list[Item]:
    """Return all rows of a query: where a page ends may differ, what all pages hold may not."""
    rows: list[Item] = []
    while True:
        reply = called(client, "Query", request)
        rows += map(_ordered, reply.get("Items", []))
        if not reply.get("LastEvaluatedKey"):
            return rows
        request = {**request, "ExclusiveStartKey": reply["LastEvaluatedKey"]}


def _ordered(item: Item) -> Item:
    return dict(sorted(item.items()))


@pytest.mark.property
@settings(max_examples=60)
@given(operations=OPERATIONS)
def test_the_same_calls_give_the_same_answers_as_moto(
    dynamodb_of: Callable[[], Any], operations: list[tuple[str, Item]]
) -> None:
    fake = FakeDynamoDB(tables())
    with mock_aws():
        real = dynamodb_of()
        create_tables(real)
        for operation, request in operations:
            assert answer(fake, operation, request) == answer(real, operation, request), (operation, request)
            if operation == "Query":
                assert rows_by_pages(fake, request) == rows_by_pages(real, request)
        stored = real.scan(TableName=RECORDS)["Items"]

    assert sorted(map(repr, map(_ordered, stored))) == sorted(map(repr, map(_ordered, fake.items(RECORDS))))


@pytest.fixture(scope="session")
def dynamodb_of(dynamodb: Any) -> Callable[[], Any]:
    """The session's client, handed out inside the test: hypothesis runs many examples per fixture."""
    return lambda: dynamodb
