"""Incidents: from when an alarm of ours went off until it was over, and what players do without meanwhile."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import takewhile

from msgspec import Struct

NAME = r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}\Z"
"""What an alarm of ours may be called, without what every alarm of the stage begins with: it is a part of a path."""
KEPT_CHANGES = 10
"""Of an alarm, so that changes may come in any order: one that is ten changes late is too old to matter."""


class AlarmState(StrEnum):
    """What CloudWatch says of an alarm, in its words."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Area(StrEnum):
    """What of the game suffers."""

    REQUESTS = "requests"
    PLAYERS = "players"
    GAMES = "games"
    STANDINGS = "standings"
    RANKS = "ranks"
    SEASONS = "seasons"
    NOTICES = "notices"
    AVATARS = "avatars"
    OPERATIONS = "operations"
    """Nothing that players would notice."""


class Mode(StrEnum):
    NORMAL = "normal"
    DEGRADED = "degraded"


class Setting(StrEnum):
    """Who says which mode it is: an operator, or the alarms."""

    NORMAL = "normal"
    DEGRADED = "degraded"
    AUTOMATIC = "automatic"


class Change(Struct, frozen=True):
    """An alarm's change into a state, by CloudWatch's own clock."""

    at: datetime
    state: AlarmState
    reason: str = ""


class Incident(Struct, frozen=True):
    """An alarm's last time off."""

    alarm: str
    """Without what every alarm of the stage begins with."""
    opened_at: datetime
    closed_at: datetime | None
    reason: str
    """Why it opened, in the words of CloudWatch."""

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def affects(self) -> Area:
        return area_of(self.alarm)


_AREAS: Sequence[tuple[Area, tuple[str, ...]]] = (
    (Area.REQUESTS, ("api-*", "api_handler-*", "player_authorizer-*")),
    (Area.PLAYERS, ("players-*",)),
    (Area.GAMES, ("games-*",)),
    (Area.STANDINGS, ("boards-*", "records-*", "ranks-*")),
    (Area.RANKS, ("settle_records-*", "record-stream-age", "record-dead-letters", "rank-drift")),
    (Area.SEASONS, ("seasons-*", "keep_seasons-*", "turn-lag")),
    (Area.NOTICES, ("notices-*", "deliver_notices-*", "notice-dead-letters")),
    (Area.AVATARS, ("make_avatar-*",)),
)


def is_name(alarm: str) -> bool:
    return re.match(NAME, alarm) is not None


def area_of(alarm: str) -> Area:
    """Return what suffers when an alarm goes off.

    >>> area_of("records-throttles"), area_of("audit_ranks-errors")
    (<Area.STANDINGS: 'standings'>, <Area.OPERATIONS: 'operations'>)
    """
    return next((area for area, globs in _AREAS if matches(alarm, globs)), Area.OPERATIONS)


def matches(alarm: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(alarm, glob) for glob in globs)


def noted(history: Sequence[Change], change: Change) -> tuple[Change, ...]:
    """Return what an alarm went through, with one change more, by time: however late or often it is told.

    Having too little data is no change: nobody knows then whether what was wrong still is.
    """
    if change.state is AlarmState.INSUFFICIENT_DATA:
        return tuple(history)
    change_by_key = {_key(each): each for each in (*history, change)}
    changes = tuple(change_by_key[key] for key in sorted(change_by_key))
    return changes if len(changes) <= KEPT_CHANGES else _without_repeats(changes)[-KEPT_CHANGES:]


def _without_repeats(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Leave out what comes between two of the same state: it opens nothing and closes nothing."""
    sides = zip([None, *changes[:-1]], changes, [*changes[1:], None], strict=True)
    return tuple(
        change
        for before, change, after in sides
        if before is None or after is None or not before.state == change.state == after.state
    )


def incident_of(alarm: str, history: Sequence[Change]) -> Incident | None:
    """Return the last incident that a history tells of; None where the alarm never went off.

    It opened when the alarm went off after it had been over, and closed when it was over after that.
    """
    backwards = list(reversed(history))
    over = list(takewhile(_is_over, backwards))
    off = list(takewhile(_is_off, backwards[len(over) :]))
    if not off:
        return None
    return Incident(alarm, off[-1].at, over[-1].at if over else None, off[-1].reason)


def mode_of(setting: Setting, incidents: Collection[Incident], degrade_on: Collection[str]) -> Mode:
    """Return the mode: what an operator has set, or degraded while an incident is open of an alarm that was chosen."""
    if setting is not Setting.AUTOMATIC:
        return Mode(setting.value)
    chosen = any(each.is_open and matches(each.alarm, degrade_on) for each in incidents)
    return Mode.DEGRADED if chosen else Mode.NORMAL


def _key(change: Change) -> tuple[datetime, bool]:
    return change.at, _is_over(change)


def _is_over(change: Change) -> bool:
    return change.state is AlarmState.OK


def _is_off(change: Change) -> bool:
    return change.state is AlarmState.ALARM
