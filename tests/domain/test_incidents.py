"""Incidents follow from what alarms went through: in which order, how late and how often it was told, is no matter."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.incidents import (
    KEPT_CHANGES,
    AlarmState,
    Area,
    Change,
    Incident,
    Mode,
    Setting,
    area_of,
    incident_of,
    matches,
    mode_of,
    noted,
)
from tests.templates import edge_of_stage, of_stage
from tests.world import EPOCH

OK, ALARM, UNKNOWN = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
OF_OPERATIONS = {
    "advise_ranks",
    "async-dead-letters",
    "audit_ranks",
    "export_records",
    "heed_alarms",
    "keep_ranks",
    "rebuild_ranks",
    "replay_dead_letters",
}
"""Alarms, or the functions that they are about, which tell of nothing that players notice."""

states = st.lists(st.sampled_from(AlarmState), max_size=KEPT_CHANGES)


def at(second: int, state: AlarmState, reason: str = "") -> Change:
    return Change(EPOCH + timedelta(seconds=second), state, reason)


def story(*changes: Change) -> Incident | None:
    history: tuple[Change, ...] = ()
    for change in changes:
        history = noted(history, change)
    return incident_of("rank-drift", history)


def oracle(changes: list[Change]) -> Incident | None:
    """Go through the changes as an operator at the screen would who sees each as it happens."""
    incident = None
    for change in changes:
        if change.state is ALARM and (incident is None or not incident.is_open):
            incident = Incident("rank-drift", change.at, None, change.reason)
        elif change.state is OK and incident is not None and incident.is_open:
            incident = Incident("rank-drift", incident.opened_at, change.at, incident.reason)
    return incident


@given(states, st.data())
def test_an_incident_is_the_same_however_its_changes_come(states: list[AlarmState], data: st.DataObject) -> None:
    changes = [at(second, state, f"{second}") for second, state in enumerate(states)]
    told = data.draw(st.permutations(changes)) + data.draw(st.lists(st.sampled_from(changes or [at(0, UNKNOWN)])))

    assert story(*told) == oracle(changes)


@given(st.lists(st.sampled_from(AlarmState), max_size=4 * KEPT_CHANGES))
def test_however_long_a_history_is_its_last_incident_is_known(states: list[AlarmState]) -> None:
    changes = [at(second, state, f"{second}") for second, state in enumerate(states)]

    assert story(*changes) == oracle(changes)


@pytest.mark.parametrize("state", [OK, ALARM])
def test_an_incident_outlasts_any_number_of_times_without_data(state: AlarmState) -> None:
    found = story(at(0, ALARM), *(at(second, state) for second in range(1, 3 * KEPT_CHANGES)))

    assert found == Incident("rank-drift", EPOCH, at(1, OK).at if state is OK else None, "")


def test_a_history_does_not_grow_without_end() -> None:
    history: tuple[Change, ...] = ()
    for second in range(5 * KEPT_CHANGES):
        history = noted(history, at(second, ALARM if second % 2 else OK))

    assert len(history) == KEPT_CHANGES


def test_too_little_data_neither_opens_nor_closes() -> None:
    assert story(at(1, UNKNOWN)) is None
    assert story(at(1, ALARM, "why"), at(2, UNKNOWN)) == Incident("rank-drift", at(1, OK).at, None, "why")
    assert story(at(1, ALARM), at(2, UNKNOWN), at(3, ALARM)) == story(at(1, ALARM))


def test_an_incident_is_that_of_the_last_time() -> None:
    assert story(at(1, ALARM), at(2, OK), at(3, ALARM, "again")) == Incident("rank-drift", at(3, OK).at, None, "again")


def test_a_closing_that_is_late_does_not_close_what_opened_after_it() -> None:
    found = story(at(1, ALARM), at(3, ALARM), at(2, OK))

    assert found is not None
    assert (found.is_open, found.opened_at) == (True, at(3, ALARM).at)


@pytest.mark.parametrize(
    ("alarm", "area"),
    [
        ("api-latency", Area.REQUESTS),
        ("api_handler-errors", Area.REQUESTS),
        ("records-throttles", Area.STANDINGS),
        ("record-stream-age", Area.RANKS),
        ("rank-drift", Area.RANKS),
        ("deliver_notices-errors", Area.NOTICES),
        ("audit_ranks-errors", Area.OPERATIONS),
        ("never-heard-of", Area.OPERATIONS),
    ],
)
def test_an_alarm_says_what_suffers(alarm: str, area: Area) -> None:
    assert area_of(alarm) is area


def test_every_alarm_of_the_templates_says_what_suffers() -> None:
    alarms = [each for of in (of_stage, edge_of_stage) for each in of("dev").resources("AWS::CloudWatch::Alarm")]
    names = [alarm.properties["AlarmName"].removeprefix("laurel-dev-") for alarm in alarms]
    silent = {name for name in names if area_of(name) is Area.OPERATIONS}

    assert names
    assert {name.removesuffix("-errors").removesuffix("-throttles") for name in silent} <= OF_OPERATIONS


@pytest.mark.parametrize(
    ("setting", "alarm", "mode"),
    [
        (Setting.AUTOMATIC, "records-errors", Mode.DEGRADED),
        (Setting.AUTOMATIC, "rank-drift", Mode.NORMAL),
        (Setting.NORMAL, "records-errors", Mode.NORMAL),
        (Setting.DEGRADED, "rank-drift", Mode.DEGRADED),
    ],
)
def test_the_mode_is_what_was_set_or_what_open_incidents_say(setting: Setting, alarm: str, mode: Mode) -> None:
    incident = Incident(alarm, EPOCH, None, "")

    assert mode_of(setting, [incident], ["api-*", "records-*"]) is mode


def test_what_is_closed_degrades_nothing() -> None:
    assert mode_of(Setting.AUTOMATIC, [Incident("records-errors", EPOCH, EPOCH, "")], ["*"]) is Mode.NORMAL
    assert mode_of(Setting.AUTOMATIC, [Incident("records-errors", EPOCH, None, "")], []) is Mode.NORMAL


def test_a_name_matches_as_a_whole() -> None:
    assert not matches("audit_ranks-errors", ["ranks-*"])
    assert matches("ranks-errors", ["ranks-*"])
