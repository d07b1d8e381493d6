"""Incidents and the mode that follows from them: heeded as CloudWatch tells of them, remembered for a moment."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from chalicelib import logs
from chalicelib.domain.incidents import AlarmState, Change, Incident, Mode, Setting, mode_of
from chalicelib.errors import DegradedError, IncidentNotFoundError, StoreUnavailableError
from chalicelib.services.clock import Clock
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.incidents import IncidentStore, Known, Noted

if TYPE_CHECKING:
    from concurrent.futures import Future

REMEMBERED = timedelta(seconds=5)
PATIENCE_SECONDS = 0.5
"""How long a request waits to learn the mode: without an answer it goes by the one before."""
RETRY_AFTER_SECONDS = 60
BY_HAND = "Closed by an operator."
_METRICS = {"incidents_opened": "Count", "incidents_closed": "Count", "incident_lag_ms": "Milliseconds"}
_log = logging.getLogger(logs.LOGGER_NAME)


class Situation(Struct, frozen=True):
    """The mode, who says so, since when, and the last incident of each alarm: open ones first, newest first."""

    mode: Mode
    setting: Setting
    set_at: datetime | None
    incidents: list[Incident]

    @property
    def open(self) -> list[Incident]:
        return [each for each in self.incidents if each.is_open]


class Incidents:
    def __init__(self, *, dynamo: Dynamo, store: IncidentStore, degrade_on: Sequence[str], clock: Clock) -> None:
        self._dynamo = dynamo
        self._store = store
        self._degrade_on = degrade_on
        self._clock = clock
        self._known = Known(Setting.AUTOMATIC, None, [])
        self._looked_at: datetime | None = None
        self._reading: Future[Known] | None = None

    def heed(self, alarm: str, change: Change) -> Noted:
        """Open or close what a change of an alarm opens or closes. Late, again or out of order, it does no harm.

        Raises:
            ContendedError, StoreUnavailableError: Nothing was written; tell it again.
        """
        noted = self._store.note(alarm, change)
        self._forget()
        opened = noted.after is not None and noted.after.is_open
        was_open = noted.before is not None and noted.before.is_open
        facts = {"alarm": alarm, "state": change.state.value, "reason": change.reason}
        counts = {"incidents_opened": int(opened and not was_open), "incidents_closed": int(was_open and not opened)}
        lag = (self._clock() - change.at) // timedelta(milliseconds=1)
        _log.info("alarm_heeded", extra={**facts, **counts, "incident_lag_ms": lag, **logs.metrics(_METRICS)})
        return noted

    def situation(self) -> Situation:
        """Return the situation, at most five seconds old; never fails.

        One Query per five seconds and process, which is waited for half a second. Without an answer the last known
        situation holds, and where none is known, it is normal.
        """
        if self._looked_at is None or self._clock() >= self._looked_at + REMEMBERED:
            self._look()
            self._looked_at = self._clock()
        return self._of(self._known)

    def current(self) -> Situation:
        """Return the situation as it is stored now."""
        return self._of(self._store.known())

    def is_degraded(self) -> bool:
        return self.situation().mode is Mode.DEGRADED

    def require_normal(self) -> None:
        """Raise DegradedError where players do without what is optional."""
        if self.is_degraded():
            message = "this is switched off until something else works again; games and standings go on"
            raise DegradedError(message, retry_after=RETRY_AFTER_SECONDS)

    def set(self, setting: Setting) -> Situation:
        """Say by hand which mode it is, or leave it to the alarms; other processes hear of it within five seconds."""
        self._store.set(setting, self._clock())
        self._forget()
        _log.info("mode_set", extra={"setting": setting.value})
        return self.current()

    def close(self, alarm: str) -> Situation:
        """Close an incident by hand, though its alarm has not said that it is over. It opens again when that goes off.

        Raises:
            IncidentNotFoundError: The alarm never went off, or that is too long ago.
        """
        incident = next((each for each in self._store.known().incidents if each.alarm == alarm), None)
        if incident is None:
            raise IncidentNotFoundError(f"alarm {alarm!r} has no incident", alarm=alarm)
        # CloudWatch's clock may be ahead of ours: what closes comes after what opened.
        closed_at = max(self._clock(), incident.opened_at)
        self.heed(alarm, Change(closed_at, AlarmState.OK, BY_HAND))
        return self.current()

    def _look(self) -> None:
        reading = self._reading or self._dynamo.threads.submit(self._store.known)
        self._reading = None
        try:
            self._known = reading.result(PATIENCE_SECONDS)
        except TimeoutError:
            # It goes on, and is looked at again in five seconds.
            self._reading = reading
            _log.warning("mode_unknown", extra={"error_code": "timeout"})
        except StoreUnavailableError as error:
            _log.warning("mode_unknown", extra={"error_code": error.code})
        except Exception:  # noqa: BLE001  # whatever it is, as a table that is being restored: not knowing harms nobody
            _log.exception("mode_unknown", extra={"error_code": "internal"})

    def _forget(self) -> None:
        self._looked_at = self._reading = None

    def _of(self, known: Known) -> Situation:
        listed = sorted(known.incidents, key=lambda each: (each.is_open, each.opened_at), reverse=True)
        return Situation(mode_of(known.setting, listed, self._degrade_on), known.setting, known.set_at, listed)
