"""What a run of tests comes to: from every worker, and for a whole run alone in what nothing used."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.permissions import plugin
from tests.permissions.evaluation import Policy, Request
from tests.permissions.ledger import Ledger

BOARDS, GAMES = ("arn:aws:dynamodb:eu-central-1:123456789012:table/laurel-test-" + noun for noun in ("boards", "games"))
READ, WRITTEN = Request("dynamodb:GetItem", BOARDS), Request("dynamodb:PutItem", BOARDS)


def allowing(sid: str, *actions: str) -> Policy:
    statement = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": [BOARDS]}
    return Policy.of({"Version": "2012-10-17", "Statement": [statement]})


POLICIES = {"reader": allowing("Boards", "dynamodb:GetItem", "dynamodb:PutItem")}


def test_what_nothing_used_is_a_fault_of_a_whole_run_alone() -> None:
    ledger = Ledger()
    assert ledger.enter("reader", POLICIES["reader"], READ)

    assert ledger.faults(POLICIES, whole=False) == []
    assert ledger.faults(POLICIES, whole=True) == [f"reader never uses Boards: dynamodb:PutItem on {BOARDS}"]
    assert ledger.faults(POLICIES, whole=True, spared=("Boards",)) == []


def test_what_was_refused_is_a_fault_of_every_run() -> None:
    ledger = Ledger()

    assert not ledger.enter("reader", POLICIES["reader"], Request("dynamodb:GetItem", GAMES))

    assert ledger.faults(POLICIES, whole=False) == [f"reader is not allowed dynamodb:GetItem on {GAMES}"]


def test_workers_share_what_they_saw() -> None:
    one, other = Ledger(), Ledger()
    one.enter("reader", POLICIES["reader"], READ)
    other.enter("reader", POLICIES["reader"], WRITTEN)

    one.merge(Ledger.of_json(json.loads(json.dumps(other.to_json()))))

    assert one.faults(POLICIES, whole=True) == []


def config(source: str = "TESTPATHS", **options: Any) -> pytest.Config:
    chosen = {"keyword": "", "markexpr": "", "deselect": None, "ignore": None, "lf": False, **options}
    return cast(
        "pytest.Config", SimpleNamespace(args_source=pytest.Config.ArgsSource[source], option=SimpleNamespace(**chosen))
    )


def test_a_run_is_whole_when_nothing_was_chosen() -> None:
    assert plugin.is_whole(config())


@pytest.mark.parametrize(
    "chosen",
    [{"source": "ARGS"}, {"keyword": "rebuild"}, {"markexpr": "not e2e"}, {"lf": True}, {"deselect": ["tests/x"]}],
)
def test_a_run_of_some_tests_is_not_whole(chosen: dict[str, Any]) -> None:
    assert not plugin.is_whole(config(**chosen))
