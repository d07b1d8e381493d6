"""Replaying dead letters, as an operator asks for it."""

import logging
from typing import Any

import msgspec

from chalicelib import logs
from chalicelib.bootstrap.following import following

_log = logging.getLogger(logs.LOGGER_NAME)


def replay(context: Any) -> dict[str, Any]:
    """Replay what is in the queue, for as long as the function may run; answer each letter's fate."""
    replayed = following().replay.replay(context.get_remaining_time_in_millis)
    counted = sum(fate.replayed for fate in replayed.fates)
    facts = {"replayed": counted, "left": len(replayed.fates) - counted, "more": replayed.more}
    _log.info("replayed", extra=facts)
    answer: dict[str, Any] = msgspec.to_builtins(replayed)
    return answer
