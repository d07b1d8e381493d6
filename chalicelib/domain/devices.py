"""Devices: where a player's notices are pushed to, and what shows there."""

from datetime import datetime
from hashlib import sha256
from typing import assert_never

from msgspec import Struct

from chalicelib.domain.notices import Announcement, Content, PersonalNotice, RewardNotice, SeasonResult

MAX_DEVICES = 10
"""How many a player may have: whoever registers another one loses the oldest."""
_ID_LENGTH = 32
_LONGEST_BODY = 500
"""In characters: push services take 4 KB in all."""


class Device(Struct, frozen=True):
    """A device as a push service knows it. Its token is SNS's to keep; the id is a digest of it."""

    device_id: str
    platform: str
    endpoint: str
    """The ARN of SNS's endpoint."""
    created_at: datetime


class Headline(Struct, frozen=True):
    """What a device shows of a notice, in words: games that speak other languages go by its kind and id."""

    title: str
    body: str


def device_id(platform: str, token: str) -> str:
    """Return the id of a device, the same for the same token of a platform.

    >>> device_id("fcm", "a token")
    'e5b2f20a3da04be0a2a4000e42599484'
    """
    return sha256(f"{platform}:{token}".encode()).hexdigest()[:_ID_LENGTH]


def headline(content: Content) -> Headline:
    title, body = _words(content)
    return Headline(title, body[:_LONGEST_BODY])


def _words(content: Content) -> tuple[str, str]:
    match content:
        case Announcement() | PersonalNotice():
            return content.title, content.body
        case SeasonResult():
            return "The round is over", _result(content)
        case RewardNotice():
            grants = ", ".join(f"{grant.amount} {grant.item}" for grant in content.grants)
            return "You earned a reward", f"{grants} - claim it" if content.claimable else grants
    assert_never(content)


def _result(result: SeasonResult) -> str:
    if result.next_tier is None:
        return f"You finished the season in {result.tier}."
    if result.next_tier == result.tier:
        return f"You stay in {result.tier}."
    return f"You were {result.outcome}: {result.next_tier}."
