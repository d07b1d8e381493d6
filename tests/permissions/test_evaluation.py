"""The evaluator against the documented rules, and against the one of the embedded AWS, which others wrote."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.core import iam_evaluator  # type: ignore[import-untyped]  # ships no types

from tests.permissions.evaluation import Permission, Policy, PolicyError, Request

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/laurel-test-ranks"
LEADING, ENCLOSING = "dynamodb:LeadingKeys", "dynamodb:EnclosingOperation"


def policy(**changes: Any) -> Policy:
    statement = {"Sid": "Ranks", "Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": [TABLE], **changes}
    return Policy.of({"Version": "2012-10-17", "Statement": [statement]})


def request(action: str = "dynamodb:GetItem", resource: str = TABLE, **keys: tuple[str, ...]) -> Request:
    names = {"leading": LEADING, "enclosing": ENCLOSING}
    return Request(action, resource, tuple((names[name], values) for name, values in keys.items()))


def test_what_no_statement_allows_is_refused() -> None:
    assert not policy().used(request("dynamodb:PutItem"))
    assert not policy().used(request(resource=f"{TABLE}/index/ranking"))
    assert not policy().used(request(resource=TABLE.replace("eu-central-1", "eu-west-1")))


def test_the_permissions_used_are_those_that_match() -> None:
    allowing = policy(Action=["dynamodb:GetItem", "dynamodb:PutItem"], Resource=[TABLE, f"{TABLE}/index/*"])

    assert allowing.used(request()) == {Permission("Ranks", "dynamodb:GetItem", TABLE)}
    assert len(allowing.permissions()) == 4


def test_a_denial_wins_over_any_permission() -> None:
    allowed = {"Sid": "All", "Effect": "Allow", "Action": ["dynamodb:*"], "Resource": ["*"]}
    denied = {"Sid": "None", "Effect": "Deny", "Action": ["dynamodb:PutItem"], "Resource": [TABLE]}
    both = Policy.of({"Version": "2012-10-17", "Statement": [allowed, denied]})

    assert both.used(request())
    assert not both.used(request("dynamodb:PutItem"))
    assert both.permissions() == {Permission("All", "dynamodb:*", "*")}


def test_actions_ignore_case_and_resources_do_not() -> None:
    assert policy().used(request("dynamodb:getitem"))
    assert not policy().used(request(resource=TABLE.upper()))


def test_all_of_a_requests_keys_must_match_and_the_values_that_do_are_used() -> None:
    kinds = policy(Condition={"ForAllValues:StringLike": {LEADING: ["mark#*", "node#*"]}})

    assert Permission("Ranks", LEADING, "mark#*") in kinds.used(request(leading=("mark#",)))
    assert Permission("Ranks", LEADING, "node#*") not in kinds.used(request(leading=("mark#",)))
    assert not kinds.used(request(leading=("job#", "mark#")))
    assert kinds.used(request()), "a request without the key contradicts nothing, says AWS"


def test_a_key_that_must_be_there_refuses_a_request_without_it() -> None:
    together = policy(Condition={"ForAnyValue:StringEquals": {ENCLOSING: ["TransactWriteItems"]}})

    assert together.used(request(enclosing=("TransactWriteItems",)))
    assert not together.used(request(enclosing=("TransactGetItems",)))
    assert not together.used(request())


@pytest.mark.parametrize(
    "changes",
    [
        {"NotAction": ["dynamodb:PutItem"]},
        {"Effect": "Maybe"},
        {"Condition": {"NumericLessThan": {"aws:EpochTime": ["0"]}}},
        {"Condition": {"StringEquals": {LEADING: "mark#"}}},
    ],
)
def test_what_is_not_known_is_not_read(changes: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        policy(**changes)


WORDS = st.lists(st.sampled_from(["mark#", "node#", "job#", "mark#*", "*#", "?ark#", "node"]), min_size=1, max_size=3)
OPERATORS = [f"{each}:{kind}" for each in ("ForAllValues", "ForAnyValue") for kind in ("StringEquals", "StringLike")]
STATEMENTS = st.fixed_dictionaries(
    {
        "Sid": st.just("One"),
        "Effect": st.sampled_from(["Allow", "Allow", "Deny"]),
        "Action": st.lists(st.sampled_from(["dynamodb:GetItem", "dynamodb:*Item", "sqs:*", "*"]), min_size=1),
        "Resource": st.lists(
            st.sampled_from([TABLE, f"{TABLE}/*", "arn:aws:dynamodb:*:*:table/laurel-*", "*"]), min_size=1
        ),
    },
    optional={"Condition": st.dictionaries(st.sampled_from(OPERATORS), st.fixed_dictionaries({LEADING: WORDS}))},
)


@pytest.mark.property
@given(
    statements=st.lists(STATEMENTS, max_size=3),
    action=st.sampled_from(["dynamodb:GetItem", "dynamodb:Query", "sqs:SendMessage"]),
    resource=st.sampled_from([TABLE, f"{TABLE}/index/ranking", TABLE.replace("laurel", "other")]),
    leading=st.none() | st.lists(st.sampled_from(["mark#", "node#", "job#"]), min_size=1, max_size=2),
)
def test_two_evaluators_agree(
    statements: list[dict[str, Any]], action: str, resource: str, leading: list[str] | None
) -> None:
    document = {"Version": "2012-10-17", "Statement": statements}
    context = iam_evaluator.EvalContext(
        principal_arn="arn:aws:sts::123456789012:assumed-role/laurel/worker",
        principal_type="AssumedRole",
        principal_account="123456789012",
        action=action,
        resource_arn=resource,
        region="eu-central-1",
        service_context={LEADING.lower(): leading} if leading else {},
    )
    theirs = iam_evaluator.evaluate(context, [iam_evaluator.parse_policy_document(document)])

    ours = Policy.of(document).used(Request(action, resource, ((LEADING, tuple(leading)),) if leading else ()))

    assert bool(ours) == (theirs.decision == "Allow")
