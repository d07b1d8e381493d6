"""Transactions contend in the benchmark as on AWS, and settle exactly all the same."""

import pytest

from bench.ranking import contention
from bench.ranking.contention import Arena, ContendedDynamoDB, Figure
from tests.fake_dynamodb import Once, TransactionCanceledError
from tests.tables import PREFIX


def _add_one(database: ContendedDynamoDB, node: str) -> None:
    update = {
        "TableName": f"{PREFIX}ranks",
        "Key": {"pk": {"S": node}},
        "UpdateExpression": "ADD c1 :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    database.transact_write_items(TransactItems=[{"Update": update}])


def test_a_transaction_meets_only_those_under_way_on_its_own_items() -> None:
    database = ContendedDynamoDB()
    database.before.append(Once(lambda _: True, lambda _: _add_one(database, "another")))
    _add_one(database, "node")

    database.before.append(Once(lambda _: True, lambda _: _add_one(database, "node")))
    with pytest.raises(TransactionCanceledError) as caught:
        _add_one(database, "node")
    _add_one(database, "node")

    assert caught.value.response["CancellationReasons"] == [{"Code": "TransactionConflict"}]
    assert {item["pk"]["S"]: item["c1"]["N"] for item in database.items(f"{PREFIX}ranks")} == {
        "another": "1",
        "node": "2",
    }


@pytest.mark.parametrize("lanes", [1, 4])
def test_settlers_that_contend_count_everybody_once(lanes: int) -> None:
    figure = Arena(lanes, settlers=4, batch=5, records=60).run()

    assert figure.wrong_counters == 0
    assert figure.records == 60


def test_lanes_that_gain_nothing_break_the_claim() -> None:
    def figure(lanes: int, records_a_second: float, wrong_counters: int = 0) -> Figure:
        return Figure(lanes, 8, 25, 100, records_a_second, 1, 0, 0, wrong_counters)

    assert [claim.holds for claim in contention.claims([figure(1, 100), figure(16, 200)])] == [True, True]
    assert [claim.holds for claim in contention.claims([figure(1, 100, 1), figure(16, 199)])] == [False, False]
