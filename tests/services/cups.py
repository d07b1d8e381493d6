"""Tournaments to join: players with gold, and what must hold of places, prices and attempts whatever happened."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from chalicelib.domain.games import GameResult
from chalicelib.domain.participations import Participation
from chalicelib.domain.records import Outcome, Submission
from chalicelib.domain.rewards import Claiming, Due, Grant, Reward
from chalicelib.domain.tournaments import LANES, Price, Tournament, share
from chalicelib.services.crediting import Crediting
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.participations import ParticipationStore
from chalicelib.store.players import PlayerStore
from chalicelib.store.rewards import RewardStore
from tests.expressions import Item
from tests.tables import PREFIX
from tests.world import EPOCH, HandClock, Inline, World

CUP = "cup"
PRICE = (Price("gold", 10),)
HOUR = timedelta(hours=1)


def cup(**rules: Any) -> Tournament:
    """Return a tournament that begins an hour after the epoch, and lasts one."""
    return Tournament(**{"starts_at": EPOCH + HOUR, "ends_at": EPOCH + 2 * HOUR, **rules})


def world_of(tournament: Tournament, **rules: Any) -> World:
    """Return a world in which a tournament is under way, and a board beside it."""
    world = World()
    world.board()
    world.board(CUP, tournament=tournament, **rules)
    world.clock.instant = tournament.starts_at
    return world


def give(world: World, player_id: str, **amount_by_item: int) -> None:
    """Add to a player's balances."""
    dynamo = Dynamo(world.client, Inline())
    grants = tuple(Grant(item, amount) for item, amount in amount_by_item.items())
    reward = Reward(
        reward_id=f"20261121T0000Z.gift-{world.clock.instant.timestamp()}.rank",
        source="gift",
        period_id="all",
        by="rank",
        rank=1,
        grants=grants,
        claim=Claiming.AUTOMATIC,
        granted_at=world.clock(),
        claimed_at=world.clock(),
    )
    Crediting(dynamo, RewardStore(PlayerStore(f"{PREFIX}players", dynamo), dynamo)).give([Due(player_id, (reward,))])


def score(world: World, player_id: str, points: int) -> tuple[Outcome, str | None]:
    """Return what became of a score in the tournament."""
    placement = world.services.games.submit(player_id, Submission(CUP, points), None).placements[0]
    return placement.outcome, placement.reason


@dataclass
class Books:
    """What is stored of places, prices and attempts."""

    world: World
    participations: dict[str, Participation] = field(default_factory=dict)
    joined_by_lane: Counter[int] = field(default_factory=Counter)
    gold: Counter[str] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)
    """Scores that the answers to games say counted, by player."""

    @classmethod
    def of(cls, world: World) -> "Books":
        books = cls(world)
        store = ParticipationStore(
            PlayerStore(f"{PREFIX}players", (dynamo := Dynamo(world.client, Inline()))), f"{PREFIX}seasons", dynamo
        )
        for item in world.items("players"):
            books._take(store, item)
        for item in world.items("seasons"):
            kind, _, lane = item["sk"]["S"].partition("#")
            if kind == "places":
                books.joined_by_lane[int(lane)] = int(item["joined"]["N"])
        for item in world.items("games"):
            books._count(item)
        return books

    def _take(self, store: ParticipationStore, item: Item) -> None:
        player_id, sort_key = item["pk"]["S"].partition("#")[2], item["sk"]["S"]
        if sort_key == keys.balance("gold"):
            self.gold[player_id] = int(item["amount"]["N"])
        if sort_key == keys.participation(CUP):
            self.participations[player_id] = store.parsed(item)

    def _count(self, item: Item) -> None:
        if "result" in item:
            result = msgspec.json.decode(item["result"]["S"], type=GameResult)
            placements = [each for each in result.placements if each.board_id == CUP]
            self.counted[item["player_id"]["S"]] += sum(each.outcome is not Outcome.REJECTED for each in placements)

    @property
    def joined(self) -> set[str]:
        return {player_id for player_id, each in self.participations.items() if each.joined_at is not None}

    def check(self, tournament: Tournament, gold_before: dict[str, int]) -> None:
        """Assert that each place is taken and paid for by one player, and that no attempt is counted twice, or not.

        Args:
            gold_before: What those had who have not left.
        """
        seats = [each for each in self.participations.values() if each.joined_at is not None]
        if tournament.capacity is None:
            assert not self.joined_by_lane
        else:
            assert +Counter(each.lane for each in seats) == +self.joined_by_lane
            assert all(self.joined_by_lane[lane] <= share(tournament.capacity, lane) for lane in range(LANES))
            assert len(seats) <= tournament.capacity
        price = sum(each.amount for each in tournament.cost)
        for player_id, gold in gold_before.items():
            assert self.gold[player_id] == gold - price * (player_id in self.joined)
            self._check_attempts(tournament, player_id)

    def _check_attempts(self, tournament: Tournament, player_id: str) -> None:
        own = self.participations.get(player_id)
        if tournament.attempts is not None:
            assert self.counted[player_id] == (own.attempts if own else 0) <= tournament.attempts
        if tournament.join_required and player_id not in self.joined:
            assert self.counted[player_id] == 0


def copied(world: World) -> World:
    """Return another world that is like it."""
    return World(client=world.client.copy(), clock=HandClock(world.clock()))
