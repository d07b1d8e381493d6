"""What the emulator makes of a template: expiry and recovery of tables, alarms that reckon, functions ready at once.

And of a device, whose name policies are asked about.

Runs in the emulator's process.
"""

# ruff: noqa: SLF001  (mending an inside means reaching into it)

from http import HTTPStatus
from typing import Any

from ministack.services import dynamodb, lambda_svc, sns  # type: ignore[import-untyped]  # ships no types
from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]  # ships no types

Json = dict[str, Any]

TABLE = "AWS::DynamoDB::Table"


def take_tables_at_their_word() -> None:
    """Switch a table's expiry and point-in-time recovery on and off as its template says.

    Defect: ministack reads neither TimeToLiveSpecification nor PointInTimeRecoverySpecification.
    """
    table = provisioners._RESOURCE_HANDLERS[TABLE]
    create, update = table["create"], table["update"]

    def create_whole(logical_id: str, properties: Json, stack: str) -> Any:
        made = create(logical_id, properties, stack)
        _apply(made[0], properties)
        return made

    def update_whole(physical_id: str, before: Json, after: Json, stack: str, *more: str) -> Any:
        made = update(physical_id, before, after, stack, *more)
        _apply(made[0], after)
        return made

    provisioners._RESOURCE_HANDLERS[TABLE] = {**table, "create": create_whole, "update": update_whole}


def name_devices_as_sns_does() -> None:
    """Give the endpoint of a device an ARN of its kind.

    Defect: ministack derives it from the application's, and policies that allow endpoints do not hold for it.
    """
    create = sns._create_platform_endpoint

    def create_and_name(params: Json) -> Any:
        status, headers, body = create(params)
        for arn in [each["arn"] for each in sns._platform_endpoints.values() if ":app/" in each["arn"]]:
            named = arn.replace(":app/", ":endpoint/")
            sns._platform_endpoints[named] = {**sns._platform_endpoints.pop(arn), "arn": named}
        return status, headers, body.replace(b":app/", b":endpoint/") if status == HTTPStatus.OK else body

    sns._create_platform_endpoint = create_and_name


def _apply(name: str, properties: Json) -> None:
    if expiry := properties.get("TimeToLiveSpecification"):
        dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": expiry})
    else:
        dynamodb._ttl_settings.pop(name, None)
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": recovery})


def make_alarms_that_reckon() -> None:
    """Make an alarm that reckons with metrics, or asks for them in SQL: it is listed and deleted, and never goes off.

    Defect: ministack refuses metric math, and with it the template.
    """
    record = provisioners._cw_metric_alarm_record

    def record_reckoning(name: str, properties: Json) -> Any:
        reckons = bool(properties.get("Metrics"))
        stand_in = {"Metrics": None, "Namespace": "Reckoned", "MetricName": name} if reckons else {}
        return record(name, {**properties, **stand_in})

    provisioners._cw_metric_alarm_record = record_reckoning


def settle_functions_at_once() -> None:
    """Call a function active as soon as it is made or changed, which is when it can be called.

    Defect: ministack calls it pending for half a second more. Chalice's own command then looks again after five.
    """

    def settle(function_name: str, _delay: float) -> None:
        function = lambda_svc._functions[function_name]
        function["config"].update(State="Active", StateReason="", StateReasonCode="")
        function["config"].update(LastUpdateStatus="Successful")

    lambda_svc._schedule_state_transition = settle
