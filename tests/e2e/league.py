"""A season of the running system whose rounds are minutes, and what each of them must come to.

A minute is long for a test. So a round goes by while tests of other modules run: test_buckets begins the first one,
test_league the last, and test_turns looks at how they ended. Each of them alone waits as long as it takes.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.layout import ACCOUNT, LAYOUT_GRACE_SECONDS, TABLE_PREFIX
from tests.e2e.client import Client, Player

LEAGUE = "minutes"
EXPORTS_BUCKET = f"{TABLE_PREFIX}exports-{ACCOUNT}"
FUNCTION = f"{TABLE_PREFIX}keep_seasons"
GRACE = timedelta(seconds=LAYOUT_GRACE_SECONDS)
TIERS = ["bronze", "silver", "gold"]
PLAYERS, SIZE = 10, 5
PRIZE, LAST_PRIZE, TROPHY = ("coin", 50), ("crown", 1), ("trophy", 1)
SEASON = {
    "season_id": LEAGUE,
    "board_id": LEAGUE,
    "title": "A league of minutes",
    "rounds": 100,
    "tiers": TIERS,
    "bucket_size": SIZE,
    "promote": {"rank": 1},
    "relegate": {"rank": 1},
    "prizes": [
        {"from": 1, "to": 1, "grants": [{"item": PRIZE[0], "amount": PRIZE[1]}]},
        {
            "from": 1,
            "to": 1,
            "tier": "silver",
            "in_last_round": True,
            "grants": [{"item": LAST_PRIZE[0], "amount": LAST_PRIZE[1]}],
        },
    ],
}
RULES = {"rules": [{"by": "rank", "from": 1, "to": 1, "grants": [{"item": TROPHY[0], "amount": TROPHY[1]}]}]}
ENOUGH = timedelta(seconds=20)
"""In which everybody is placed and plays, however busy the machine is."""
MARGIN = timedelta(seconds=10)
"""In which a season is made whose first round is then still young enough."""
MINUTE = timedelta(minutes=1)
PATIENCE_SECONDS = 180.0
"""The schedule comes once a minute, and what it begins takes some seconds."""
Json = Any


@dataclass(frozen=True, slots=True)
class Played:
    """A round in which everybody was placed, and played."""

    number: int
    period_id: str
    end: datetime
    tiers: Mapping[str, str]
    """By player."""
    buckets: Sequence[tuple[str, ...]]
    """The members of each, as they were shown."""
    scores: Mapping[str, int]
    """By player."""

    @property
    def frozen_at(self) -> datetime:
        return self.end + GRACE

    def outcomes(self) -> dict[str, str]:
        """Return how the round must end for each player: all scores differ, and one of each bucket moves each way."""
        found: dict[str, str] = {}
        for members in self.buckets:
            ordered = sorted(members, key=lambda each: -self.scores[each])
            found |= dict.fromkeys(ordered, "stayed")
            if len(ordered) > 1:
                lowest, highest = (self.tiers[members[0]] == TIERS[end] for end in (0, -1))
                found[ordered[0]] = "stayed" if highest else "promoted"
                found[ordered[-1]] = "stayed" if lowest else "relegated"
        return found

    def next_tiers(self) -> dict[str, str]:
        step = {"promoted": 1, "relegated": -1, "stayed": 0}
        return {each: TIERS[TIERS.index(self.tiers[each]) + step[move]] for each, move in self.outcomes().items()}

    def winners(self) -> set[str]:
        """Return who is first in a bucket."""
        return {max(members, key=lambda each: self.scores[each]) for members in self.buckets}


class League:
    """The season, of which there is one in a run of tests, and its players."""

    definition = SEASON

    def __init__(self, client: Client) -> None:
        self._client = client
        client.board(LEAGUE, reset="* * * * *")
        client.made("PUT", f"/admin/boards/{LEAGUE}/rewards", RULES, admin=True)
        self.players = {each.player_id: each for each in (client.player() for _ in range(PLAYERS))}
        first_period = f"{_in_time(ENOUGH + MARGIN):%Y%m%dT%H%MZ}"
        client.made("POST", "/admin/seasons", {**SEASON, "first_period": first_period}, admin=True)

    def play(self, first_score: int) -> Played:
        """Place everybody in the round under way, and let them play: the later in the list, the better."""
        _in_time()
        placed = {each.player_id: self.look(each) for each in self.players.values()}
        scores = {player_id: first_score + number for number, player_id in enumerate(self.players)}
        for player_id, score in scores.items():
            self._client.submit(LEAGUE, self.players[player_id], score)
        shown = next(iter(placed.values()))["round"]
        tiers = {player_id: membership["tier"] for player_id, membership in placed.items()}
        buckets = {tuple(self.members(player)) for player in self.players.values()}
        end = datetime.fromisoformat(shown["end"])
        return Played(shown["number"], shown["period_id"], end, tiers, sorted(buckets), scores)

    def look(self, player: Player) -> Json:
        return self._client.made("GET", f"/seasons/{LEAGUE}/me", token=player.token)

    def bucket(self, player: Player, number: int | None = None) -> Json:
        path = f"/seasons/{LEAGUE}/me/bucket" + ("" if number is None else f"?round={number}")
        return self._client.made("GET", path, token=player.token)

    def members(self, player: Player) -> list[str]:
        """Return the players of somebody's bucket of the round under way."""
        return sorted(each["player_id"] for each in self.bucket(player)["members"])

    def shown(self) -> Json:
        return self._client.made("GET", f"/seasons/{LEAGUE}")

    def end(self) -> Json:
        return self._client.made("POST", f"/admin/seasons/{LEAGUE}/end", admin=True)

    def state(self, played: Played) -> str:
        periods = self._client.made("GET", f"/boards/{LEAGUE}/periods?limit=100")["periods"]
        return next(str(each["state"]) for each in periods if each["period_id"] == played.period_id)

    def balances(self) -> dict[str, dict[str, int]]:
        return {
            player_id: self._client.made("GET", "/players/me/balances", token=player.token)["balances"]
            for player_id, player in self.players.items()
        }

    def unread(self, player: Player) -> int:
        return int(self._client.made("GET", "/", token=player.token)["lobby"]["unread_notices"])

    def inbox(self, player: Player, kind: str) -> list[Json]:
        found = self._client.made("GET", "/players/me/notices?limit=100", token=player.token)["notices"]
        return [each["content"] for each in found if each["content"]["kind"] == kind]

    def keep(self, **request: Any) -> Json:
        return keep_seasons(self._client, **request)

    def file(self, key: str) -> bytes:
        s3 = self._client.stack.target.client("s3")
        content: bytes = s3.get_object(Bucket=EXPORTS_BUCKET, Key=key)["Body"].read()
        return content


def keep_seasons(client: Client, **request: Any) -> Json:
    """Do by hand what the schedule does every minute."""
    answer = client.stack.target.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps(request))
    content = answer["Payload"].read()
    assert "FunctionError" not in answer, content
    return json.loads(content)


def eventually(look: Callable[[], object], expected: object, patience: float) -> None:
    """Return as soon as what is seen is what is expected; fail if that takes longer than ``patience``, in seconds."""
    deadline = time.monotonic() + patience
    while (seen := look()) != expected:
        assert time.monotonic() < deadline, f"{seen} is not {expected}"
        time.sleep(0.2)


def wait_until(instant: datetime) -> None:
    time.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))


def _in_time(enough: timedelta = ENOUGH) -> datetime:
    """Wait until a minute is neither too young to place anybody nor too old to finish, and return the time."""
    now = datetime.now(UTC)
    minute = now.replace(second=0, microsecond=0)
    if now - minute > MINUTE - enough:
        minute += MINUTE
    wait_until(minute + GRACE + timedelta(milliseconds=100))
    return datetime.now(UTC)
