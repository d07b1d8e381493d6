"""Histories: games, submissions, moderation, departures and time, played against the services and an oracle alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest

from chalicelib.domain.boards import Board
from chalicelib.domain.games import GameResult
from chalicelib.domain.records import Placement, Submission
from chalicelib.errors import RecordNotFoundError
from chalicelib.services.standings import Page
from tests import invariants
from tests.oracle import Index, Oracle
from tests.world import World

PLAYERS = 9
BOARDS = ("race", "duel")


@dataclass(frozen=True, slots=True)
class Play:
    """A game of one player, with a score for one board or two; ``again`` sends its end twice."""

    player: int
    scores: tuple[tuple[str, int, int], ...]
    again: bool


@dataclass(frozen=True, slots=True)
class Submit:
    """Authoritative submissions, alone or as a batch; ``again`` sends all twice under the same ids."""

    lines: tuple[tuple[int, str, int, int], ...]
    batch: bool
    again: bool


@dataclass(frozen=True, slots=True)
class Moderate:
    player: int
    board_id: str
    action: str


@dataclass(frozen=True, slots=True)
class Rename:
    player: int
    name: str


@dataclass(frozen=True, slots=True)
class Leave:
    player: int


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: int


Step = Play | Submit | Moderate | Rename | Leave | Wait


@dataclass
class History:
    """Plays steps against the services and an oracle alike, and compares."""

    rules_by_board: dict[str, dict[str, object]]
    random: Random
    world: World = field(default_factory=World)
    player_ids: list[str] = field(default_factory=list)
    oracles: dict[tuple[str, str], Oracle] = field(default_factory=dict)
    _submissions: int = 0

    def __post_init__(self) -> None:
        for board_id, board_rules in self.rules_by_board.items():
            self.world.board(board_id, **board_rules)
        self.player_ids = [self.world.player(str(number)) for number in range(PLAYERS)]

    def take(self, step: Step) -> None:
        match step:
            case Play():
                self._play(step)
            case Submit():
                self._submit(step)
            case Moderate():
                self._moderate(step)
            case Rename():
                player_id = self.player_ids[step.player]
                self.world.services.players.change(player_id, display_name=step.name, locale=None, metadata=None)
            case Leave():
                self._leave(step.player)
            case Wait():
                self.world.clock.advance(seconds=step.seconds)

    def check(self) -> None:
        invariants.check(self.world)
        for (_board_id, period_id), oracle in self.oracles.items():
            Index.of(self.world.items("ranks"), oracle.board, period_id).check(oracle)
            Answers(self.world, oracle, period_id, self.random).check()
        self._check_past()
        assert sum(len(oracle.lines) for oracle in self.oracles.values()) == len(self.world.items("records"))

    def _check_past(self) -> None:
        """Every player's history on a board has the ranks of every period they played in, newest first."""
        for board_id in self.rules_by_board:
            for player_id in self.player_ids:
                past = self.world.services.history.entries(board_id, player_id, 50).entries
                expected = [
                    (period_id, rank, oracle.total)
                    for (each, period_id), oracle in self.oracles.items()
                    if each == board_id and (rank := oracle.rank_of(player_id)) is not None
                ]
                found = [(each.period.period_id, each.own.entry.rank, each.own.total) for each in past]
                assert found == sorted(expected, reverse=True)

    def _play(self, step: Play) -> None:
        player_id, games = self.player_ids[step.player], self.world.services.games
        game = games.start(player_id, "classic")
        self.world.clock.advance(seconds=1)
        submissions = [self._submission(*line) for line in step.scores]
        expected = [self._expected(player_id, submission) for submission in sorted(submissions, key=_board_id)]
        result = games.end(player_id, game.game_id, submissions)
        for placement, check in zip(result.placements, expected, strict=True):
            check(placement)
        if step.again:
            self.world.clock.advance(seconds=5)
            assert games.end(player_id, game.game_id, submissions[::-1]) == result

    def _submit(self, step: Submit) -> None:
        self.world.clock.advance(seconds=1)
        wanted = [
            (self.player_ids[player], self._submission(board_id, score, subscore), self._new_id())
            for player, board_id, score, subscore in step.lines
        ]
        send = self._as_batch if step.batch else self._one_by_one
        expected = [self._expected(player_id, submission) for player_id, submission, _ in wanted] if step.batch else []
        results = send(wanted)
        for result, check in zip(results, expected, strict=False):
            assert isinstance(result, GameResult)
            check(result.placements[0])
        if step.again:
            assert self.world.services.games.submit_many(wanted) == results

    def _as_batch(self, wanted: Sequence[tuple[str, Submission, str]]) -> list[object]:
        return list(self.world.services.games.submit_many(wanted))

    def _one_by_one(self, wanted: Sequence[tuple[str, Submission, str]]) -> list[object]:
        results: list[object] = []
        for player_id, submission, submission_id in wanted:
            check = self._expected(player_id, submission)
            result = self.world.services.games.submit(player_id, submission, submission_id)
            check(result.placements[0])
            results.append(result)
        return results

    def _moderate(self, step: Moderate) -> None:
        player_id, moderation = self.player_ids[step.player], self.world.services.moderation
        board, period_id, oracle = self._tree(step.board_id)
        if player_id not in oracle.lines:
            with pytest.raises(RecordNotFoundError):
                moderation.remove(player_id, board, period_id)
        elif step.action == "remove":
            moderation.remove(player_id, board, period_id)
            oracle.remove(player_id)
        else:
            moderation.hide(player_id, board, period_id, hidden=step.action == "hide")
            oracle.hide(player_id, hidden=step.action == "hide")

    def _leave(self, player: int) -> None:
        self.world.services.players.delete(self.player_ids[player])
        for oracle in self.oracles.values():
            oracle.remove(self.player_ids[player])
        self.player_ids[player] = self.world.player(str(player))

    def _expected(self, player_id: str, submission: Submission) -> Callable[[Placement], None]:
        """Return what checks the answer to a submission that is made now; ranks where the answer has them."""
        board, period_id, oracle = self._tree(submission.board_id)
        before, rank_before = oracle.lines.get(player_id), oracle.rank_of(player_id)
        outcome = oracle.submit(player_id, submission.score, submission.subscore, self.world.clock())
        after, rank_after = oracle.lines.get(player_id), oracle.rank_of(player_id)
        total = oracle.total if rank_after else None
        percentile = oracle.percentile(player_id) if rank_after else None

        def check(placement: Placement) -> None:
            assert (placement.board_id, placement.period_id, placement.outcome) == (board.board_id, period_id, outcome)
            for shown, line in ((placement.before, before), (placement.after, after)):
                assert (shown is None) == (line is None)
                if shown and line:
                    shown_fields = shown.score, shown.subscore, shown.achieved_at
                    assert shown_fields == (line.score, line.subscore, line.achieved_at)
            if placement.total is not None:
                assert placement.rank_before == rank_before
                assert (placement.rank_after, placement.total) == (rank_after, total)
                assert placement.percentile == percentile

        return check

    def _tree(self, board_id: str) -> tuple[Board, str, Oracle]:
        board = self.world.services.boards.get(board_id)
        period_id = self.world.services.boards.period(board, "current").period_id
        return board, period_id, self.oracles.setdefault((board_id, period_id), Oracle(board))

    def _submission(self, board_id: str, score: int, subscore: int) -> Submission:
        takes_subscores = self.rules_by_board[board_id].get("subscore_order") is not None
        return Submission(board_id, score, subscore if takes_subscores else 0)

    def _new_id(self) -> str:
        self._submissions += 1
        return f"submission-{self._submissions}"


@dataclass
class Answers:
    """Everything that can be asked about one board and period."""

    world: World
    oracle: Oracle
    period_id: str
    random: Random

    def check(self) -> None:
        self._check_lists()
        self._check_pages()
        self._check_entries()
        self._check_distribution()
        self._check_thresholds()

    @property
    def _tree(self) -> tuple[str, str]:
        return self.oracle.board.board_id, self.period_id

    def _check_lists(self) -> None:
        standings, listing = self.world.services.standings, self.oracle.listing()
        assert ranked(standings.top(*self._tree, 100)) == listing
        assert standings.total(*self._tree)[2] == len(listing)
        for rank in range(1, len(listing) + 2):
            limit = self._size()
            assert ranked(standings.from_rank(*self._tree, rank, limit)) == self.oracle.page_from(rank, limit)
        friends = self.random.sample(sorted(self.oracle.lines), len(self.oracle.lines) // 2)
        expected = [line for line in listing if line[1] in friends]
        assert ranked(standings.among(*self._tree, [*friends, "0" * 32])) == expected

    def _check_pages(self) -> None:
        """Turn pages of random sizes to the end, and back to the start."""
        standings, listing = self.world.services.standings, self.oracle.listing()
        page = standings.top(*self._tree, self._size())
        assert page.previous_cursor is None
        seen = ranked(page)
        while page.next_cursor:
            page = standings.page(*self._tree, page.next_cursor, self._size())
            seen += ranked(page)
        assert seen == listing
        back = ranked(page)
        while page.previous_cursor:
            page = standings.page(*self._tree, page.previous_cursor, self._size())
            assert page.next_cursor is not None
            back = ranked(page) + back
        assert back == listing

    def _check_entries(self) -> None:
        standings = self.world.services.standings
        for player_id, line in self.oracle.lines.items():
            own = standings.own(*self._tree, player_id)
            assert (own.entry.rank, own.entry.score) == (self.oracle.rank_of(player_id), line.score)
            assert own.total == self.oracle.total
            if line.hidden:
                with pytest.raises(RecordNotFoundError):
                    standings.around(*self._tree, player_id, 3)
                continue
            assert own.percentile == self.oracle.percentile(player_id)
            size = self._size()
            around = standings.around(*self._tree, player_id, size)
            assert ranked(around) == self.oracle.around(player_id, size)
            assert (around.previous_cursor is None) == (ranked(around)[:1] == self.oracle.listing()[:1])
            assert (around.next_cursor is None) == (ranked(around)[-1:] == self.oracle.listing()[-1:])

    def _check_distribution(self) -> None:
        bars = self.world.services.distributions.overview(*self._tree).bars
        assert [bar.count for bar in bars] == [self.oracle.count(bar.low, bar.high) for bar in bars]
        assert sum(bar.count for bar in bars) == self.oracle.total
        assert all(one.high < other.low for one, other in pairwise(bars))

    def _check_thresholds(self) -> None:
        listing = self.oracle.listing()
        lines = [self.oracle.lines[player_id] for _, player_id in listing]
        thresholds = self.world.services.thresholds.ladder(*self._tree, range(1, len(listing) + 2)).thresholds
        expected = [(line.score, line.subscore, rank) for line, (rank, _) in zip(lines, listing, strict=True)]
        found = [(each.score, each.subscore, each.shared) for each in thresholds]
        assert found == [*expected, (None, None, None)]
        for player_id, line in self.oracle.lines.items():
            prospect = self.world.services.thresholds.prospect(*self._tree, line.score, line.subscore, player_id)
            assert prospect.rank == self.oracle.rank(line)
            assert prospect.total == self.oracle.total + line.hidden

    def _size(self) -> int:
        return self.random.randint(1, PLAYERS + 1)


def ranked(page: Page) -> list[tuple[int | None, str]]:
    return [(entry.rank, entry.player_id) for entry in page.entries]


def _board_id(submission: Submission) -> str:
    return submission.board_id
