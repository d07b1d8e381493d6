"""What a period must come to: its players, their archive and their rewards, worked out from a sorted list."""

import csv
import gzip
import hashlib
import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench.seasons.account import Account
from chalicelib.domain import notices, rewards
from chalicelib.domain.boards import Board
from chalicelib.domain.players import Identity, IdentityKind, Player
from chalicelib.domain.records import Record
from chalicelib.domain.rewards import By, Claiming, Grant, Rule, RuleSet, Tier
from chalicelib.domain.turns import Ended
from chalicelib.services.settle import settlement_of
from chalicelib.store.boards import BoardStore
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.players import PlayerStore
from chalicelib.store.ranks import UNMARKED, RankStore
from chalicelib.store.records import RecordStore
from chalicelib.store.reward_rules import RuleStore
from tests.fake_dynamodb import FakeDynamoDB
from tests.tables import PREFIX

RULES = RuleSet(
    (
        Rule(By.RANK, 1, 100, (Grant("gold", 100),)),
        Rule(By.PERCENTILE, 50, 100, (Grant("gold", 5), Grant("xp", 10)), Claiming.ON_DEMAND),
        Rule(By.PERCENTILE, 0, 49, (Grant("xp", 1),)),
        Rule(By.TIER, "gold", "gold", (Grant("gold", 20),)),
    ),
    (Tier("bronze", 0), Tier("gold", 750_000)),
)
"""Everybody gets something, most of it at once."""
SCORES = 10**6
_SEED = 20261122
_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Standing:
    rank: int
    player_id: str
    score: int
    achieved_at: datetime


@dataclass(slots=True)
class Truth:
    """A board whose period is over, and what must come of it."""

    board: Board
    period: Ended
    records: list[Record]

    @classmethod
    def played(cls, account: Account, board: Board, period: Ended, size: int) -> "Truth":
        """Return a board with so many records in its first period, all of them settled, put there at once."""
        chance = random.Random(_SEED)  # noqa: S311  # the same players every time, no secrets
        truth = cls(board, period, list(_records(board, period, size, chance)))
        truth._fill(account)
        return truth

    def standings(self) -> Iterator[Standing]:
        """Yield everybody, best first, with competition ranks."""
        ordered = sorted(self.records, key=lambda each: (-each.score, each.achieved_at, each.player_id))
        rank, score = 0, None
        for place, record in enumerate(ordered, start=1):
            rank, score = (rank, score) if record.score == score else (place, record.score)
            yield Standing(rank, record.player_id, record.score, record.achieved_at)

    def due(self) -> dict[tuple[str, str], Rule]:
        """Return what everybody must get, by player and reward."""
        found = {}
        for each in self.standings():
            for rule in rewards.earned(
                RULES, self.board.sort_order, rank=each.rank, score=each.score, total=len(self.records)
            ):
                reward_id = rewards.reward_id(self.period.ended_at, self.board.board_id, rule.by)
                found[each.player_id, reward_id] = rule
        return found

    def _fill(self, account: Account) -> None:
        dynamo = Dynamo(_Unconditional(account))
        BoardStore(f"{PREFIX}boards", dynamo).create(self.board)
        RuleStore(f"{PREFIX}seasons", dynamo).put(
            self.board.board_id, RULES, self.period.ended_at - timedelta(minutes=1)
        )
        players, records = PlayerStore(f"{PREFIX}players", dynamo), RecordStore(f"{PREFIX}records", dynamo)
        ranks = RankStore(f"{PREFIX}ranks", dynamo)
        for record in self.records:
            players.register(_player(record))
        for start in range(0, len(self.records), _TOGETHER):
            page = self.records[start : start + _TOGETHER]
            moves = [settlement_of(self.board, record).move_from(UNMARKED) for record in page]
            puts = [records.put_part("record", self.board, record, None) for record in page]
            for part in (*puts, *ranks.parts(moves)):
                account.dynamodb.write(part.kind, part.request)
        account.dynamodb.end_pages(records.table)


class _Unconditional(FakeDynamoDB):
    """The account's database, at no charge."""

    def __init__(self, account: Account) -> None:
        super().__init__(())
        self._account = account

    def _make_api_call(self, operation: str, request: Any) -> Any:
        return self._account.dynamodb.answer(operation, {**request, "ReturnConsumedCapacity": "NONE"})


def _records(board: Board, period: Ended, size: int, chance: random.Random) -> Iterator[Record]:
    for number in range(size):
        achieved_at = board.created_at + timedelta(milliseconds=number)
        player_id, score = f"{chance.getrandbits(128):032x}", chance.randrange(SCORES)
        yield Record(player_id, board.board_id, period.period_id, score, 0, achieved_at, 1, f"player {number}")


def _player(record: Record) -> Player:
    return Player(
        player_id=record.player_id,
        display_name=record.display_name,
        metadata={},
        created_at=record.achieved_at,
        identities=(Identity(IdentityKind.DEVICE, record.player_id),),
    )


def wrong(truth: Truth, account: Account) -> list[str]:
    """Return what is not as it must be: nothing, if the period was turned exactly."""
    turn = next(item for item in account.dynamodb.items(f"{PREFIX}seasons") if "frozen_at" in item)
    if turn["state"]["S"] != "done":
        return [f"the turn is {turn['state']['S']}"]
    archived, expected = _Archive(account, turn["manifest"]["S"]), list(truth.standings())
    found = list(archived.damage())
    if archived.lines() != expected:
        found.append(f"the archive differs in {len({*archived.lines()} ^ {*expected})} lines")
    return [*found, *_wrong_rewards(truth, account)]


class _Archive:
    """The files that a manifest names."""

    def __init__(self, account: Account, manifest: str) -> None:
        self._stored = account.s3.objects
        self._pairs = json.loads(self._stored[manifest])["files"]

    def damage(self) -> Iterator[str]:
        """Yield what the manifest says that is not so, and whether the two forms differ."""
        for pair in self._pairs:
            for told in pair.values():
                stored = self._stored[told["name"]]
                if (len(stored), hashlib.sha256(stored).hexdigest()) != (told["bytes"], told["sha256"]):
                    yield f"{told['name']} is damaged"
        rows = list(csv.reader(io.StringIO(self._text("csv"), newline="")))[1:]
        if rows != [[str(value) for value in json.loads(line).values()] for line in self._text("jsonl").splitlines()]:
            yield "the forms of the archive differ"

    def lines(self) -> list[Standing]:
        return [_standing(json.loads(line)) for line in self._text("jsonl").splitlines()]

    def _text(self, form: str) -> str:
        return gzip.decompress(b"".join(self._stored[pair[form]["name"]] for pair in self._pairs)).decode()


def _standing(line: Any) -> Standing:
    return Standing(line["rank"], line["player_id"], line["score"], datetime.fromisoformat(line["achieved_at"]))


def _wrong_rewards(truth: Truth, account: Account) -> Iterator[str]:
    due = truth.due()
    items = account.dynamodb.items(f"{PREFIX}players")
    ledger = {(item["pk"]["S"].partition("#")[2], item["reward_id"]["S"]) for item in items if "reward_id" in item}
    if ledger != set(due):
        yield f"{len(set(due) - ledger)} rewards are lost, {len(ledger - set(due))} are nobody's"
    balances: Counter[tuple[str, str]] = Counter()
    for (player_id, _), rule in due.items():
        if rule.claim is Claiming.AUTOMATIC:
            balances.update({(player_id, grant.item): grant.amount for grant in rule.grants})
    stored = {
        (item["pk"]["S"].partition("#")[2], item["sk"]["S"].partition("#")[2]): int(item["amount"]["N"])
        for item in items
        if "amount" in item
    }
    if stored != dict(balances):
        yield f"{len(set(stored.items()) ^ set(balances.items()))} balances differ from the ledgers"
    told = {_notice(truth, reward_id, player_id) for player_id, reward_id in due}
    if set(account.told) != told:
        yield f"{len(told - set(account.told))} notices are lost"


def _notice(truth: Truth, reward_id: str, player_id: str) -> tuple[str, str]:
    frozen_at = truth.period.ended_at + timedelta(seconds=70)
    return notices.notice_id(frozen_at, f"reward#{reward_id}"), player_id
