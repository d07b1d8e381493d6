"""Rewarding: players are given what an archive's lines earn them, and told of it, page by page."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from chalicelib.domain import messages, notices, turns
from chalicelib.domain.boards import Board
from chalicelib.domain.messages import Message
from chalicelib.domain.notices import Content, Grant, RewardNotice
from chalicelib.domain.rewards import Claiming, Due, Reward
from chalicelib.domain.turns import Line, Turn
from chalicelib.services.archives import Archives
from chalicelib.services.clock import Clock
from chalicelib.services.rollcall import Pages


class Given(Struct, frozen=True):
    """How many players have what was due to them, now or from before, and how many had left."""

    players: int = 0
    left: int = 0


class Giver(Protocol):
    """Who gives players what is due to them."""

    def give(self, dues: Sequence[Due]) -> Given:
        """Give each player what is due, once, however often it is called."""


class Publisher(Protocol):
    """Who brings notices on their way."""

    def publish(self, messages: Iterable[Message]) -> int:
        """Send messages, and return how many; one sent twice does no harm."""


class RewardState(Struct):
    """How far down an archive rewards, or notices of them, are."""

    file: int = 0
    line: int = 0
    """Of that file."""
    lines: int = 0
    """Of all files."""
    rewarded: int = 0
    left: int = 0


class _File(Struct, frozen=True):
    """A file of an archive, as it was read."""

    manifest: str
    number: int
    lines: list[Line]


_NO_FILE = _File("", 0, [])


class Rewarding:
    """Each call takes a page of lines; the file that they are in is read once, by the calls that follow."""

    def __init__(
        self, *, archives: Archives, giver: Giver, publisher: Publisher | None, clock: Clock, pages: Pages
    ) -> None:
        self._archives = archives
        self._giver = giver
        self._publisher = publisher
        self._clock = clock
        self._pages = pages
        self._file = _NO_FILE

    def give_page(self, board: Board, turn: Turn, state: RewardState) -> bool:
        """Give what the next lines earn, and note how far it is; False when neither they nor later ones earn anything.

        Raises:
            StoreUnavailableError: Not everybody could be given theirs; giving all of it again does no harm.
        """
        lines = self._lines(turn, state)
        if turns.beyond(turn.rules, lines):
            return False
        given = self._giver.give(list(turns.dues(board, turn, lines, self._clock())))
        state.rewarded += given.players
        state.left += given.left
        self._pass(lines, state)
        return True

    def tell_page(self, board: Board, turn: Turn, state: RewardState) -> bool:
        """Tell the players of the next lines what they earn, and note how far it is; False as above.

        Raises:
            ClientFailedError: SNS did not take all messages; sending them again does no harm.
        """
        lines = self._lines(turn, state)
        if self._publisher is None or turns.beyond(turn.rules, lines):
            return False
        now = self._clock()
        dues = turns.dues(board, turn, lines, now)
        self._publisher.publish(_messages(turn, dues, now.replace(microsecond=0) + notices.LIFETIME))
        self._pass(lines, state)
        return True

    def forget(self) -> None:
        """Keep no file in memory."""
        self._file = _NO_FILE

    def _lines(self, turn: Turn, state: RewardState) -> list[Line]:
        """Return the next lines of an archive; none at its end."""
        if (self._file.manifest, self._file.number) != (turn.manifest, state.file):
            files = self._archives.manifest(turn).files
            lines = self._archives.lines(files[state.file]) if state.file < len(files) else []
            self._file = _File(turn.manifest, state.file, lines)
        return self._file.lines[state.line : state.line + self._pages.rewarded]

    def _pass(self, lines: Sequence[Line], state: RewardState) -> None:
        state.line += len(lines)
        state.lines += len(lines)
        if state.line >= len(self._file.lines):
            state.file, state.line = state.file + 1, 0


def _messages(turn: Turn, dues: Iterable[Due], expires_at: datetime) -> Iterator[Message]:
    """Yield the messages that tell players of their rewards: of each kind of rule, one notice a player."""
    contents_by_reward: dict[str, list[tuple[str, Content]]] = {}
    for due in dues:
        for reward in due.rewards:
            notice = reward_notice(reward, turn.board_id)
            contents_by_reward.setdefault(reward.reward_id, []).append((due.player_id, notice))
    for reward_id, contents in contents_by_reward.items():
        notice_id = notices.notice_id(turn.frozen_at, f"reward#{reward_id}")
        yield from messages.addressed(notice_id, expires_at, contents)


def reward_notice(reward: Reward, board_id: str) -> RewardNotice:
    """Return how a player is told of a reward that was earned on a board."""
    return RewardNotice(
        reward_id=reward.reward_id,
        board_id=board_id,
        period_id=reward.period_id,
        grants=tuple(Grant(grant.item, grant.amount) for grant in reward.grants),
        claimable=reward.claim is Claiming.ON_DEMAND,
        rank=reward.rank,
    )
