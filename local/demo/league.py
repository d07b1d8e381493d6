"""The league: a season of two rounds, each a minute, which some of the players play while everything else goes on."""

import random
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event
from types import TracebackType
from typing import Self

from local.demo.client import Client, DemoError, Json
from local.demo.operator import Operator
from local.demo.play import Account
from local.layout import LAYOUT_GRACE_SECONDS

PLAYERS, BUCKET_SIZE = 60, 10
TIERS = ("bronze", "silver", "gold")
MOVING = 3
"""How many of each bucket rise, and how many fall."""
ROUNDS = 2
CHAMPION_GETS, WINNERS_GET = {"crown": 1, "coins": 500}, {"coins": 50}
MINUTE, HOUR, GRACE = timedelta(minutes=1), timedelta(hours=1), timedelta(seconds=LAYOUT_GRACE_SECONDS)
ENOUGH = timedelta(seconds=30)
"""In which everybody has a place, and points, on a machine that does something else beside."""
BARELY = timedelta(milliseconds=200)
PLACING = "place in a bucket"
LUCK_SPREAD = 0.4


@dataclass(frozen=True, slots=True)
class Round:
    """What everybody did in a round, and where."""

    number: int
    period_id: str
    end: datetime
    tiers: Mapping[str, str]
    """By player."""
    points: Mapping[str, int]
    """By player."""

    @property
    def frozen_at(self) -> datetime:
        """When the last of its games have been written."""
        return self.end + GRACE


class League:
    """Plays on a thread of its own, as a context manager."""

    def __init__(self, client: Client, operator: Operator, accounts: Sequence[Account]) -> None:
        self.league_id = f"demo-league-{secrets.token_hex(3)}"
        self.accounts = accounts[:PLAYERS]
        self._client = client
        self._operator = operator
        self._chance = random.Random()  # noqa: S311  # a game
        self._is_last, self._is_aborted = Event(), Event()
        self._thread = ThreadPoolExecutor(1, "league")
        self._rounds = self._thread.submit(self._play)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_last.set()
        self._is_aborted.set()
        self._thread.shutdown()

    def ended(self) -> Round:
        """Let the season end with the round under way, and return the last that was played."""
        self._is_last.set()
        last = self._rounds.result()[-1]
        self._client.post("admin", f"admin/seasons/{self.league_id}/end", {}, self._operator.authorization)
        return last

    def _play(self) -> list[Round]:
        self._make(self._in_time())
        rounds = [self._played(1)]
        while len(rounds) < ROUNDS and not self._is_last.wait(seconds_until(rounds[-1].frozen_at + BARELY)):
            rounds.append(self._played(len(rounds) + 1))
        return rounds

    def _in_time(self) -> datetime:
        """Wait for a minute that leaves enough time to play, and return its beginning."""
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        if seconds_until(minute + MINUTE - ENOUGH) == 0:
            minute += MINUTE
        if self._is_aborted.wait(seconds_until(minute + BARELY)):
            raise DemoError("the demo was stopped")
        return minute

    def _make(self, first: datetime) -> None:
        definition = {"board_id": self.league_id, "title": "League", "unit": "points", "reset": minutes_from(first)}
        rules = {"rules": [{"by": "rank", "from": 1, "to": 1, "grants": _grants(CHAMPION_GETS)}]}
        season = {
            "season_id": self.league_id,
            "board_id": self.league_id,
            "title": "League",
            "first_period": f"{first:%Y%m%dT%H%MZ}",
            "rounds": ROUNDS,
            "tiers": TIERS,
            "bucket_size": BUCKET_SIZE,
            "promote": {"rank": MOVING},
            "relegate": {"rank": MOVING},
            "prizes": [{"from": 1, "to": 1, "grants": _grants(WINNERS_GET)}],
        }
        as_admin = self._operator.authorization
        self._client.post("admin", "admin/boards", definition, as_admin)
        self._client.call("admin", "PUT", f"admin/boards/{self.league_id}/rewards", rules, as_admin)
        self._client.post("admin", "admin/seasons", season, as_admin)

    def _played(self, number: int) -> Round:
        """Give everybody a place in the round under way, and points."""
        places = {account.player_id: self._place(account) for account in self.accounts}
        points = {account.player_id: self._points(account) for account in self.accounts}
        self._submit(points)
        current = next(iter(places.values()))["round"]
        end = datetime.fromisoformat(current["end"])
        if not seconds_until(end):
            raise DemoError(f"This machine is too busy: round {number} was over before all {len(points)} had played.")
        tiers = {player_id: place["tier"] for player_id, place in places.items()}
        return Round(number, current["period_id"], end, tiers, points)

    def _place(self, account: Account) -> Json:
        return self._client.call(PLACING, "GET", f"seasons/{self.league_id}/me", None, account.authorization)

    def _points(self, account: Account) -> int:
        """Return what somebody brings home, with luck, from one more drive."""
        return 5 * round(account.player.drives[0].points / 5 * self._chance.lognormvariate(0, LUCK_SPREAD))

    def _submit(self, points: Mapping[str, int]) -> None:
        submissions = [{"player_id": player_id, "score": score} for player_id, score in points.items()]
        path = f"admin/boards/{self.league_id}/submissions/batch"
        self._client.post("admin", path, {"submissions": submissions}, self._operator.authorization)


def minutes_from(first: datetime) -> str:
    """Return a schedule of every minute of this hour and the next one: a board that is left goes quiet soon.

    >>> minutes_from(datetime(2026, 12, 31, 23, 5, tzinfo=UTC))
    '* 23,0 31,1 12,1 *'
    """
    hours = first, first + HOUR
    fields = [dict.fromkeys(getattr(each, name) for each in hours) for name in ("hour", "day", "month")]
    return f"* {' '.join(','.join(map(str, values)) for values in fields)} *"


def seconds_until(instant: datetime) -> float:
    return max(0.0, (instant - datetime.now(UTC)).total_seconds())


def _grants(amounts: Mapping[str, int]) -> list[Json]:
    return [{"item": item, "amount": amount} for item, amount in amounts.items()]
