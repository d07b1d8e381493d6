"""What makes the length of a game credible, by its mode."""

from msgspec import Struct


class GameRules(Struct, frozen=True):
    """Bounds of a mode, in seconds. A game can be ended until it expires, if it was not longer than ``max_seconds``."""

    min_seconds: int = 0
    max_seconds: int = 4 * 3600
    expires_seconds: int = 24 * 3600


DEFAULT_RULES = GameRules()
