"""Games: started with the server's clock, ended once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from chalicelib import logs
from chalicelib.domain import games
from chalicelib.domain.game_rules import DEFAULT_RULES, GameRules
from chalicelib.domain.games import Game, GameResult
from chalicelib.domain.records import Submission
from chalicelib.errors import (
    ContendedError,
    Detail,
    GameEndedError,
    GameExpiredError,
    GameNotFoundError,
    GameTooLongError,
    GameTooShortError,
    SubmissionReusedError,
)
from chalicelib.services.clock import Clock, new_game_id, new_seed
from chalicelib.services.profiles import account_gone
from chalicelib.services.scores import Admission, Claim, Scores, Verdict
from chalicelib.store import keys
from chalicelib.store.dynamo import CancelledError, Dynamo, Item, Part
from chalicelib.store.games import GameStore
from chalicelib.store.players import PlayerStore


class Games:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        dynamo: Dynamo,
        store: GameStore,
        players: PlayerStore,
        scores: Scores,
        rules_by_mode: Mapping[str, GameRules],
        clock: Clock,
    ) -> None:
        self._dynamo = dynamo
        self._store = store
        self._players = players
        self._scores = scores
        self._rules_by_mode = rules_by_mode
        self._clock = clock

    def start(self, player_id: str, mode: str) -> Game:
        """Open a game. One transaction of two items."""
        now = self._clock()
        game = games.start(
            player_id=player_id,
            game_id=new_game_id(now),
            mode=mode,
            seed=new_seed(),
            rules=self._rules(mode),
            now=now,
        )
        parts = [self._store.open_part("game", game), self._players.active_part("player", player_id)]
        try:
            self._dynamo.transact(parts)
        except CancelledError as error:
            if "player" in error.refused:
                raise account_gone() from error
            raise ContendedError("the account is being changed; send the same request again") from error
        return game

    def end(self, player_id: str, game_id: str, submissions: Sequence[Submission]) -> GameResult:
        """Close a game with its scores; see Scores.submit for cost and errors.

        The same call again returns the same answer. A rejected score changes nothing else: the game ends all the same,
        and the other scores count.

        Raises:
            GameNotFoundError: The player has no such game.
            GameEndedError: It ended with other scores.
            GameExpiredError, GameTooShortError, GameTooLongError: It stays as it is.
        """
        ticket = _GameTicket(self._store, player_id, game_id, self._rules_by_mode)
        logs.note(game_id=game_id)
        return _noted(self._scores.submit(Claim(player_id, games.canonical(submissions), ticket)))

    def submit(self, player_id: str, submission: Submission, submission_id: str | None) -> GameResult:
        """Apply an authoritative submission, once per submission id when one is given."""
        logs.note(player_id=player_id)
        return _noted(self._scores.submit(self._claim(player_id, submission, submission_id)))

    def submit_many(self, wanted: Sequence[tuple[str, Submission, str | None]]) -> list[Verdict]:
        """Apply many authoritative submissions, in order; each stands or falls alone and carries no ranks."""
        return self._scores.submit_many([self._claim(*each) for each in wanted])

    def newest_open(self, player_id: str) -> Game | None:
        return self._store.newest_open(player_id, self._clock())

    def _claim(self, player_id: str, submission: Submission, submission_id: str | None) -> Claim:
        ticket = _ReceiptTicket(self._store, player_id, submission_id) if submission_id else _OpenTicket()
        return Claim(player_id, (submission,), ticket)

    def _rules(self, mode: str) -> GameRules:
        return self._rules_by_mode.get(mode, DEFAULT_RULES)


class _GameTicket(Struct, frozen=True):
    store: GameStore
    player_id: str
    game_id: str
    rules_by_mode: Mapping[str, GameRules]

    def key(self) -> tuple[str, Item]:
        return self.store.table, self.store.key(self.player_id, self.game_id)

    def admit(self, item: Item | None, submissions: tuple[Submission, ...], now: datetime) -> Admission | GameResult:
        if item is None:
            raise GameNotFoundError(f"you have no game {self.game_id!r}", game_id=self.game_id)
        game = self.store.parsed(item)
        if game.result is not None:
            if game.submissions == submissions:
                return game.result
            raise GameEndedError("the game ended already, with other scores", game_id=self.game_id)
        if now >= game.expires_at:
            raise GameExpiredError(f"the game expired at {game.expires_at.isoformat()}", game_id=self.game_id)
        return Admission(_credible(game, now, self.rules_by_mode.get(game.mode, DEFAULT_RULES)))

    def closing(self, submissions: tuple[Submission, ...], result: GameResult) -> list[Part]:
        return [self.store.close_part("game", self.player_id, self.game_id, submissions, result)]


class _ReceiptTicket(Struct, frozen=True):
    store: GameStore
    player_id: str
    submission_id: str

    def key(self) -> tuple[str, Item]:
        return self.store.table, self.store.key(self.player_id, keys.receipt(self.submission_id))

    def admit(self, item: Item | None, submissions: tuple[Submission, ...], now: datetime) -> Admission | GameResult:
        del now
        if item is None:
            return Admission(None)
        receipt = self.store.parsed_receipt(item)
        if receipt.submissions != submissions:
            raise SubmissionReusedError(
                "this submission id was used for another submission", submission_id=self.submission_id
            )
        return receipt.result

    def closing(self, submissions: tuple[Submission, ...], result: GameResult) -> list[Part]:
        return [self.store.receipt_part("receipt", self.player_id, self.submission_id, submissions, result)]


class _OpenTicket:
    """An authoritative submission without an id: every call counts."""

    def key(self) -> None:
        return None

    def admit(self, item: Item | None, submissions: tuple[Submission, ...], now: datetime) -> Admission:
        del item, submissions, now
        return Admission(None)

    def closing(self, submissions: tuple[Submission, ...], result: GameResult) -> list[Part]:
        del submissions, result
        return []


def _noted(result: GameResult) -> GameResult:
    """Put what happened to which board on the request's log line."""
    logs.note(
        placements=[
            {"board_id": each.board_id, "period_id": each.period_id, "outcome": each.outcome, "reason": each.reason}
            for each in result.placements
        ]
    )
    return result


def _credible(game: Game, now: datetime, rules: GameRules) -> timedelta:
    played = now - game.started_at
    detail: dict[str, Detail] = {"game_id": game.game_id, "played_ms": played // timedelta(milliseconds=1)}
    if played < timedelta(seconds=rules.min_seconds):
        raise GameTooShortError(f"a {game.mode} game lasts at least {rules.min_seconds} s", **detail)
    if played > timedelta(seconds=rules.max_seconds):
        raise GameTooLongError(f"a {game.mode} game lasts at most {rules.max_seconds} s", **detail)
    return played
