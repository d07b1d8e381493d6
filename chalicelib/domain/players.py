"""Players: who they are to themselves and to others, and which names they may bear."""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

MAX_NAME_LENGTH = 32
_VISIBLE = frozenset("LNPS")
_MARKS = frozenset({"Mn", "Mc"})
_JOINERS = frozenset("\u200c\u200d")
"""Scripts and emoji need them; they are invisible, and what they join stays one stack of marks."""
_ALSO_ALLOWED = _JOINERS | frozenset(" \u20e3")
"""Space, and the enclosing keycap of emoji."""
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")
"""Letters, symbols and marks that show nothing: whole names were made of them."""
_FLAG_TAGS = re.compile("(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
"""What makes the black flag emoji that of a region, such as Scotland; invisible anywhere else."""
_MAX_MARKS_IN_A_ROW = 3


class IdentityKind(StrEnum):
    DEVICE = "device"
    CUSTOM = "custom"


class PlayerState(StrEnum):
    ACTIVE = "active"
    LEAVING = "leaving"
    """Deletion began; nothing new may be stored for this player."""


class Identity(Struct, frozen=True):
    """What a player signs in with; only its SHA-256 digest is kept."""

    kind: IdentityKind
    digest: str


class Player(Struct, frozen=True, kw_only=True):
    player_id: str
    display_name: str
    locale: str = "en"
    metadata: dict[str, str]
    avatar: str | None = None
    state: PlayerState = PlayerState.ACTIVE
    created_at: datetime
    revision: int = 1
    identities: tuple[Identity, ...]


class DisplayNameError(ValueError):
    """The display name breaks a rule; the message says which."""


def display_name(text: str) -> str:
    """Return the name in its one stored form (NFKC, single inner spaces), or raise DisplayNameError.

    Letters, marks, digits, punctuation and symbols of every script are allowed, emoji included. Control characters,
    direction overrides, invisible characters and stacks of more than three combining marks are not.

    >>> display_name("  Zoë   the  Great ")
    'Zoë the Great'
    """
    name = " ".join(unicodedata.normalize("NFKC", text).split())
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise DisplayNameError(f"must have 1 to {MAX_NAME_LENGTH} characters after surrounding spaces are dropped")
    for character in _FLAG_TAGS.sub("", name):
        if not _allowed(character):
            raise DisplayNameError(f"must not contain the character U+{ord(character):04X}")
    if not any(unicodedata.category(character)[0] in "LNS" for character in name):
        raise DisplayNameError("must contain a letter, a digit or a symbol")
    if _longest_run_of_marks(name) > _MAX_MARKS_IN_A_ROW:
        raise DisplayNameError(f"must not stack more than {_MAX_MARKS_IN_A_ROW} combining marks")
    return name


def _allowed(character: str) -> bool:
    if character in _BLANK:
        return False
    category = unicodedata.category(character)
    return category[0] in _VISIBLE or category in _MARKS or character in _ALSO_ALLOWED


def default_name(player_id: str) -> str:
    """Return the name of a player who chose none."""
    return f"Player {player_id[:6].upper()}"


def _longest_run_of_marks(name: str) -> int:
    longest = run = 0
    for character in name:
        if character not in _JOINERS:
            run = run + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        longest = max(longest, run)
    return longest
