"""The app as API Gateway calls it, over boards of any size: who plays, what is stored, the events of its routes."""

import json
import logging
import math
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import NormalDist
from types import SimpleNamespace
from typing import Any, Self

from bench.memory import MemoryDynamoDB
from chalicelib import logs
from chalicelib.bootstrap import serving
from chalicelib.domain import periods, records
from chalicelib.domain.boards import Board
from chalicelib.domain.periods import Period
from chalicelib.domain.records import Record
from chalicelib.services.settle import settlement_of
from chalicelib.store import dynamo
from chalicelib.store.ranks import UNMARKED, RankStore
from chalicelib.store.records import RecordStore
from local.layout import ACCESS_KEY, SECRET_KEY
from tests.tables import PREFIX

_NOWHERE = Path(os.devnull).open("w")  # noqa: SIM115  # for as long as the process lives

Event = dict[str, Any]
Answer = Any

ADMIN_KEY = "an admin key of the benchmarks"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,  # the only one that the embedded AWS lets do everything
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "LAUREL_MEDIA_BUCKET": "media",
    "LAUREL_MEDIA_URL": "https://media.example.com/",
    "LAUREL_STAGE": "bench",
    "LAUREL_TABLE_PREFIX": PREFIX,
    "LAUREL_SIGNING_KEYS": "bench:a secret that signs nothing but benchmarks",
    "LAUREL_ADMIN_KEY_HASHES": sha256(ADMIN_KEY.encode()).hexdigest(),
}

POINTS = {"board_id": "points", "title": "Points", "limits": {"max_score": 2**61}}
STARS = {"board_id": "stars", "title": "Stars"}
LAPS = {"board_id": "laps", "title": "Laps", "unit": "ms", "sort_order": "asc", "reset": "0 0 * * 1"}
BOARDS: list[dict[str, Any]] = [POINTS, STARS, {**LAPS, "retention_days": 30}]

ACTORS, NEWCOMERS = 96, 8
MIN_SIZE = 2 * ACTORS
_SEED = 20261122
_MAX_STARS = 15


class UnexpectedAnswerError(Exception):
    """The app refused what a benchmark asked for."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A player with a profile and, apart from newcomers, a record on every board."""

    player_id: str
    access_token: str
    scores: Mapping[str, int]
    """By board id: on points and laps the better, the later in ``Scene.actors``."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Boards with records of ``size`` players each, at least ``MIN_SIZE``; some of them act."""

    app: Any
    size: int
    actors: Sequence[Actor]
    newcomers: Sequence[Actor]

    @classmethod
    def set(cls, memory: MemoryDynamoDB, size: int) -> Self:
        """Fill an empty database, which has to be the one that answers the app's calls."""
        serving.services.cache_clear()
        app = _app()
        for body in BOARDS:
            called(app, event("POST", "/admin/boards", body=body, admin=True))
        actors = [_registered(app, f"actor-{number}", (number + 0.5) / ACTORS) for number in range(ACTORS)]
        newcomers = [_registered(app, f"newcomer-{number}", 0.5) for number in range(NEWCOMERS)]
        scene = cls(app, size, actors, newcomers)
        _seal_boards(scene, newcomers[-1])
        crowd = [*((actor.player_id, actor.scores) for actor in actors), *_crowd(size - len(actors))]
        for board in serving.services().boards.all():
            _store(memory, board, [(player_id, scores[board.board_id]) for player_id, scores in crowd])
        return scene

    def call(self, request: Event) -> Answer:
        return called(self.app, request)


def _app() -> Any:
    """Return the app, whose log lines are made and written as ever, but to nowhere."""
    from app import app  # noqa: PLC0415  # reads the stage when it is imported

    for handler in logging.getLogger(logs.LOGGER_NAME).handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is not _NOWHERE:
            handler.setStream(_NOWHERE)
    return app


CONTEXT = SimpleNamespace(function_name="bench", aws_request_id="bench", memory_limit_in_mb=1024)
"""What Lambda tells a function about itself."""


def called(app: Any, request: Event) -> Answer:
    """Return the body of the app's answer, or raise UnexpectedAnswerError."""
    answer = app(request, CONTEXT)
    if answer["statusCode"] >= 400:  # noqa: PLR2004  # where errors begin
        raise UnexpectedAnswerError(f"{request['httpMethod']} {request['path']}: {answer['body']}")
    return json.loads(answer["body"]) if answer["body"] else None


def event(  # noqa: PLR0913  # a request has this many parts
    method: str,
    route: str,
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
    body: Any = None,
    caller: Actor | None = None,
    admin: bool = False,
    token: bool = False,
) -> Event:
    """Return what API Gateway sends to Lambda.

    Args:
        caller: Whom the authorizer let through.
        token: Show the caller's access token to the app itself, as a route without authorizer gets it.
    """
    headers = {"Accept": "*/*", "Host": "api.example.com", "User-Agent": "bench", "X-Forwarded-Proto": "https"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if admin:
        headers["X-Laurel-Admin-Key"] = ADMIN_KEY
    if token and caller:
        headers["Authorization"] = f"Bearer {caller.access_token}"
    asked = route.format(**path or {})
    context = {
        "resourcePath": route,
        "path": f"/api{asked}",
        "httpMethod": method,
        "requestId": "00000000-0000-0000-0000-000000000000",
    }
    return {
        "resource": route,
        "path": asked,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "multiValueQueryStringParameters": {name: [str(value)] for name, value in (query or {}).items()} or None,
        "pathParameters": dict(path or {}) or None,
        "stageVariables": None,
        "requestContext": context | ({"authorizer": _authorized(caller)} if caller and not token else {}),
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def _authorized(caller: Actor) -> dict[str, str]:
    in_a_day = datetime.now(UTC) + timedelta(days=1)
    return {
        "principalId": caller.player_id,
        "player_id": caller.player_id,
        "session_id": "0" * 32,
        "expires_at": str(int(in_a_day.timestamp())),
    }


def _registered(app: Any, device: str, quantile: float) -> Actor:
    answer = called(app, event("POST", "/players", body={"device_id": f"bench-{device}"}))
    return Actor(answer["player"]["player_id"], answer["tokens"]["access_token"], _scores(quantile))


def _seal_boards(scene: Scene, pilot: Actor) -> None:
    """Let every board have had a record: its very first one makes the board's rules final, which is a write more."""
    for board in BOARDS:
        scene.call(
            event(
                "POST",
                "/admin/boards/{board_id}/submissions",
                path={"board_id": board["board_id"]},
                body={"player_id": pilot.player_id, "score": 1000},
                admin=True,
            )
        )


def _crowd(count: int) -> Iterator[tuple[str, Mapping[str, int]]]:
    chance = random.Random(_SEED)  # noqa: S311  # the same crowd each time
    for _ in range(count):
        yield f"{chance.getrandbits(128):032x}", _scores(chance.uniform(1e-9, 1 - 1e-9))


def _scores(quantile: float) -> Mapping[str, int]:
    """Return the scores of a player better than this share of the others.

    Points and laps are log-normal; stars are small integers, so that thousands share each.
    """
    z = NormalDist().inv_cdf(quantile)
    return {
        "points": round(50_000 * math.exp(z)),
        "stars": min(_MAX_STARS, int(-3 * math.log(1 - quantile))),
        "laps": round(95_000 * math.exp(-0.2 * z)),
    }


def _store(memory: MemoryDynamoDB, board: Board, scores: Sequence[tuple[str, int]]) -> None:
    """Write records, marks and nodes as the app would have left them."""
    connection = dynamo.connect()
    record_store = RecordStore(f"{PREFIX}records", connection)
    rank_store = RankStore(f"{PREFIX}ranks", connection)
    period = periods.period_at(board.reset, datetime.now(UTC))
    kept = [_record(board, period, number, *score) for number, score in enumerate(scores)]
    for record in kept:
        memory.put(record_store.table, record_store.put_part("record", board, record, None).request["Item"])
    moves = [settlement_of(board, record).move_from(UNMARKED) for record in kept]
    for part in rank_store.parts(moves):
        memory.write(part.kind, part.request)


def _record(board: Board, period: Period, number: int, player_id: str, score: int) -> Record:
    achieved_at = (period.start or board.created_at) + timedelta(milliseconds=number)
    return Record(
        player_id=player_id,
        board_id=board.board_id,
        period_id=period.period_id,
        score=score,
        subscore=0,
        achieved_at=achieved_at.replace(microsecond=achieved_at.microsecond // 1000 * 1000),
        generation=1,
        display_name=f"Player {player_id[:6].upper()}",
        expires_at=records.expiry(board, period),
    )


def better(board_id: str, score: int, by: int) -> int:
    return score - by if board_id == "laps" else score + by
