"""Alarms through the deployed functions: by way of the bus into GET /, and into the mode."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from chalicelib.store import keys
from chalicelib.store.typed import from_milliseconds
from local.layout import TABLE_PREFIX
from tests.e2e.client import Client
from tests.e2e.test_stream import eventually

pytestmark = pytest.mark.e2e

HARMLESS, CHOSEN = "laurel-local-rank-drift", "laurel-local-records-errors"


def change(client: Client, alarm: str, state: str) -> None:
    cloudwatch = client.stack.target.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason=f"It is {state}.")


def alarms(client: Client) -> list[tuple[str, str]]:
    return [(each["alarm"], each["affects"]) for each in client.made("GET", "/")["incidents"]]


def mode(client: Client) -> str:
    return str(client.made("GET", "/")["mode"])


@pytest.fixture
def quiet(client: Client) -> Iterator[Client]:
    """A stage without incidents, left to its alarms, whatever a test has left, or leaves."""
    calm(client)
    yield client
    calm(client)


def calm(client: Client) -> None:
    client.made("PUT", "/admin/mode", {"mode": "automatic"}, admin=True)
    for alarm in (HARMLESS, CHOSEN):
        change(client, alarm, "OK")
    eventually(lambda: alarms(client), [])
    eventually(lambda: mode(client), "normal")


def test_an_alarm_opens_an_incident_and_closes_it(quiet: Client) -> None:
    change(quiet, HARMLESS, "ALARM")
    eventually(lambda: alarms(quiet), [("rank-drift", "ranks")])
    assert mode(quiet) == "normal"

    change(quiet, HARMLESS, "OK")
    eventually(lambda: alarms(quiet), [])
    [story] = [each for each in stories(quiet) if each["alarm"] == "rank-drift"]
    assert story["opened_at"] < story["closed_at"]
    assert story["reason"] == "It is ALARM."


def test_an_alarm_that_is_deleted_while_it_is_off_ends_its_incident(quiet: Client) -> None:
    cloudwatch = quiet.stack.target.client("cloudwatch")
    figure = {"Namespace": "Laurel", "MetricName": "figure", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    over = {"Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
    cloudwatch.put_metric_alarm(AlarmName="laurel-local-passing", **figure, **over)
    change(quiet, "laurel-local-passing", "ALARM")
    eventually(lambda: alarms(quiet), [("passing", "operations")])

    cloudwatch.delete_alarms(AlarmNames=["laurel-local-passing"])

    eventually(lambda: alarms(quiet), [])


def stories(client: Client) -> list[Any]:
    return list(client.made("GET", "/admin/incidents", admin=True)["incidents"])


def copied(client: Client, board: str) -> str:
    """Let the tops be copied, as the schedule does every five minutes, and return when this one was."""
    reply = client.stack.target.client("lambda").invoke(FunctionName="laurel-local-keep_ranks", Payload=b"{}")
    answer = json.loads(reply["Payload"].read())
    assert answer["copied"] >= 1, answer
    key = {"pk": {"S": keys.copy(board, "all")}, "sk": {"S": keys.TOP}}
    item = client.stack.target.client("dynamodb").get_item(TableName=f"{TABLE_PREFIX}notices", Key=key)["Item"]
    instant = from_milliseconds(int(item["as_of"]["N"]))
    return str(msgspec.to_builtins(instant))


def test_a_chosen_alarm_degrades_the_stage_and_back_again(quiet: Client) -> None:
    board = quiet.board("alarming")
    player = quiet.player()
    quiet.submit(board, player, 5)
    copied_at = copied(quiet, board)

    change(quiet, CHOSEN, "ALARM")
    eventually(lambda: mode(quiet), "degraded")
    refused = quiet.call("GET", f"/boards/{board}/distribution")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "degraded")
    assert quiet.end(player, quiet.game(player), **{board: 6}).ok, "games go on"
    page = quiet.made("GET", f"/boards/{board}/entries")
    assert (page["entries"][0]["score"], page["as_of"]) == (5, copied_at), "the copy from before"

    change(quiet, CHOSEN, "OK")
    eventually(lambda: mode(quiet), "normal")
    assert quiet.made("GET", f"/boards/{board}/distribution")["total"] == 1
    page = quiet.made("GET", f"/boards/{board}/entries")
    assert (page["entries"][0]["score"], page["as_of"]) == (6, None)


def test_an_operator_degrades_the_stage_and_has_the_last_word(quiet: Client) -> None:
    quiet.made("PUT", "/admin/mode", {"mode": "degraded"}, admin=True)
    eventually(lambda: mode(quiet), "degraded")

    change(quiet, CHOSEN, "ALARM")
    quiet.made("PUT", "/admin/mode", {"mode": "normal"}, admin=True)

    eventually(lambda: alarms(quiet), [("records-errors", "standings")])
    eventually(lambda: mode(quiet), "normal")


def test_the_rule_and_what_becomes_of_failures(client: Client) -> None:
    target = client.stack.target
    rules = target.client("events").list_rules(NamePrefix="laurel-local-heed_alarms")["Rules"]
    config = target.client("lambda").get_function_event_invoke_config(FunctionName="laurel-local-heed_alarms")

    assert ['"prefix"' in rule["EventPattern"] and "laurel-local-" in rule["EventPattern"] for rule in rules] == [True]
    assert config["DestinationConfig"]["OnFailure"]["Destination"].endswith(":laurel-local-async-dead-letters")
