"""Tournaments on the deployed system: one is stopped, and pays for another one, which is full, played and over."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.client import Client, Player
from tests.e2e.league import GRACE, PATIENCE_SECONDS, eventually, keep_seasons, wait_until

pytestmark = pytest.mark.e2e

QUALIFIER, CUP, LATER_CUP = "qualifier", "cup", "later-cup"
TICKETS, PRICE, PLACES, ATTEMPTS = 5, 3, 2, 2
PAYING, WINNING = {"ticket": TICKETS}, {"cup": 1}
SOON, LONG = timedelta(seconds=10), timedelta(hours=1)
A_MOMENT = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True)
class Cup:
    """A cup that has not started; the first three players have what it costs, the last has nothing."""

    players: list[Player]
    poor: Player
    starts_at: datetime


def in_order(client: Client, board_id: str) -> list[tuple[str, int]]:
    entries = client.made("GET", f"/boards/{board_id}/entries")["entries"]
    return [(each["player_id"], each["score"]) for each in entries]


def hold(client: Client, board_id: str, starts_at: datetime, gift: dict[str, int], last: int, **rules: Any) -> None:
    """Begin a tournament whose ranks down to ``last`` get a gift."""
    times = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + LONG).isoformat()}
    client.board(board_id, tournament={**times, **rules})
    grants = [{"item": item, "amount": amount} for item, amount in gift.items()]
    rules = {"rules": [{"by": "rank", "from": 1, "to": last, "grants": grants}]}
    client.made("PUT", f"/admin/boards/{board_id}/rewards", rules, admin=True)


def stopped(client: Client, board_id: str) -> datetime:
    """Stop a tournament, and return when."""
    board = client.made("POST", f"/admin/boards/{board_id}/stop", admin=True)
    return datetime.fromisoformat(board["tournament"]["stopped_at"])


def turned(client: Client, board_id: str, end: datetime) -> None:
    """Have a tournament archived and rewarded, as soon as nobody can be writing into it any more."""
    wait_until(end + GRACE + A_MOMENT)

    def state() -> str:
        keep_seasons(client, board_id=board_id)
        return str(client.made("GET", f"/boards/{board_id}/periods")["periods"][0]["state"])

    eventually(state, "done", PATIENCE_SECONDS)


def balances(client: Client, player: Player) -> Any:
    return client.made("GET", "/players/me/balances", token=player.token)["balances"]


def refusal(client: Client, player: Player) -> str:
    """Return why a player who wants to join may not."""
    answer = client.call("POST", f"/boards/{CUP}/join", {}, token=player.token)
    assert not answer.ok, answer.text
    return str(answer.json()["error"]["code"])


def placed(client: Client, player: Player, score: int) -> tuple[str, str | None]:
    """Play a game of the cup, and return what became of its score, and why."""
    answer = client.end(player, client.game(player), **{CUP: score})
    assert answer.ok, answer.text
    [found] = answer.json()["placements"]
    return found["outcome"], found["reason"]


@pytest.fixture(scope="module")
def cup(client: Client) -> Cup:
    """A cup whose players have earned what it costs in a qualifier, which was stopped."""
    players = [client.player() for _ in range(3)]
    now = datetime.now(UTC).replace(microsecond=0)
    hold(client, QUALIFIER, now, PAYING, last=3)
    for score, player in enumerate(players):
        client.submit(QUALIFIER, player, score)
    end = stopped(client, QUALIFIER)
    assert stopped(client, QUALIFIER) == end, "it is stopped once"
    starts_at = datetime.now(UTC).replace(microsecond=0) + SOON
    rules = {"join_required": True, "capacity": PLACES, "attempts": ATTEMPTS}
    hold(client, CUP, starts_at, WINNING, last=1, cost=[{"item": "ticket", "amount": PRICE}], **rules)
    poor = client.player()
    assert placed(client, poor, 1) == ("rejected", "not_started")
    turned(client, QUALIFIER, end)
    return Cup(players, poor, starts_at)


@pytest.fixture(scope="module")
def joined(client: Client, cup: Cup) -> Cup:
    """A cup that has started, with all its places taken."""
    for player in cup.players[:PLACES]:
        first, again = (client.made("POST", f"/boards/{CUP}/join", {}, token=player.token) for _ in range(2))
        assert first["participation"] == again["participation"], "the same call again changes nothing"
    wait_until(cup.starts_at)
    keep_seasons(client)
    return cup


@pytest.fixture(scope="module")
def over(client: Client, joined: Cup) -> Cup:
    """A cup that was played until nobody had attempts left, and stopped."""
    first, second = joined.players[:PLACES]
    for player, scores in ((first, (50, 40)), (second, (60, 30))):
        assert [placed(client, player, score)[0] for score in scores] == ["improved", "kept"]
        assert placed(client, player, 99) == ("rejected", "no_attempts_left")
    turned(client, CUP, stopped(client, CUP))
    return joined


def test_who_cannot_pay_gets_no_place(client: Client, cup: Cup) -> None:
    assert refusal(client, cup.poor) == "balance_too_low"


def test_a_place_is_paid_for_once_and_there_are_no_more_than_planned(client: Client, joined: Cup) -> None:
    outsider = joined.players[PLACES]

    assert refusal(client, outsider) == "tournament_full"
    assert [balances(client, each) for each in joined.players] == [{"ticket": TICKETS - PRICE}] * PLACES + [PAYING]
    assert placed(client, outsider, 70) == ("rejected", "not_joined")


def test_what_was_paid_comes_back_to_who_withdraws_and_of_what_was_called_off(client: Client, joined: Cup) -> None:
    outsider, path = joined.players[PLACES], f"/boards/{LATER_CUP}"
    rules = {"join_required": True, "capacity": 1, "cost": [{"item": "ticket", "amount": PRICE}]}
    hold(client, LATER_CUP, datetime.now(UTC) + LONG, WINNING, last=1, **rules)

    for is_called_off in (False, True):
        client.made("POST", f"{path}/join", {}, token=outsider.token)
        assert balances(client, outsider) == {"ticket": TICKETS - PRICE}
        if is_called_off:
            stopped(client, LATER_CUP)
        answers = [client.made("POST", f"{path}/withdraw", {}, token=outsider.token) for _ in range(2)]
        assert [(each["participation"], each["places_left"]) for each in answers] == [(None, 1)] * 2
        assert balances(client, outsider) == PAYING


def test_what_counted_before_the_end_is_rewarded_and_nothing_counts_after_it(client: Client, over: Cup) -> None:
    first, second = over.players[:PLACES]

    assert placed(client, first, 1000) == ("rejected", "over")
    assert in_order(client, CUP) == [(second.player_id, 60), (first.player_id, 50)]
    assert [balances(client, each) for each in (second, first)] == [
        {"ticket": TICKETS - PRICE, **WINNING},
        {"ticket": TICKETS - PRICE},
    ]
    assert refusal(client, over.poor) == "tournament_over"


def test_everybody_is_told_once_that_it_began_and_is_over(client: Client, over: Cup) -> None:
    keep_seasons(client)

    def told() -> list[str]:
        notices = client.made("GET", "/notices?limit=100")["notices"]
        return sorted(each["content"]["title"] for each in notices if each["content"]["board_id"] == CUP)

    eventually(told, [f"{CUP} has begun", f"{CUP} is over"], PATIENCE_SECONDS)
