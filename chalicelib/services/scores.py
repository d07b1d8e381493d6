"""Scores: how submissions change records, ranks and what granted them, in one transaction.

Three calls in sequence: read everything the submissions touch; read the ranks; write. What is written stands or falls
together: the ticket that allowed the submissions (a game, or the receipt of an authoritative submission), the records,
and their places in the rank index.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from msgspec import Struct, structs

from chalicelib import logs
from chalicelib.domain import participations, records
from chalicelib.domain.boards import Board
from chalicelib.domain.games import GameResult
from chalicelib.domain.participations import Participation
from chalicelib.domain.periods import Period
from chalicelib.domain.players import Player, PlayerState
from chalicelib.domain.records import Change, Outcome, Placement, Reason, Record, Submission
from chalicelib.errors import ContendedError, GameError, PlayerNotFoundError, StoreUnavailableError
from chalicelib.ranking.pages import percentile
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.ranks import Question, RankReader, Standing
from chalicelib.services.settle import Settlement, Settler, settlement_of
from chalicelib.store.boards import BoardStore
from chalicelib.store.dynamo import MAX_TRANSACTION_ITEMS, CancelledError, Dynamo, Item, Part, key_text
from chalicelib.store.participations import ParticipationStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.ranks import MARK_PART, NODE_PART, UNMARKED, Mark, OutdatedBoardError, RankStore
from chalicelib.store.records import RecordStore, row_of

_ATTEMPTS = 6
_INDEX_PARTS = frozenset({MARK_PART, NODE_PART})
_LEFT_ALONE = timedelta(seconds=1)
"""For how long the index of a board is left to the stream after it was found contended."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_log = logging.getLogger(logs.LOGGER_NAME)
MAX_GROUP = 20
"""Authoritative submissions tried in one transaction."""


class Admission(Struct, frozen=True):
    """Leave to change records. ``played``: by the server's clock; None for authoritative submissions."""

    played: timedelta | None


class Ticket(Protocol):
    """What entitles to submit, once: a game, or a submission id."""

    def key(self) -> tuple[str, Item] | None:
        """Return the table and key to read, or None when there is nothing to read."""

    def admit(self, item: Item | None, submissions: tuple[Submission, ...], now: datetime) -> Admission | GameResult:
        """Return leave to submit, or the answer given before; raise a GameError to refuse."""

    def closing(self, submissions: tuple[Submission, ...], result: GameResult) -> list[Part]:
        """Return the writes that use the ticket up."""


class Claim(Struct, frozen=True):
    """Submissions of one player under one ticket, at most one per board."""

    player_id: str
    submissions: tuple[Submission, ...]
    ticket: Ticket


Verdict = GameResult | GameError


class _Target(Struct, frozen=True):
    """One submission and what it would change."""

    board: Board
    period: Period
    before: Record | None
    mark: Mark
    change: Change
    after: Record | None
    participation: Participation | None = None
    """What the player did before in a tournament that asks for it."""

    @property
    def writes(self) -> bool:
        return self.change.outcome in {Outcome.IMPROVED, Outcome.WORSENED}

    @property
    def settlement(self) -> Settlement | None:
        """Where the player should be counted, when that is not what the mark says."""
        if self.after is None or self.mark.generation >= self.after.generation:
            return None
        return settlement_of(self.board, self.after)

    @property
    def counts_attempts(self) -> bool:
        tournament = self.board.tournament
        return tournament is not None and tournament.attempts is not None


class _Draft(Struct, frozen=True):
    """A claim admitted, with everything it would change and its answer."""

    claim: Claim
    player: Player
    targets: tuple[_Target, ...]
    result: GameResult


class _Snapshot(Struct, frozen=True):
    """All items a group of claims touches, from one consistent read."""

    items: dict[tuple[str, str], Item]

    def get(self, table: str, key: Item) -> Item | None:
        return self.items.get((table, key_text(key)))


class Scores:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        dynamo: Dynamo,
        boards: Boards,
        board_store: BoardStore,
        players: PlayerStore,
        participations: ParticipationStore,
        records: RecordStore,
        ranks: RankStore,
        reader: RankReader,
        settler: Settler,
        clock: Clock,
    ) -> None:
        self._dynamo = dynamo
        self._boards = boards
        self._board_store = board_store
        self._players = players
        self._participations = participations
        self._records = records
        self._ranks = ranks
        self._reader = reader
        self._settler = settler
        self._clock = clock
        self._contended_until: dict[str, datetime] = {}
        """By board; as this process has met it."""

    def submit(self, claim: Claim) -> GameResult:
        """Apply the submissions of one claim and return the answer, with ranks before and after.

        Cost: one BatchGetItem; one BatchGetItem and up to two counting queries per board at the same time; one
        TransactWriteItems of at most 2 + boards x (2 + 5) items, x (2 + 11) where boards take subscores. A tournament
        whose players join, or have so many attempts, adds an item
        to what is read, and the latter one to what is written.

        Raises:
            GameError: The ticket, the player or a board refuses; nothing was changed.
            ContendedError: Other writers kept changing the same items; nothing was changed.
        """
        verdict = self._verdict(claim, ranked=True)
        if isinstance(verdict, GameError):
            raise verdict
        return verdict

    def submit_many(self, claims: Sequence[Claim]) -> list[Verdict]:
        """Apply many claims, in order, without reading ranks; each stands or falls alone.

        Cost: per group of up to 20 players one BatchGetItem and one TransactWriteItems. Scores that lie so far apart
        that 20 touch too many counters for one transaction take one more BatchGetItem, and go in two.
        """
        return [verdict for group in _groups(claims) for verdict in self._together(group)]

    def _together(self, group: Sequence[Claim]) -> list[Verdict]:
        """Apply a group in one transaction; where that is too large, contended or refused, each half of it in one.

        When the database does not answer, nobody knows what it did: that is everybody's verdict, and nothing is sent
        again from here.
        """
        if len(group) == 1:
            return [self._alone(group[0])]
        try:
            verdicts = self._attempt(group, ranked=False)
        except StoreUnavailableError as error:
            return [error for _ in group]
        except GameError:
            verdicts = None
        if verdicts is not None:
            return verdicts
        half = len(group) // 2
        return [*self._together(group[:half]), *self._together(group[half:])]

    def _alone(self, claim: Claim) -> Verdict:
        try:
            return self._verdict(claim, ranked=False)
        except GameError as error:
            return error

    def _verdict(self, claim: Claim, *, ranked: bool) -> Verdict:
        for attempt in range(_ATTEMPTS):
            verdicts = self._attempt([claim], ranked=ranked)
            if verdicts is not None:
                return verdicts[0]
            self._dynamo.pause(attempt)
        raise ContendedError("the same record kept changing; send the same request again")

    def _attempt(self, claims: Sequence[Claim], *, ranked: bool) -> list[Verdict] | None:
        """Return the claims' answers, or None when something changed meanwhile and nothing was written."""
        now = self._clock()
        trees = self._trees(claims, now)
        snapshot = self._read(claims, trees)
        if self._boards_changed(snapshot, trees):
            return None
        prepared = [self._prepared(claim, trees, snapshot, now, ranked=ranked) for claim in claims]
        drafts = [each for each in prepared if isinstance(each, _Draft)]
        if drafts and not self._committed(drafts):
            return None
        return [each.result if isinstance(each, _Draft) else each for each in prepared]

    def _trees(self, claims: Sequence[Claim], now: datetime) -> dict[str, tuple[Board, Period]]:
        board_ids = dict.fromkeys(each.board_id for claim in claims for each in claim.submissions)
        found = [self._boards.known(board_id) for board_id in board_ids]
        return {board.board_id: (board, board.period_at(now)) for board in found}

    def _read(self, claims: Sequence[Claim], trees: dict[str, tuple[Board, Period]]) -> _Snapshot:
        wanted = [(self._board_store.table, self._board_store.key(board_id)) for board_id in trees]
        for claim in claims:
            ticket = claim.ticket.key()
            wanted += [ticket] if ticket else []
            wanted.append((self._players.table, self._players.key(claim.player_id)))
            for submission in claim.submissions:
                tree = submission.board_id, trees[submission.board_id][1].period_id
                wanted.append((self._records.table, self._records.key(claim.player_id, *tree)))
                wanted.append((self._ranks.table, self._ranks.mark_key(*tree, claim.player_id)))
                if _asks_of_players(trees[submission.board_id][0]):
                    wanted.append(self._participation_key(claim.player_id, submission.board_id))
        return _Snapshot(self._dynamo.get_all(wanted))

    def _participation_key(self, player_id: str, board_id: str) -> tuple[str, Item]:
        return self._participations.table, self._participations.key(player_id, board_id)

    def _boards_changed(self, snapshot: _Snapshot, trees: dict[str, tuple[Board, Period]]) -> bool:
        changed = False
        for board_id, (board, _) in trees.items():
            item = snapshot.get(self._board_store.table, self._board_store.key(board_id))
            stored = self._board_store.parsed(item) if item else self._boards.refreshed(board_id)
            self._boards.remember(stored)
            changed = changed or stored.revision != board.revision
        return changed

    def _prepared(
        self,
        claim: Claim,
        trees: dict[str, tuple[Board, Period]],
        snapshot: _Snapshot,
        now: datetime,
        *,
        ranked: bool,
    ) -> _Draft | Verdict:
        ticket = claim.ticket.key()
        try:
            admission = claim.ticket.admit(snapshot.get(*ticket) if ticket else None, claim.submissions, now)
            player = self._player(claim.player_id, snapshot)
        except GameError as error:
            return error
        if isinstance(admission, GameResult):
            return admission
        targets = tuple(
            self._target(each, trees[each.board_id], player, snapshot, admission, now) for each in claim.submissions
        )
        placements = self._placements(targets, ranked=ranked)
        return _Draft(claim, player, targets, GameResult(now, placements))

    def _player(self, player_id: str, snapshot: _Snapshot) -> Player:
        item = snapshot.get(self._players.table, self._players.key(player_id))
        player = self._players.parsed(item) if item else None
        if player is None or player.state is not PlayerState.ACTIVE:
            raise PlayerNotFoundError(f"there is no player {player_id!r}", player_id=player_id)
        return player

    def _target(  # noqa: PLR0913, PLR0917  # one submission's whole context
        self,
        submission: Submission,
        tree: tuple[Board, Period],
        player: Player,
        snapshot: _Snapshot,
        admission: Admission,
        now: datetime,
    ) -> _Target:
        board, period = tree
        key = board.board_id, period.period_id
        item = snapshot.get(self._records.table, self._records.key(player.player_id, *key))
        mark_item = snapshot.get(self._ranks.table, self._ranks.mark_key(*key, player.player_id))
        before = self._records.parsed(item) if item else None
        mark = self._ranks.parsed_mark(mark_item) if mark_item else UNMARKED
        participation = self._participation(board, player, snapshot)
        reason = _refusal(board, participation, now) or records.rejection(board, submission, admission.played)
        change = Change(Outcome.REJECTED, reason=reason) if reason else records.apply(board, before, submission)
        target = _Target(board, period, before, mark, change, before, participation)
        return structs.replace(target, after=_changed(target, player, now)) if target.writes else target

    def _participation(self, board: Board, player: Player, snapshot: _Snapshot) -> Participation | None:
        if not _asks_of_players(board):
            return None
        item = snapshot.get(*self._participation_key(player.player_id, board.board_id))
        return self._participations.parsed(item) if item else None

    def _placements(self, targets: Sequence[_Target], *, ranked: bool) -> tuple[Placement, ...]:
        if not ranked:
            return tuple(_placement(target, None, None) for target in targets)
        pairs = [(target, _question(target, target.before), _question(target, target.after)) for target in targets]
        questions = list(dict.fromkeys(each for _, *both in pairs for each in both if each is not None))
        standing_by_question = dict(zip(questions, self._reader.read(questions), strict=True))
        return tuple(
            _placement(
                target,
                standing_by_question[before] if before else None,
                standing_by_question[after] if after else None,
            )
            for target, before, after in pairs
        )

    def _committed(self, drafts: Sequence[_Draft]) -> bool:
        """Write everything in one transaction, or the truth alone and the index after it.

        That is at once where both are too much for one transaction. Where the index is contended, or was a moment ago,
        it is left to those who follow the records' stream: who ends a game neither waits for strangers, nor adds to
        what they wait for, nor pays for a transaction that is likely to be cancelled.
        """
        if self._sealed_now(drafts):
            return False
        truth = [part for draft in drafts for part in self._truth_parts(draft)]
        due = [(target.mark, target.settlement) for draft in drafts for target in draft.targets]
        settlements = [settlement for _, settlement in due if settlement is not None]
        moves = [settlement.move_from(mark) for mark, settlement in due if settlement is not None]
        try:
            index = self._ranks.parts(moves)
        except OutdatedBoardError:
            return False
        # Whoever deletes a record leaves no more of it than its mark: without a look at that, a record that was made
        # anew meanwhile would be younger than its own mark, and never be counted.
        alone = [*truth, *self._ranks.unchanged_parts(moves)]
        if len(truth) + len(index) > MAX_TRANSACTION_ITEMS:
            return len(drafts) == 1 and self._committed_in_turn(alone, settlements)
        board_ids = {settlement.board.board_id for settlement in settlements}
        if any(self._contended_until.get(board_id, _NEVER) > self._clock() for board_id in board_ids):
            return self._committed_alone(alone)
        return self._committed_at_once([*truth, *index], alone, board_ids)

    def _committed_at_once(self, parts: Sequence[Part], alone: Sequence[Part], board_ids: Iterable[str]) -> bool:
        if not parts:
            return True
        try:
            self._dynamo.transact(parts)
        except CancelledError as error:
            if error.refused or not error.contended <= _INDEX_PARTS:
                return False
            self._contended_until |= dict.fromkeys(board_ids, self._clock() + _LEFT_ALONE)
            return self._committed_alone(alone)
        return True

    def _committed_in_turn(self, alone: Sequence[Part], settlements: Sequence[Settlement]) -> bool:
        if not self._committed_alone(alone):
            return False
        for settlement in settlements:
            self._settler.settle_if_possible(settlement)
        return True

    def _committed_alone(self, truth: Sequence[Part]) -> bool:
        try:
            self._dynamo.transact(truth)
        except CancelledError:
            return False
        _log.info("settle_deferred", extra={"count": 1})
        return True

    def _truth_parts(self, draft: _Draft) -> list[Part]:
        parts = draft.claim.ticket.closing(draft.claim.submissions, draft.result)
        parts += [
            self._records.put_part("record", target.board, target.after, target.before)
            for target in draft.targets
            if target.writes and target.after is not None
        ]
        parts += [
            self._attempt_part(draft.player.player_id, target)
            for target in draft.targets
            if target.counts_attempts and target.change.outcome is not Outcome.REJECTED
        ]
        # An update finds its item gone with the player. A put would bring back a player who left, or an old name.
        if any(part.kind == "Put" for part in parts):
            parts.append(self._players.unchanged_part("player", draft.player))
        return parts

    def _attempt_part(self, player_id: str, target: _Target) -> Part:
        before = target.participation
        after = before or Participation(player_id, target.board.board_id)
        return self._participations.attempt_part("attempt", before, structs.replace(after, attempts=after.attempts + 1))

    def _sealed_now(self, drafts: Sequence[_Draft]) -> bool:
        """Make final the rules of boards that get their first record; True when there were such boards.

        What was drafted may rest on rules that changed until just now, so it has to be drafted again.
        """
        fresh = {
            target.board.board_id: target.board
            for draft in drafts
            for target in draft.targets
            if target.writes and not target.board.sealed
        }
        for board in fresh.values():
            self._boards.seal(board)
        return bool(fresh)


def _asks_of_players(board: Board) -> bool:
    return board.tournament is not None and board.tournament.asks_of_players


def _refusal(board: Board, participation: Participation | None, now: datetime) -> Reason | None:
    return participations.refusal(board.tournament, participation, now) if board.tournament else None


def _changed(target: _Target, player: Player, now: datetime) -> Record:
    before = target.before
    return Record(
        player_id=player.player_id,
        board_id=target.board.board_id,
        period_id=target.period.period_id,
        score=target.change.score,
        subscore=target.change.subscore,
        achieved_at=now,
        generation=max(before.generation if before else 0, target.mark.generation) + 1,
        display_name=player.display_name,
        avatar=player.avatar,
        hidden=before.hidden if before else False,
        expires_at=records.expiry(target.board, target.period),
    )


def _question(target: _Target, record: Record | None) -> Question | None:
    if record is None or record.hidden:
        return None
    before = target.before
    own_key = row_of(target.board, before).order_key if before and not before.hidden else None
    value = target.board.value(record.score, record.subscore)
    return Question(target.board, target.period.period_id, value, record.player_id, target.mark, own_key)


def _placement(target: _Target, before: Standing | None, after: Standing | None) -> Placement:
    return Placement(
        board_id=target.board.board_id,
        period_id=target.period.period_id,
        outcome=target.change.outcome,
        reason=target.change.reason,
        before=records.shown(target.before),
        after=records.shown(target.after),
        rank_before=before.rank if before else None,
        rank_after=after.rank if after else None,
        total=after.total if after else None,
        percentile=percentile(after.rank, after.total) if after else None,
    )


def _groups(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Return the claims in order, in groups in which no player comes twice and no transaction gets too large."""
    groups: list[list[Claim]] = []
    players: set[str] = set()
    for claim in claims:
        if not groups or claim.player_id in players or len(groups[-1]) == MAX_GROUP:
            groups.append([])
            players = set()
        groups[-1].append(claim)
        players.add(claim.player_id)
    return groups
