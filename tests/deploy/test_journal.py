import pytest

from deploy.journal import change
from tests.deploy.aws import target

pytestmark = pytest.mark.usefixtures("aws")


def test_what_is_changed_is_noted_and_what_is_read_is_not() -> None:
    dev = target()
    logs = dev.client("logs")

    logs.create_log_group(logGroupName="/aws/lambda/laurel-dev")
    logs.put_retention_policy(logGroupName="/aws/lambda/laurel-dev", retentionInDays=14)
    logs.describe_log_groups()

    assert [str(change) for change in dev.changes] == [
        "+ log group /aws/lambda/laurel-dev",
        "~ log group /aws/lambda/laurel-dev (retention 14 days)",
    ]


def test_a_rehearsal_notes_and_does_nothing() -> None:
    dev = target()
    rehearsal = dev.rehearsal()

    rehearsal.client("logs").create_log_group(logGroupName="/aws/lambda/laurel-dev")
    made = rehearsal.client("iam").create_role(RoleName="laurel-dev-x", AssumeRolePolicyDocument="{}")

    assert made["Role"]["Arn"].endswith("laurel-dev-x")
    assert [str(change) for change in rehearsal.changes] == [
        "+ log group /aws/lambda/laurel-dev",
        "+ role laurel-dev-x",
    ]
    assert dev.client("logs").describe_log_groups()["logGroups"] == []
    assert dev.client("iam").list_roles()["Roles"] == []
    assert dev.changes == []


def test_the_environment_of_a_function_is_never_told() -> None:
    secret = {"Variables": {"LAUREL_SIGNING_KEYS": "1:secret"}}

    told = str(
        change("UpdateFunctionConfiguration", {"FunctionName": "laurel-dev", "Environment": secret, "Timeout": 9})
    )

    assert told == "~ function laurel-dev (Environment, Timeout 9)"


def test_a_function_is_called_by_its_name_though_it_was_called_by_its_arn() -> None:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:laurel-dev-keep_ranks"

    assert str(change("AddPermission", {"FunctionName": arn})) == "~ function laurel-dev-keep_ranks (permission)"


def test_a_call_nobody_has_a_word_for_is_told_by_its_name() -> None:
    assert str(change("TagResource", {"Resource": "x"})) == "~ TagResource"
