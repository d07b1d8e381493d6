"""The time and the randomness the services use; tests give their own."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]

_SEED_BITS = 53
_TAIL_BYTES = 10


def now() -> datetime:
    """Return the time in UTC, to the millisecond: what is stored is what was used."""
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def new_id() -> str:
    """Return 32 random hex digits."""
    return secrets.token_hex(16)


def new_game_id(instant: datetime) -> str:
    """Return 32 hex digits that sort by time: milliseconds, then 80 random bits."""
    return f"{int(instant.timestamp() * 1000):012x}{secrets.token_hex(_TAIL_BYTES)}"


def new_seed() -> int:
    """Return a random integer that every client language holds exactly."""
    return secrets.randbits(_SEED_BITS)
