"""The same histories on a DynamoDB nobody here wrote: what the stand-in lets pass, moto lets pass too."""

from contextlib import suppress
from random import Random
from typing import Any

import pytest

from chalicelib.domain.boards import Operator, SortOrder
from chalicelib.domain.buckets import Shelf
from chalicelib.domain.jobs import JobState
from chalicelib.domain.layouts import Layout, Layouts
from chalicelib.domain.records import Submission
from chalicelib.errors import ConflictError
from chalicelib.services.rebuild import Options
from tests import invariants
from tests.expressions import Item
from tests.fake_dynamodb import Call, FakeDynamoDB
from tests.services.cups import CUP, PRICE, Books, cup, give
from tests.services.histories import BOARDS, PLAYERS, History, Leave, Moderate, Play, Rename, Step, Submit, Wait
from tests.services.league import League, each_look, made
from tests.services.turning import HOURLY, Turning, played
from tests.services.turning import RULES as RULES_OF_REWARDS
from tests.services.works import Works, crowd
from tests.world import EPOCH, World


class Forwarding(FakeDynamoDB):
    """Sends every call on to a real client, and keeps the hooks."""

    def __init__(self, client: Any) -> None:
        super().__init__(())
        self._client = client
        self.exceptions = client.exceptions

    def perform(self, call: Call) -> Item:
        return self._client._make_api_call(call.operation, call.request)  # type: ignore[no-any-return]  # noqa: SLF001

    def items(self, table: str) -> list[Item]:
        return list(self._client.scan(TableName=table)["Items"])


RULES: list[dict[str, object]] = [
    {"sort_order": SortOrder.DESC, "reset": "0 * * * *", "retention_days": 30},
    {"sort_order": SortOrder.ASC, "subscore_order": SortOrder.DESC, "operator": Operator.SET},
    {"sort_order": SortOrder.DESC, "operator": Operator.INCR, "layouts": Layouts(Layout(digits=2, lanes=2, slices=1))},
]


def steps(random: Random, count: int) -> list[Step]:
    return [_step(random) for _ in range(count)]


def _step(random: Random) -> Step:
    player, board_id = random.randrange(PLAYERS), random.choice(BOARDS)
    lines = tuple((each, _score(random), random.randint(-1, 1)) for each in random.sample(BOARDS, random.randint(1, 2)))
    kind = random.choice(["play"] * 6 + ["submit", "moderate", "rename", "leave", "wait"])
    match kind:
        case "play":
            return Play(player, lines, again=random.random() < 0.3)
        case "submit":
            listed = tuple((random.randrange(PLAYERS), *line) for line in lines)
            return Submit(listed, batch=random.random() < 0.5, again=True)
        case "moderate":
            return Moderate(player, board_id, random.choice(["hide", "show", "remove"]))
        case "rename":
            return Rename(player, "Eve")
        case "leave":
            return Leave(player)
        case _:
            return Wait(random.choice([1, 4000]))


def _score(random: Random) -> int:
    return random.choice([random.randint(-2, 2), random.randint(100_000, 100_010), random.randint(0, 10**6)])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(len(RULES)))
def test_every_answer_equals_a_sorted_lists_on_moto_too(table_prefix: str, dynamodb: Any, seed: int) -> None:
    random = Random(seed)
    rules = {board_id: RULES[(seed + number) % len(RULES)] for number, board_id in enumerate(BOARDS)}
    played = History(rules, random, World(client=Forwarding(dynamodb)))

    for step in steps(random, 30):
        played.take(step)

    played.check()


@pytest.mark.slow
def test_rebuilds_and_audits_on_moto_too(table_prefix: str, dynamodb: Any) -> None:
    world = World(client=Forwarding(dynamodb))
    world.board()
    crowd(world, [5, 5, 7, 40, 4096, 100_000])
    works = Works(world)
    ranks = world.ranks()

    assert works.rebuilt(Options(lanes=2, digits=4, slices=1)).state is JobState.DONE

    assert (works.audited().drift, world.ranks()) == (0, ranks)
    assert works.nodes(1) == []
    invariants.check(world)


def test_a_period_is_turned_and_rewarded_on_moto_too(table_prefix: str, dynamodb: Any) -> None:
    world, ids = played([5, 5, 7, 40, 4096, 100_000, -3], World(client=Forwarding(dynamodb)))
    turning = Turning(world)
    turning.set_rules(RULES_OF_REWARDS)
    expected = turning.oracle()
    world.clock.advance(hours=1, minutes=2)
    world.services.players.delete(ids[0])

    turning.kept()

    del expected.lines[ids[0]]
    turning.check(expected, RULES_OF_REWARDS)


def test_a_season_is_played_on_moto_too(table_prefix: str, dynamodb: Any) -> None:
    del table_prefix
    world = World(client=Forwarding(dynamodb))
    world.board(reset=HOURLY)
    made(world.services.rounds.seasons)
    found = League(world)
    ids = [world.player(f"p{number}") for number in range(11)]
    found.until(1)
    for lane in range(3):
        found.store.begin_lane("winter", 1, Shelf(0), lane)

    each_look(found, ids)
    for number, player_id in enumerate(ids[:-1]):
        found.play(player_id, number)
    found.leave(ids[-1])
    found.freeze(1)
    each_look(found, ids[:4])
    found.closed()

    assert found.season.closed == 1
    found.check()


def test_tournaments_are_joined_and_played_on_moto_too(table_prefix: str, dynamodb: Any) -> None:
    del table_prefix
    world = World(client=Forwarding(dynamodb))
    tournament = cup(join_required=True, capacity=3, attempts=1, cost=PRICE)
    world.board(CUP, tournament=tournament)
    world.board()
    world.clock.instant = tournament.starts_at
    ids = [world.player(f"p{number}") for number in range(6)]
    for number, player_id in enumerate(ids):
        give(world, player_id, gold=5 + 10 * (number > 0))

    world.clock.instant = EPOCH
    world.services.tournaments.join(CUP, ids[4])
    for _ in range(2):
        assert world.services.tournaments.withdraw(CUP, ids[4]).places_left == 3
    world.clock.instant = tournament.starts_at
    for player_id in ids:
        for _ in range(2):
            with suppress(ConflictError):
                world.another_process().tournaments.join(CUP, player_id)
    for player_id in ids:
        world.play(player_id, Submission(CUP, 5))
        world.play(player_id, Submission(CUP, 4))
    world.services.players.delete(ids[1])
    world.services.tournaments.join(CUP, ids[5])

    books = Books.of(world)
    assert books.joined == {ids[2], ids[3], ids[5]}
    assert [books.counted[each] for each in ids] == [0, 0, 1, 1, 0, 0]
    books.check(tournament, dict.fromkeys(ids[2:], 15))
