"""How a round of the league ended: held against the games that were played, and read from what Laurel keeps of it."""

import gzip
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from local.demo.client import Client, DemoError, Json
from local.demo.league import MOVING, TIERS, League, Round
from local.demo.operator import Operator
from local.demo.play import Account

PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.5
STEPS = {"promoted": 1, "stayed": 0, "relegated": -1}


@dataclass(frozen=True, slots=True)
class Archive:
    """What is kept of a round for ever."""

    manifest: str
    """Its key."""
    files: int
    lines: list[Json]
    """All of them, in rank order."""
    damaged: list[str]
    """Files that are not what the manifest says."""


@dataclass(frozen=True, slots=True)
class Ending:
    buckets: list[list[str]]
    """The members of each."""
    told: Mapping[str, Json]
    """The result that each player found in the inbox."""
    archive: Archive

    def moved(self, tier: str, outcome: str) -> list[str]:
        """Return who of a tier moved so, or stayed."""
        return [player for player, each in self.told.items() if (each["tier"], each["outcome"]) == (tier, outcome)]

    def tiers_after(self) -> Counter[str]:
        """Return how many players each tier has from then on."""
        return Counter(TIERS[TIERS.index(each["tier"]) + STEPS[each["outcome"]]] for each in self.told.values())


def settled(client: Client, operator: Operator, league: League, played: Round) -> None:
    """Have a round that is frozen archived, rewarded and closed; raise DemoError where that takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        operator.keep_seasons(board_id=league.league_id)
        closed = client.get("season", f"seasons/{league.league_id}")["closed_rounds"]
        periods = client.get("periods", f"boards/{league.league_id}/periods")["periods"]
        states = {each["period_id"]: each["state"] for each in periods}
        if closed >= played.number and states[played.period_id] == "done":
            return
        time.sleep(LOOK_SECONDS)
    raise DemoError(f"Round {played.number} of the league was not closed within {PATIENCE_SECONDS:.0f} s")


def read_ending(client: Client, operator: Operator, league: League, played: Round) -> Ending:
    """Return what a round that is settled came to, as players and operators see it."""
    members: dict[str, list[str]] = {}
    for account in league.accounts:
        if account.player_id not in members:
            bucket = _bucket(client, league, played, account)
            members |= dict.fromkeys(bucket, bucket)
    buckets = list({id(bucket): bucket for bucket in members.values()}.values())
    told = {account.player_id: _result(client, played, account) for account in league.accounts}
    return Ending(buckets, told, read_archive(operator, league.league_id, played.period_id))


def read_archive(operator: Operator, board_id: str, period_id: str) -> Archive:
    [kept] = operator.keep_seasons(board_id=board_id, period=period_id)["rollovers"]
    key = kept["turn"]["manifest"]
    pairs = json.loads(operator.stored(key))["files"]
    files = [(file, operator.stored(file["name"])) for pair in pairs for file in pair.values()]
    damaged = [file["name"] for file, content in files if file["sha256"] != hashlib.sha256(content).hexdigest()]
    text = b"".join(gzip.decompress(operator.stored(pair["jsonl"]["name"])) for pair in pairs)
    return Archive(key, len(files), [json.loads(line) for line in text.splitlines()], damaged)


def inbox(client: Client, account: Account) -> list[Json]:
    """Return what a player was told, the newest first."""
    path = "players/me/notices?limit=100"
    found: list[Json] = client.call("inbox", "GET", path, None, account.authorization)["notices"]
    return found


def mistakes(played: Round, ending: Ending, names: Mapping[str, str]) -> Iterator[str]:
    """Yield what is not as the games say, in words."""
    places = Counter(player for bucket in ending.buckets for player in bucket)
    for player, tier in played.tiers.items():
        if places.pop(player, 0) != 1:
            yield f"{names[player]} is not in one bucket"
        told = ending.told[player]
        if told.get("tier") != tier:
            yield f"{names[player]} was told of tier {told.get('tier')}, and played in {tier}"
    yield from (f"player {player}, who has not played, is in a bucket" for player in places)
    for bucket in ending.buckets:
        for player, outcome in outcomes(played, bucket).items():
            if (said := ending.told[player].get("outcome")) != outcome:
                yield f"{names[player]} was {said}, but should have been {outcome}"
    yield from _wrong_archive(played, ending.archive)


def outcomes(played: Round, bucket: Sequence[str]) -> dict[str, str]:
    """Return how a round must end for the members of a bucket who played."""
    known = [player for player in bucket if player in played.points]
    return {player: _outcome(played, known, player) for player in known}


def _outcome(played: Round, bucket: Sequence[str], player: str) -> str:
    points, tier = played.points[player], TIERS.index(played.tiers[player])
    rises = sum(played.points[other] > points for other in bucket) < MOVING
    falls = sum(played.points[other] < points for other in bucket) < MOVING
    step = (rises - falls) if 0 <= tier + rises - falls < len(TIERS) else 0
    return next(outcome for outcome, each in STEPS.items() if each == step)


def _wrong_archive(played: Round, archive: Archive) -> Iterator[str]:
    yield from (f"{name} is not what the manifest says" for name in archive.damaged)
    points = sorted(played.points.values(), reverse=True)
    found = {line["player_id"]: (line["rank"], line["score"]) for line in archive.lines}
    if found != {player: (1 + points.index(each), each) for player, each in played.points.items()}:
        yield "the archive is not what the games come to"


def _bucket(client: Client, league: League, played: Round, account: Account) -> list[str]:
    path = f"seasons/{league.league_id}/me/bucket?round={played.number}"
    shown = client.call("bucket", "GET", path, None, account.authorization)
    return [member["player_id"] for member in shown["members"]]


def _result(client: Client, played: Round, account: Account) -> Json:
    """Return the notice of how a round ended; wait for it as long as SNS takes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for notice in inbox(client, account):
            content: Json = notice["content"]
            if content["kind"] == "season_result" and content["period_id"] == played.period_id:
                return content
        time.sleep(LOOK_SECONDS)
    raise DemoError(f"{account.player.name} was not told how round {played.number} ended")
