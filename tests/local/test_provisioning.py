"""What the emulator's CloudFormation leaves out. The day a ``still`` fails, its mending can go."""

# ruff: noqa: SLF001  (the defects are inside)

from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import dynamodb, lambda_svc, sns  # type: ignore[import-untyped]  # ships no types
from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]  # ships no types

from local import provisioning

TABLE = {
    "TableName": "short-lived",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
}
ALARM = {
    "Metrics": [{"Id": "sum", "Expression": "SELECT SUM(Errors) FROM Laurel"}],
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 0,
    "EvaluationPeriods": 1,
}


@pytest.fixture(autouse=True)
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(provisioners, "_RESOURCE_HANDLERS", dict(provisioners._RESOURCE_HANDLERS))
    monkeypatch.setattr(provisioners, "_cw_metric_alarm_record", provisioners._cw_metric_alarm_record)
    yield
    provisioners._ddb_delete("short-lived", TABLE)


APPLICATION = "arn:aws:sns:us-east-1:000000000000:app/GCM/laurel-local-game"
DEVICE = {"PlatformApplicationArn": APPLICATION, "Token": "token"}


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(sns, "_create_platform_endpoint", sns._create_platform_endpoint)
    sns._platform_applications[APPLICATION] = {"arn": APPLICATION, "attributes": {}}
    yield APPLICATION
    sns._delete_platform_application({"PlatformApplicationArn": APPLICATION})


def test_a_device_is_still_named_as_if_it_were_an_application(application: str) -> None:
    assert f"<EndpointArn>{application}/".encode() in sns._create_platform_endpoint(DEVICE)[2]


def test_a_device_is_named_as_what_it_is_and_found_by_that_name(application: str) -> None:
    provisioning.name_devices_as_sns_does()

    answers = [sns._create_platform_endpoint(DEVICE)[2] for _ in range(2)]

    (endpoint,) = sns._platform_endpoints.values()
    assert endpoint["arn"].startswith(application.replace(":app/", ":endpoint/"))
    assert all(f"<EndpointArn>{endpoint['arn']}<".encode() in answer for answer in answers)
    assert sns._get_endpoint_attributes({"EndpointArn": endpoint["arn"]})[0] == 200


def made(properties: dict[str, Any]) -> None:
    provisioners._RESOURCE_HANDLERS[provisioning.TABLE]["create"]("Table", properties, "stack")


def expires() -> bool:
    return bool(dynamodb._ttl_settings.get("short-lived", {}).get("TimeToLiveStatus") == "ENABLED")


def test_a_table_still_does_not_do_as_its_template_says() -> None:
    dynamodb._ttl_settings.pop("short-lived", None)

    made(TABLE)

    assert not expires()


def test_a_table_expires_and_recovers_as_its_template_says() -> None:
    provisioning.take_tables_at_their_word()

    made(TABLE)

    assert expires()
    assert dynamodb._pitr_settings["short-lived"] is True


def test_a_change_of_the_template_switches_expiry_off() -> None:
    provisioning.take_tables_at_their_word()
    made(TABLE)
    after = {name: value for name, value in TABLE.items() if name != "TimeToLiveSpecification"}

    provisioners._RESOURCE_HANDLERS[provisioning.TABLE]["update"]("short-lived", TABLE, after, "stack", "Table")

    assert not expires()


def test_an_alarm_that_reckons_is_still_refused() -> None:
    with pytest.raises(ValueError, match="metric math"):
        provisioners._cw_metric_alarm_record("alarm", ALARM)


def test_an_alarm_that_reckons_is_made() -> None:
    provisioning.make_alarms_that_reckon()

    assert provisioners._cw_metric_alarm_record("alarm", ALARM)["AlarmName"] == "alarm"


def test_an_alarm_of_one_metric_stays_as_it_is() -> None:
    provisioning.make_alarms_that_reckon()
    one = {**ALARM, "Metrics": None, "Namespace": "AWS/SQS", "MetricName": "Messages"}

    assert provisioners._cw_metric_alarm_record("alarm", one)["MetricName"] == "Messages"


def test_a_function_still_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lambda_svc._LAMBDA_STATE_TRANSITION_DELAY > 0

    monkeypatch.setattr(lambda_svc, "_schedule_state_transition", lambda_svc._schedule_state_transition)
    monkeypatch.setitem(lambda_svc._functions, "follow", {"config": {"State": "Pending"}})
    provisioning.settle_functions_at_once()
    lambda_svc._schedule_state_transition("follow", lambda_svc._LAMBDA_STATE_TRANSITION_DELAY)

    assert lambda_svc._functions["follow"]["config"]["State"] == "Active"
    assert lambda_svc._functions["follow"]["config"]["LastUpdateStatus"] == "Successful"
