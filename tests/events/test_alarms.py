"""The function that heeds alarms as EventBridge calls it: from the manifest to the incident, and the log."""

from datetime import UTC, datetime
from typing import Any

import pytest
from chalice.app import CloudWatchEvent

import app as manifest
from chalicelib import config
from chalicelib.bootstrap import heeding
from chalicelib.domain.incidents import Incident
from chalicelib.errors import StoreUnavailableError
from chalicelib.events import alarms
from tests.alarms import alarm_event, deletion_event
from tests.contexts import Context
from tests.fake_dynamodb import throttle
from tests.lines import Lines
from tests.world import World

ALARM = "laurel-test-records-errors"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("LAUREL_STAGE", "test")
    return World()


def heed(world: World, event: dict[str, Any]) -> list[Incident]:
    incidents = world.another_process().incidents
    context: Any = Context()
    alarms.heed(CloudWatchEvent(event, context), lambda: incidents)
    return world.another_process().incidents.situation().incidents


def test_an_alarm_opens_an_incident_by_the_time_of_its_state(world: World) -> None:
    [incident] = heed(world, alarm_event(ALARM, "ALARM"))

    assert incident.alarm == "records-errors"
    assert incident.opened_at == datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)
    assert incident.reason == "It is ALARM."


def test_what_is_heeded_is_one_line_with_its_figures(world: World, lines: Lines) -> None:
    heed(world, alarm_event(ALARM, "ALARM"))
    heed(world, alarm_event(ALARM, "ALARM"))

    first, second = lines.all()
    assert (first["message"], first["alarm"], first["state"]) == ("alarm_heeded", "records-errors", "ALARM")
    assert (first["incidents_opened"], second["incidents_opened"]) == (1, 0)
    assert {each["Name"] for each in first["_aws"]["CloudWatchMetrics"][0]["Metrics"]} == {
        "incidents_opened",
        "incidents_closed",
        "incident_lag_ms",
    }


@pytest.mark.parametrize(
    "event",
    [
        alarm_event("laurel-test2-records-errors", "ALARM"),
        alarm_event("laurel-test", "ALARM"),
        alarm_event(ALARM, "PANIC"),
        alarm_event(ALARM, "ALARM", at="yesterday"),
        alarm_event(ALARM, "ALARM", at="2026-11-22T12:00:00"),
        alarm_event(ALARM, "ALARM", alarmName=None),
        {**alarm_event(ALARM, "ALARM"), "detail": {}},
        {**alarm_event(ALARM, "ALARM"), "account": "210987654321"},
        {**alarm_event(ALARM, "ALARM"), "region": "us-east-1"},
        alarm_event("laurel-test-#mode", "ALARM"),
        alarm_event("laurel-test-of an operator's own", "ALARM"),
        {**deletion_event(ALARM), "detail": {"alarmName": ALARM, "operation": "update"}},
        deletion_event(ALARM, at="yesterday"),
    ],
)
def test_what_can_never_be_heeded_is_counted_and_done_with(world: World, lines: Lines, event: dict[str, Any]) -> None:
    assert heed(world, event) == []

    [line] = lines.all()
    assert (line["level"], line["message"], line["alarms_unreadable"]) == ("ERROR", "alarm_unreadable", 1)


def test_an_alarm_that_is_deleted_while_it_is_off_ends_its_incident(world: World) -> None:
    heed(world, alarm_event(ALARM, "ALARM", at="2026-11-22T12:00:00.250+0000"))

    [incident] = heed(world, deletion_event(ALARM, at="2026-11-22T12:00:00Z"))

    assert incident.closed_at == datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)
    [again] = heed(world, alarm_event(ALARM, "ALARM", at="2026-11-22T12:30:00.000+0000"))
    assert again.is_open, "one of the same name, made since"


def test_what_could_not_be_written_fails_so_that_lambda_tries_again(world: World) -> None:
    world.before(throttle)

    with pytest.raises(StoreUnavailableError):
        heed(world, alarm_event(ALARM, "ALARM"))


def test_the_manifest_asks_for_alarms_of_its_stage_alone() -> None:
    declared: list[Any] = [each for each in manifest.app.event_sources if each.name == "heed_alarms"]

    assert [each.event_pattern for each in declared] == [config.alarm_pattern()]
    assert config.alarm_pattern({"LAUREL_STAGE": "prod"}) == {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change", "CloudWatch Alarm Configuration Change"],
        "detail": {"alarmName": [{"prefix": "laurel-prod-"}], "operation": [{"exists": False}, "delete"]},
    }


def test_the_manifest_hands_over_what_it_is_told(table_prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUREL_STAGE", "test")
    monkeypatch.setenv("LAUREL_SIGNING_KEYS", f"a:{'s' * 32}")
    heeding.heeding.cache_clear()

    manifest.heed_alarms(alarm_event(ALARM, "ALARM"), Context())

    assert [each.alarm for each in heeding.heeding().situation().open] == ["records-errors"]
    heeding.heeding.cache_clear()
