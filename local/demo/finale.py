"""The last act: a round of the league ends, and everybody sees what it brings."""

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from local.demo.client import Client, Json
from local.demo.ending import Ending, inbox, mistakes, read_ending, settled
from local.demo.league import BARELY, BUCKET_SIZE, TIERS, League, Round, seconds_until
from local.demo.operator import Operator
from local.demo.play import Account
from local.demo.screen import BOLD, GREEN, RED, Screen
from local.layout import LAYOUT_GRACE_SECONDS

NAMED = 6


class Finale:
    def __init__(self, client: Client, operator: Operator, screen: Screen) -> None:
        self._client = client
        self._operator = operator
        self._screen = screen

    def show(self, league: League) -> bool:
        """Wait for the end of the round under way, and show it; return whether it ended as the games say."""
        played = league.ended()
        names = {account.player_id: account.player.name for account in league.accounts}
        self._screen.say(f"\nA league of {len(names)} of them has gone on meanwhile: a round a minute", BOLD)
        self._wait(played)
        settled(self._client, self._operator, league, played)
        ending = read_ending(self._client, self._operator, league, played)
        self._tell(played, ending, names)
        self._congratulate(league, ending)
        found = list(mistakes(played, ending, names))
        self._conclude(played, ending, found)
        return not found

    def _wait(self, played: Round) -> None:
        seconds, end = math.ceil(seconds_until(played.frozen_at + BARELY)), f"{played.end:%H:%M:%S} UTC"
        if not seconds:
            self._screen.say(f"Round {played.number} has ended at {end}.")
            return
        told = f"its last games are written until {LAYOUT_GRACE_SECONDS} s later"
        self._screen.say(f"Round {played.number} ends at {end}; {told}.")
        with self._screen.progress("waiting", seconds) as step:
            for left in range(seconds, 0, -1):
                time.sleep(seconds_until(played.frozen_at + BARELY) / left)
                step()
        self._screen.say("The schedule would end it within a minute; it is called at once.")

    def _tell(self, played: Round, ending: Ending, names: Mapping[str, str]) -> None:
        size = f"buckets of {BUCKET_SIZE} at most"
        self._screen.say(f"\nRound {played.number}: {len(ending.buckets)} {size}; three of each rise, three fall", BOLD)
        for tier in reversed(TIERS):
            for outcome in ("promoted", "relegated"):
                moved = ending.moved(tier, outcome)
                if moved:
                    self._screen.say(f"  {outcome} from {tier}: {_some([names[player] for player in moved])}")
        if set(played.tiers.values()) == {TIERS[0]}:
            self._screen.say(f"  relegated: nobody. Everybody begins in the lowest tier, {TIERS[0]}.")

    def _congratulate(self, league: League, ending: Ending) -> None:
        champion = _champion(league.accounts, ending)
        balances = self._client.call("balances", "GET", "players/me/balances", None, champion.authorization)["balances"]
        self._screen.say(
            f"\nThe champion, {champion.player.name}, now has {_amounts(balances)}, and in the inbox:", BOLD
        )
        for notice in inbox(self._client, champion):
            self._screen.say(f"  {notice['sent_at']}  {shown(notice['content'])}")

    def _conclude(self, played: Round, ending: Ending, found: Sequence[str]) -> None:
        archive, after = ending.archive, ending.tiers_after()
        intact = archive.files - len(archive.damaged)
        colour = RED if found else GREEN
        self._screen.say(f"\nThe archive: {archive.manifest}")
        self._screen.say(f"{intact} of {archive.files} files have the SHA-256 that it names", colour)
        before = Counter(played.tiers.values())
        text = f"{before.total()} players before, {_tiers(before)}; {after.total()} after, {_tiers(after)}"
        self._screen.say(text, colour)
        for each in found:
            self._screen.say(f"  {each}", RED)


def shown(content: Json) -> str:
    """Return a notice as its player reads it.

    >>> shown({"kind": "season_result", "tier": "silver", "rank": 2, "outcome": "promoted"})
    'season result: rank 2 in silver, promoted'
    >>> shown({"kind": "reward", "grants": [{"item": "coins", "amount": 50}], "rank": 1})
    'reward: 50 coins for rank 1'
    """
    if content["kind"] == "season_result":
        return f"season result: rank {content['rank']} in {content['tier']}, {content['outcome']}"
    if content["kind"] == "reward":
        grants = _amounts({grant["item"]: grant["amount"] for grant in content["grants"]})
        return f"reward: {grants} for rank {content['rank']}"
    return f"{content['kind']}: {content['title']}"


def _champion(accounts: Sequence[Account], ending: Ending) -> Account:
    best = ending.archive.lines[0]["player_id"]
    return next(account for account in accounts if account.player_id == best)


def _amounts(amount_by_item: Mapping[str, int]) -> str:
    return ", ".join(f"{amount:,} {item}" for item, amount in amount_by_item.items())


def _tiers(players_by_tier: Mapping[str, int]) -> str:
    return ", ".join(f"{players_by_tier[tier]} {tier}" for tier in TIERS if players_by_tier.get(tier))


def _some(names: Sequence[str]) -> str:
    """Return a few names, and how many more there are.

    >>> _some(["Ada", "Ben"])
    'Ada, Ben'
    >>> _some(list("abcdefgh"))
    'a, b, c, d, e, f and 2 more'
    """
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
