"""What exists in the running system, put into requests that schemathesis made, so that they get past "not found"."""

import zlib
from collections.abc import Callable
from typing import Any

from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation

from chalicelib.api.games import MAX_BOARDS_PER_GAME
from chalicelib.api.routing import ADMIN_HEADER
from chalicelib.domain import players
from tests.e2e.client import Client

BOARDS = [f"contract-{number}" for number in range(MAX_BOARDS_PER_GAME)]
UNPLAYED = "contract-unplayed"
CUP, STOPPED = "contract-cup", "contract-stopped"
SEASONAL, LEAGUE = "contract-seasonal", "contract-league"
MAX_ID = 64
GRANT = {"item": "gold", "amount": 1}
WEEKLY = "0 0 * * 1"
START, END = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
Body = Any
Fill = Callable[[Body], None]


class Known:
    """A few boards with records, and two players; the first is the one who calls."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._players = [client.player(), client.player()]
        self._body_by_operation: dict[str, Fill] = {
            "POST /gameEnd": self._end,
            "POST /players": self._profile,
            "PATCH /players/me": self._profile,
            "POST /players/signIn": self._sign_in,
            "POST /players/refresh": self._refresh,
            "POST /players/signOut": self._refresh,
            "POST /admin/boards": self._board,
            "PATCH /admin/boards/{board_id}": self._changed_board,
            "POST /admin/notices": self._notice,
            "POST /admin/seasons": self._season,
            "PUT /admin/boards/{board_id}/rewards": self._rewards,
            "PUT /admin/mode": self._mode,
            "POST /admin/boards/{board_id}/submissions": self._submission,
            "POST /admin/boards/{board_id}/submissions/batch": self._batch,
        }
        for board_id in (*BOARDS, UNPLAYED):
            client.board(board_id, subscore_order="desc")
        for board_id in (CUP, STOPPED):
            client.board(board_id, tournament={"starts_at": START, "ends_at": END, "attempts": 3})
        for board_id in (SEASONAL, LEAGUE):
            client.board(board_id, reset=WEEKLY)
        self._begin_season()
        for number, board_id in enumerate(BOARDS):
            for player in self._players:
                client.submit(board_id, player, number)
        page = client.made("GET", f"/boards/{BOARDS[0]}/entries?limit=1")
        self._cursor: str = page["next_cursor"]

    def _begin_season(self) -> None:
        current = self._client.made("GET", f"/boards/{LEAGUE}/periods")["periods"][0]["period_id"]
        season = {"season_id": LEAGUE, "board_id": LEAGUE, "title": LEAGUE, "rounds": 1, "first_period": current}
        moves = {"tiers": ["bronze", "silver"], "promote": {"rank": 1}, "relegate": {"rank": 1}}
        self._client.made("POST", "/admin/seasons", {**season, **moves}, admin=True)

    def credentials(self, case: Case[Any]) -> dict[str, str]:
        """Return headers of a player and of an admin; who leaves is somebody else each time."""
        leaving = case.operation.label == "DELETE /players/me"
        player = self._client.player() if leaving else self._players[0]
        return {"Authorization": f"Bearer {player.token}", ADMIN_HEADER: self._client.stack.admin_key}

    def put_into(self, case: Case[Any]) -> None:
        """Replace what is right by form but names nothing; what is wrong on purpose stays so."""
        meta = case.meta
        if meta is None or not meta.generation.mode.is_positive:
            return
        if ParameterLocation.PATH in meta.components:
            self._path(case)
        if case.operation.path.endswith("/thresholds") and not {"ranks", "percents"} & set(case.query or {}):
            case.query = {**(case.query or {}), "ranks": "1"}
        if case.query:
            self._query(case)
        fill = self._body_by_operation.get(case.operation.label)
        if fill and isinstance(case.body, dict):
            case.body = _without_fractions(case.body)
            fill(case.body)

    def _path(self, case: Case[Any]) -> None:
        path = case.path_parameters
        if "board_id" in path and _mostly(path["board_id"]):
            path["board_id"] = _board_for(case.operation.label)
        if "season_id" in path and _mostly(path["season_id"]):
            path["season_id"] = LEAGUE
        if "player_id" in path and _mostly(path["player_id"]):
            path["player_id"] = self._players[1].player_id
            if "board_id" in path and case.operation.label.startswith(("PATCH /admin", "DELETE /admin")):
                path["board_id"] = BOARDS[1]
                self._client.submit(BOARDS[1], self._players[1], 1)

    def _query(self, case: Case[Any]) -> None:
        query = case.query
        if "cursor" in query and not case.operation.path.endswith("/entries"):
            query.pop("cursor")
        if "cursor" in query:
            query["cursor"] = self._cursor
            query.pop("from_rank", None)
            query.pop("period", None)
            case.path_parameters["board_id"] = BOARDS[0]
        if "edges" in query:
            for name in ("low", "high", "bars"):
                query.pop(name, None)
        if "low" in query and "high" in query and int(query["low"]) > int(query["high"]):
            query["low"], query["high"] = query["high"], query["low"]
        if "ids" in query and _mostly(query["ids"]):
            query["ids"] = ",".join(player.player_id for player in self._players)

    def _end(self, body: Body) -> None:
        body["game_id"] = self._client.game(self._players[0])
        for board_id, score in zip(BOARDS, body["scores"], strict=False):
            score["board_id"] = board_id

    def _profile(self, body: Body) -> None:
        # The rules of names go beyond what a schema can say.
        try:
            players.display_name(body.get("display_name", "Ada"))
        except players.DisplayNameError:
            body["display_name"] = "Ada"

    def _sign_in(self, body: Body) -> None:
        if "device_id" in body:
            body["device_id"] = self._players[0].device_id

    def _refresh(self, body: Body) -> None:
        body["refresh_token"] = self._client.player().refresh_token

    def _board(self, body: Body) -> None:
        # No schema tells a cron expression, or that one number is not greater than another.
        if body.get("reset"):
            body["reset"] = WEEKLY
        if tournament := body.get("tournament"):
            tournament.update(starts_at=START, ends_at=END, join_required=True)
            tournament["cost"] = tournament.get("cost", [])[:1]
            body.pop("reset", None)
        limits = body.get("limits", {})
        least, most = limits.get("min_score"), limits.get("max_score")
        if least is not None and most is not None and least > most:
            limits["min_score"], limits["max_score"] = most, least

    def _changed_board(self, body: Body) -> None:
        self._board(body)
        body.pop("tournament", None)  # of a board that is none

    def _notice(self, body: Body) -> None:
        # Nor what is to come, or to whom which kind goes.
        is_personal = body["content"].get("kind") == "personal"
        body["recipients"] = [self._players[0].player_id] if is_personal else []
        for name in ("at", "expires_at", "publication_id"):
            body.pop(name, None)

    def _rewards(self, body: Body) -> None:
        # Nor that rules do not overlap, begin before they end, and name tiers there are.
        body["tiers"] = []
        body["rules"] = [{**rule, "by": "rank", "from": 1, "to": 3, "grants": [GRANT]} for rule in body["rules"][:1]]

    def _season(self, body: Body) -> None:
        # No schema tells that a board resets, that tiers differ, or that a bucket has room for cuts and prizes.
        body["board_id"], body["season_id"] = SEASONAL, f"contract-{body['season_id']}"[:MAX_ID]
        body["tiers"] = list(dict.fromkeys(body["tiers"]))
        body["promote"], body["relegate"] = {"percent": 20}, {"rank": 1}
        for name in ("first_period", "fill", "bands", "prizes"):
            body.pop(name, None)

    def _mode(self, body: Body) -> None:
        # A stage that stays degraded refuses what other tests ask for; test_alarms.py degrades it, and ends that.
        if body.get("mode") == "degraded":
            body["mode"] = "normal"

    def _batch(self, body: Body) -> None:
        for submission in body["submissions"]:
            self._submission(submission)

    def _submission(self, body: Body) -> None:
        if _mostly(body["player_id"]):
            body["player_id"] = self._players[0].player_id


def _board_for(label: str) -> str:
    """Return a board that an operation can do something with."""
    if label.endswith(("/join", "/participation/me")):
        return CUP
    if label.endswith(("/stop", "/withdraw")):
        return STOPPED
    return UNPLAYED if label.startswith("PATCH /admin/boards/{board_id}") else BOARDS[0]


def _mostly(value: object) -> bool:
    """Return True for three of four values, always the same ones."""
    return zlib.crc32(repr(value).encode()) % 4 > 0


def _without_fractions(value: Any) -> Any:
    """Return JSON in which 1.0 is 1: a schema calls both an integer, and we take the second only."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _without_fractions(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_fractions(each) for each in value]
    return value
