"""A season that is played: players who look, play and leave, held to whole rounds that are computed at once."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from chalicelib.bootstrap.seasons import Seasons, build_seasons
from chalicelib.config import Config, SigningKey
from chalicelib.domain.buckets import Membership
from chalicelib.domain.jobs import Job
from chalicelib.domain.rewards import Grant
from chalicelib.domain.seasons import Cut, Move, Prize, Season
from chalicelib.services.seasons import Seasons as SeasonBook
from chalicelib.store.buckets import BucketStore
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.keys import parsed_bucket
from tests.domain.test_buckets import expected_moves
from tests.fake_s3 import FakeS3
from tests.fake_sns import TOPIC, FakeSns
from tests.services.turning import GRACE, HOURLY, submit
from tests.services.works import BUCKET, never
from tests.tables import PREFIX
from tests.world import SECRET, HandClock, Inline, World

_CONFIG = Config("test", PREFIX, (SigningKey("a", SECRET),), (), {}, GRACE, exports_bucket=BUCKET, notices_topic=TOPIC)
TIERS = ("bronze", "silver", "gold")
PRIZES = (Prize(1, 1, (Grant("gold", 10),)), Prize(1, 2, (Grant("crown", 1),), in_last_round=True))
BucketKey = tuple[int, str]
"""A round, and the path of a bucket in it."""


@dataclass(slots=True)
class Final:
    """A bucket as it was when its round was frozen."""

    members: set[str]
    score_by_player: dict[str, int]


@dataclass
class League:
    """A world with an hourly board and a season on it, which begins with the hour after the world does."""

    world: World
    sns: FakeSns = field(default_factory=FakeSns)
    finals: dict[BucketKey, Final] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)

    def another_process(self, at_once: int = 2) -> Seasons:
        """Return what the schedule uses, which places players as the API does."""
        clients = Clients(connect=lambda service: self.sns if service == "sns" else FakeS3({BUCKET}))
        dynamo = Dynamo(self.world.client, Inline(), self.world.pauses.append)
        return build_seasons(_CONFIG, dynamo, clients, self.world.clock, closed_at_once=at_once)

    @property
    def season(self) -> Season:
        return self.another_process().rounds.seasons.get("winter")

    def look(self, player_id: str, use: Seasons | None = None) -> Membership:
        return (use or self.another_process()).rounds.placement.place("winter", player_id)

    def play(self, player_id: str, score: int) -> None:
        submit(self.world, player_id, score)

    def leave(self, player_id: str) -> None:
        self.left.add(player_id)
        self.world.services.players.delete(player_id)

    def until(self, number: int, **later: float) -> None:
        """Let the clock show the beginning of a round, or some time after it."""
        self.world.clock.instant = self.season.rounds[number - 1].start
        self.world.clock.advance(**later)

    def freeze(self, number: int) -> None:
        """Let a round end and be frozen; what its buckets and records say then is what counts."""
        ended = self.season.rounds[number - 1]
        self.world.clock.instant = ended.end + GRACE
        score_by_player = {
            item["player_id"]["S"]: int(item["score"]["N"])
            for item in self.world.items("records")
            if item["board_period"]["S"] == f"race#{ended.period_id}" and not item["hidden"]["BOOL"]
        }
        for (played, path), item in self.buckets().items():
            if played == number:
                self.finals[played, path] = Final(set(item["members"]), score_by_player)

    def closed(self, use: Seasons | None = None) -> list[Job]:
        """Let the schedule run once."""
        use = use or self.another_process()
        return use.closing.keep(use.rounds.seasons.all(), never)

    # What has come of it.

    @property
    def store(self) -> BucketStore:
        return self.world.services.players._buckets  # noqa: SLF001  # read as it is stored

    def memberships(self) -> dict[tuple[str, int], Membership]:
        """Return who is where, by player and round."""
        players = {item["pk"]["S"].partition("#")[2] for item in self.world.items("players")}
        found = [each for player_id in players for each in self.store.memberships(player_id)]
        assert len({(each.player_id, each.round) for each in found}) == len(found)
        return {(each.player_id, each.round): each for each in found}

    def buckets(self) -> dict[BucketKey, dict[str, Any]]:
        """Return the members of buckets, the places given, and how they ended."""
        found: dict[BucketKey, dict[str, Any]] = {}
        for item in self.world.items("seasons"):
            kind, *rest = item["pk"]["S"].split("#")
            if kind == "bucket":
                found[int(rest[1]), rest[2]] = {
                    "members": item.get("members", {"SS": []})["SS"],
                    "taken": int(item.get("taken", {"N": "0"})["N"]),
                    "places": [tuple(each) for each in json.loads(item["places"]["S"])] if "places" in item else None,
                }
        return found

    def check(self) -> None:
        """Assert that players are conserved, and are where whole rounds computed at once would have them."""
        memberships, found = self.memberships(), self.buckets()
        self._check_conserved(memberships, found)
        tiers = self._tiers(found)
        for (player_id, number), membership in memberships.items():
            assert (membership.came, membership.bucket.shelf.tier) == _last_of(tiers, player_id, number)

    def _check_conserved(
        self, memberships: Mapping[tuple[str, int], Membership], found: Mapping[BucketKey, dict[str, Any]]
    ) -> None:
        held = [(player_id, number, path) for (number, path), each in found.items() for player_id in each["members"]]
        assert sorted(held) == sorted(
            (player_id, number, _path(each)) for (player_id, number), each in memberships.items()
        )
        open_numbers = self._open_numbers()
        for (number, path), each in found.items():
            bucket = parsed_bucket(path)
            assert 0 <= each["taken"] - len(each["members"]) <= len(self.left)
            assert each["taken"] <= self.season.bucket_size
            assert bucket.number <= open_numbers[number, bucket.shelf.tier, bucket.shelf.band, bucket.lane]

    def _open_numbers(self) -> dict[tuple[int, int, int, int], int]:
        return {
            (played.number, shelf.tier, shelf.band, lane): number
            for played in self.season.rounds
            for shelf, lanes in self.store.shelves("winter", played.number).items()
            for lane, number in lanes.newest.items()
        }

    def _tiers(self, found: Mapping[BucketKey, dict[str, Any]]) -> dict[tuple[str, int], tuple[Move, int]]:
        """Compute whole rounds, bucket by bucket: into which tier each player's round leads, and how."""
        season, after = self.season, {}
        for (number, path), final in self.finals.items():
            members = self._ranked(final, found.get((number, path)))
            scores = [final.score_by_player.get(player_id) for player_id in members]
            moves = expected_moves(scores, season.promote, season.relegate)
            for player_id, move in zip(members, moves, strict=True):
                after[player_id, number] = _bounded(parsed_bucket(path).shelf.tier, move)
        return after

    def _ranked(self, final: Final, bucket: Mapping[str, Any] | None) -> list[str]:
        """Return whose places count: all members, less those who left before anybody looked."""
        if bucket is None or bucket["places"] is None:
            return sorted(final.members)
        ranked = {player_id for player_id, _ in bucket["places"]}
        assert len(ranked) == len(bucket["places"])
        assert ranked <= final.members
        assert final.members - ranked <= self.left
        return sorted(ranked)


def _bounded(tier: int, move: Move) -> tuple[Move, int]:
    if (tier, move) in {(0, Move.RELEGATED), (len(TIERS) - 1, Move.PROMOTED)}:
        return Move.STAYED, tier
    return move, tier + [Move.RELEGATED, Move.STAYED, Move.PROMOTED].index(move) - 1


def _last_of(tiers: Mapping[tuple[str, int], tuple[Move, int]], player_id: str, number: int) -> tuple[Move | None, int]:
    """Return where the last round that a player played before one leads to."""
    played = [before for who, before in tiers if who == player_id and before < number]
    return tiers[player_id, max(played)] if played else (None, 0)


def _path(membership: Membership) -> str:
    shelf = membership.bucket.shelf
    return f"{shelf.tier}.{shelf.band}.{membership.bucket.lane}.{membership.bucket.number}"


def made(seasons: SeasonBook, **changes: Any) -> Season:
    """Make the season of these tests."""
    plain: dict[str, Any] = {
        "season_id": "winter",
        "board_id": "race",
        "title": "Winter",
        "first_period": None,
        "rounds": 4,
        "tiers": TIERS,
        "bucket_size": 3,
        "promote": Cut(rank=1),
        "relegate": Cut(rank=1),
        "prizes": PRIZES,
    }
    return seasons.create(**{**plain, **changes})


@cache
def _master(players: int, changes: tuple[tuple[str, Any], ...]) -> tuple[World, list[str]]:
    world = World()
    world.board(reset=HOURLY)
    made(world.services.rounds.seasons, **dict(changes))
    return world, [world.player(f"p{number}") for number in range(players)]


def league(players: int, **changes: Any) -> tuple[League, list[str]]:
    """Return a season that has just begun, and the ids of players who have not looked yet."""
    master, ids = _master(players, tuple(changes.items()))
    world = World(client=master.client.copy(), clock=HandClock(master.clock()))
    found = League(world)
    found.until(1)
    return found, ids


def each_look(found: League, players: Iterable[str]) -> list[Membership]:
    return [found.look(player_id) for player_id in players]
