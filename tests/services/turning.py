"""Boards whose periods are turned: played, ended, and held to a sorted list and to rules applied by hand."""

import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.bootstrap.seasons import Seasons, build_seasons
from chalicelib.config import Config, SigningKey
from chalicelib.domain import messages, notices
from chalicelib.domain.boards import Board, SortOrder
from chalicelib.domain.jobs import Job
from chalicelib.domain.records import Submission
from chalicelib.domain.rewards import By, Claiming, Grant, Rule, RuleSet, Tier
from chalicelib.domain.turns import Turn, TurnState
from chalicelib.services.jobs import OutOfTime
from chalicelib.services.rollcall import Pages
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.reward_rules import RuleStore
from chalicelib.store.turns import TurnStore
from tests.fake_s3 import FakeS3
from tests.fake_sns import TOPIC, FakeSns
from tests.oracle import Line, Oracle
from tests.services.works import BUCKET, never
from tests.tables import PREFIX
from tests.world import SECRET, Inline, World

HOURLY = "0 * * * *"
PERIOD = "20261122T1200Z"
GRACE = timedelta(seconds=70)
SMALL = Pages(archived=4, files=2, rewarded=3, slices=40)
CONFIG = Config("test", PREFIX, (SigningKey("a", SECRET),), (), {}, GRACE, exports_bucket=BUCKET, notices_topic=TOPIC)
RULES = RuleSet(
    (
        Rule(By.RANK, 1, 1, (Grant("gold", 100), Grant("crown", 1))),
        Rule(By.RANK, 2, 3, (Grant("gold", 50),)),
        Rule(By.PERCENTILE, 50, 100, (Grant("gold", 5), Grant("xp", 7)), Claiming.ON_DEMAND),
        Rule(By.PERCENTILE, 0, 49, (Grant("xp", 1),)),
        Rule(By.TIER, "silver", "gold", (Grant("crown", 2),)),
    ),
    (Tier("bronze", 5), Tier("silver", 40), Tier("gold", 5000)),
)

Told = tuple[str, str]
"""A notice's id and a player's."""


@dataclass
class Turning:
    """A world with a board that resets, and whoever turns its periods."""

    world: World
    board_id: str = "race"
    period_id: str = PERIOD
    pages: Pages = SMALL
    s3: FakeS3 = field(default_factory=lambda: FakeS3({BUCKET}))
    sns: FakeSns = field(default_factory=FakeSns)
    config: Config = CONFIG

    def another_process(self) -> Seasons:
        clients = Clients(connect=lambda service: self.sns if service == "sns" else self.s3)
        return build_seasons(self.config, self.dynamo(), clients, self.world.clock, self.pages)

    def dynamo(self) -> Dynamo:
        return Dynamo(self.world.client, Inline(), self.world.pauses.append)

    @property
    def board(self) -> Board:
        return self.another_process().boards.get(self.board_id)

    @property
    def turn(self) -> Turn:
        turn = TurnStore(f"{PREFIX}seasons", self.dynamo()).get(self.board_id, self.period_id)
        assert turn is not None
        return turn

    def set_rules(self, rules: RuleSet) -> None:
        RuleStore(f"{PREFIX}seasons", self.dynamo()).put(self.board_id, rules, self.world.clock())

    def hooked(self, hook: Callable[[Any], None], *, after: bool) -> None:
        """Plant a hook at every call, to whatever service."""
        for client in (self.world.client, self.s3, self.sns):
            (client.after if after else client.before).append(hook)

    def undisturbed(self) -> None:
        for client in (self.world.client, self.s3, self.sns):
            client.before.clear()
            client.after.clear()

    def kept(self, use: Seasons | None = None, runs: int = 30) -> list[Job]:
        """Let the schedule run every minute, until it finds nothing to do; return what it worked on."""
        use = use or self.another_process()
        worked_on: list[Job] = []
        for _ in range(runs):
            jobs = run(use)
            worked_on += jobs
            if not jobs:
                return worked_on
            self.world.clock.advance(minutes=1)
        return worked_on

    # What has come of it.

    def manifest(self) -> Any:
        return json.loads(self.s3.objects[self.turn.manifest])

    def archived(self) -> list[Any]:
        """Return the lines of the archive, its files held to the manifest, and one form to the other."""
        told = self.manifest()
        text = {form: b"".join(self._content(pair[form]) for pair in told["files"]) for form in ("jsonl", "csv")}
        lines = [json.loads(line) for line in text["jsonl"].splitlines()]
        rows = list(csv.DictReader(io.StringIO(text["csv"].decode(), newline="")))
        assert rows == [{name: str(value) for name, value in line.items()} for line in lines]
        assert told["records"] == len(lines) == sum(pair["jsonl"]["lines"] for pair in told["files"])
        return lines

    def _content(self, told: Any) -> bytes:
        stored = self.s3.objects[told["name"]]
        assert (len(stored), hashlib.sha256(stored).hexdigest()) == (told["bytes"], told["sha256"])
        return gzip.decompress(stored)

    def told(self) -> set[Told]:
        """Return who was told what."""
        return {
            (message.notice_id, player_id)
            for message in map(messages.decoded, self.sns.texts)
            for edition in message.editions
            for player_id in edition.recipients
        }

    def oracle(self) -> Oracle:
        return Oracle.of(self.board, self.world.items("records"), self.period_id)

    def ledger(self) -> dict[Told, Any]:
        """Return the entries of all ledgers, by player and reward."""
        items = self.world.items("players")
        return {
            (item["pk"]["S"].partition("#")[2], item["reward_id"]["S"]): item for item in items if "reward_id" in item
        }

    def balances(self) -> dict[tuple[str, str], int]:
        """Return how much of which item players have."""
        return {
            (item["pk"]["S"].partition("#")[2], item["sk"]["S"].partition("#")[2]): int(item["amount"]["N"])
            for item in self.world.items("players")
            if item["sk"]["S"].startswith("balance#")
        }

    def check(self, expected: Oracle, rules: RuleSet, left: Iterable[str] = ()) -> None:
        """Assert that a period was archived as the records said, and its rewards given once each.

        Args:
            expected: The records as they were.
            left: Who has left since.
        """
        assert self.turn.state is TurnState.DONE
        lines = self.archived()
        assert [(line["rank"], line["player_id"]) for line in lines] == expected.listing()
        assert [_place(line) for line in lines] == [_place_of(expected.lines[line["player_id"]]) for line in lines]
        self.check_rewards(expected, rules, frozenset(left))

    def check_rewards(self, expected: Oracle, rules: RuleSet, left: frozenset[str]) -> None:
        due = {
            (player_id, f"20261122T1300Z.{self.board_id}.{rule.by}"): rule
            for rank, player_id in expected.listing()
            for rule in rules.rules
            if _meets(rule, rules, expected, rank, player_id)
        }
        given = {key: rule for key, rule in due.items() if key[0] not in left}
        ledger = self.ledger()
        assert set(ledger) == set(given)
        assert all(json.loads(ledger[key]["grants"]["S"]) == _plain(rule) for key, rule in given.items())
        assert self.balances() == _balances(given)
        assert self.turn.rewarded == len({player_id for player_id, _ in given})
        assert self.turn.left == len({player_id for player_id, _ in due} & left)
        frozen_at = self.turn.frozen_at
        assert self.told() == {
            (notices.notice_id(frozen_at, f"reward#{reward_id}"), player_id) for player_id, reward_id in due
        }


def _place(line: Any) -> tuple[int, int, datetime]:
    return line["score"], line["subscore"], datetime.fromisoformat(line["achieved_at"])


def _place_of(line: Line) -> tuple[int, int, datetime]:
    return line.score, line.subscore, line.achieved_at


def _plain(rule: Rule) -> list[dict[str, object]]:
    return [{"item": grant.item, "amount": grant.amount} for grant in rule.grants]


def _balances(given: dict[Told, Rule]) -> dict[tuple[str, str], int]:
    amounts: Counter[tuple[str, str]] = Counter()
    for (player_id, _), rule in given.items():
        if rule.claim is Claiming.AUTOMATIC:
            amounts.update({(player_id, grant.item): grant.amount for grant in rule.grants})
    return dict(amounts)


def _meets(rule: Rule, rules: RuleSet, expected: Oracle, rank: int, player_id: str) -> bool:
    """Apply a rule the slow way: as the players would, to what the API shows them."""
    if rule.by is By.TIER:
        names = [tier.name for tier in rules.tiers]
        own = _tier(rules, expected, expected.lines[player_id].score)
        return own is not None and names.index(str(rule.first)) <= names.index(own) <= names.index(str(rule.last))
    place = rank if rule.by is By.RANK else int(100 * (expected.total - rank + 1) / expected.total + 1e-9)
    return int(rule.first) <= place <= int(rule.last)


def _tier(rules: RuleSet, expected: Oracle, score: int) -> str | None:
    is_reached: Callable[[int], bool] = (
        (lambda cutoff: score >= cutoff)
        if expected.board.sort_order is SortOrder.DESC
        else (lambda cutoff: score <= cutoff)
    )
    reached = [tier.name for tier in rules.tiers if is_reached(tier.from_score)]
    return reached[-1] if reached else None


def run(use: Seasons, out_of_time: OutOfTime = never) -> list[Job]:
    """Do what the schedule does once."""
    return use.rollover.keep(use.boards.all(), out_of_time)


def played(scores: Iterable[int], world: World | None = None, **rules: Any) -> tuple[World, list[str]]:
    """Return a world with an hourly board, and players with these scores in its first period, which is not over."""
    world = world or World()
    world.board(reset=HOURLY, **rules)
    ids = []
    for number, score in enumerate(scores):
        world.clock.advance(milliseconds=1)
        ids.append(world.player(f"p{number}"))
        submit(world, ids[-1], score)
    return world, ids


def submit(world: World, player_id: str, score: int) -> None:
    world.services.games.submit(player_id, Submission("race", score), None)
