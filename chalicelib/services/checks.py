"""The studio's own check of avatars, before one becomes public: a function of theirs, named by a setting."""

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from msgspec import Struct

from chalicelib.domain.avatars import Refused


class Candidate(Struct, frozen=True):
    """A picture that would become an avatar."""

    player_id: str
    upload_id: str
    jpeg: bytes
    """As everybody would see it, 512 pixels a side: upright, cropped, without metadata."""


Check: TypeAlias = Callable[[Candidate], Refused | None]
"""Returns why a picture is not to be shown, or None: show it.

Whatever it raises is taken for a failure that passes: nothing is published, and Lambda tries again.
"""


class CheckNotFoundError(Exception):
    """LAUREL_AVATAR_CHECK names no function; nothing is published until it does."""


def publish_everything(candidate: Candidate) -> Refused | None:
    """Refuse nothing: the check where a studio has none."""
    del candidate
    return None


def asked(check: Check, candidate: Candidate) -> Refused | None:
    """Return what a check says of a picture.

    Raises:
        TypeError: It said neither yes nor no, as one does that returns False: nothing is published by mistake.
    """
    answer: object = check(candidate)
    if answer is None or isinstance(answer, Refused):
        return answer
    raise TypeError(f"LAUREL_AVATAR_CHECK answered {answer!r}: a check returns Refused, or None to publish")


def check_named(name: str) -> Check:
    """Return the check that a setting names.

    Args:
        name: ``module:function``; "" for a studio without a check.

    Raises:
        CheckNotFoundError: There is no such function.
    """
    if not name:
        return publish_everything
    module, _, function = name.partition(":")
    try:
        check: Check = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise CheckNotFoundError(f"LAUREL_AVATAR_CHECK is {name!r}, which names no function: {error}") from error
    if not callable(check):
        raise CheckNotFoundError(f"LAUREL_AVATAR_CHECK is {name!r}, which names no function: it is {check!r}")
    return check
