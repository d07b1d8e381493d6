"""What the benchmarks ask of the app: each operation as its callers make it, ready to be measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from bench.scene import Actor, Event, Scene, event
from chalicelib.bootstrap import serving
from chalicelib.ranking import order
from chalicelib.services.ranks import Question, RankReader
from chalicelib.store import dynamo
from chalicelib.store.ranks import RankStore
from chalicelib.store.records import RecordStore, Slice
from tests.tables import PREFIX

Step = Callable[[], object]
Prepare = Callable[[Scene, int], Step]

TURNS = (0.05, 0.3, 0.5, 0.7, 0.95)
"""Every operation is made once from each of these places on the board, 0 being its worst end."""

PAGE, AROUND, FRIENDS, BATCH, BARS = 20, 11, 10, 25, 50
TOO_HIGH = 2**62
RANK_ALONE = "rank alone"
COUNT_ADVICE = "the usual advice: COUNT of the better records"
THRESHOLDS, OVERVIEW, HISTOGRAM, BANDS = (
    "scores for 4 ranks and 4 percents",
    "distribution: overview",
    f"distribution: {BARS} bars of a range",
    "distribution: 9 edges",
)
OWN_ENTRY, TOP_PAGE, GAME_START, GAME_END, LOBBY = (
    "own entry",
    f"top {PAGE}",
    "gameStart",
    "gameEnd, 1 board: improved",
    "GET /, with a token",
)


@dataclass(frozen=True, slots=True)
class Operation:
    """``prepare`` does what comes before, unmeasured, and returns the one step that is measured."""

    name: str
    prepare: Prepare


def operations() -> Sequence[Operation]:
    """Return all operations, those that take records away last."""
    return [Operation(name, prepare) for name, prepare in _PREPARE_BY_NAME.items()]


def operation(name: str) -> Operation:
    return Operation(name, _PREPARE_BY_NAME[name])


def actor_of(scene: Scene, turn: int) -> Actor:
    return scene.actors[int(len(scene.actors) * TURNS[turn % len(TURNS)])]


def own_entry(board_id: str, scene: Scene, turn: int) -> Event:
    return event("GET", "/boards/{board_id}/entries/me", path={"board_id": board_id}, caller=actor_of(scene, turn))


def page(board_id: str, query: Mapping[str, Any] | None = None) -> Event:
    return event(
        "GET", "/boards/{board_id}/entries", path={"board_id": board_id}, query={"limit": PAGE, **(query or {})}
    )


def game_end(actor: Actor, game_id: str, scores: Mapping[str, int]) -> Event:
    body = {"game_id": game_id, "scores": [{"board_id": name, "score": score} for name, score in scores.items()]}
    return event("POST", "/gameEnd", body=body, caller=actor)


def game_start(actor: Actor) -> Event:
    return event("POST", "/gameStart", body={}, caller=actor)


def lobby(actor: Actor) -> Event:
    return event("GET", "/", caller=actor, token=True)


def beaten(actor: Actor, times: int) -> dict[str, int]:
    """Return scores better than all of the actor's, and better still the greater ``times`` is."""
    return {
        "points": actor.scores["points"] * (times + 1),
        "stars": actor.scores["stars"] + 20 * times,
        "laps": actor.scores["laps"] // (times + 1),
    }


def _rank_alone(scene: Scene, turn: int) -> Step:
    connection = dynamo.connect()
    reader = RankReader(
        connection, RecordStore(f"{PREFIX}records", connection), RankStore(f"{PREFIX}ranks", connection)
    )
    return partial(reader.read, [_question(scene, turn)])


def _question(scene: Scene, turn: int) -> Question:
    board, actor = serving.services().boards.get("points"), actor_of(scene, turn)
    period = serving.services().boards.period(board, "current")
    value = board.value(actor.scores["points"], 0)
    return Question(board, period.period_id, value, actor.player_id)


def _counted(scene: Scene, turn: int) -> Step:
    connection = dynamo.connect()
    record_store, question = RecordStore(f"{PREFIX}records", connection), _question(scene, turn)
    last = order.prefix(question.value)
    whole = Slice(question.board, question.period_id, question.layout)
    return partial(record_store.count_between, whole, " ", last)


def _own_entry(board_id: str, scene: Scene, turn: int) -> Step:
    return partial(scene.call, own_entry(board_id, scene, turn))


def _top(board_id: str, scene: Scene, _turn: int) -> Step:
    return partial(scene.call, page(board_id))


def _by_cursor(board_id: str, scene: Scene, turn: int) -> Step:
    first = scene.call(page(board_id, {"from_rank": _position(scene, turn)}))
    return partial(scene.call, page(board_id, {"cursor": first["next_cursor"]}))


def _from_rank(board_id: str, scene: Scene, turn: int) -> Step:
    return partial(scene.call, page(board_id, {"from_rank": _position(scene, turn)}))


def _position(scene: Scene, turn: int) -> int:
    return max(1, int(scene.size * (1 - TURNS[turn])) - 2 * PAGE)


def _around(board_id: str, scene: Scene, turn: int) -> Step:
    path = {"board_id": board_id}
    route = "/boards/{board_id}/around/me"
    request = event("GET", route, path=path, query={"size": AROUND}, caller=actor_of(scene, turn))
    return partial(scene.call, request)


def _friends(board_id: str, scene: Scene, _turn: int) -> Step:
    friends = scene.actors[:: max(1, len(scene.actors) // FRIENDS)][:FRIENDS]
    ids = ",".join(friend.player_id for friend in friends)
    request = event("GET", "/boards/{board_id}/players", path={"board_id": board_id}, query={"ids": ids})
    return partial(scene.call, request)


def _figures(query: str, scene: Scene, _turn: int) -> Step:
    route, _, parameters = query.partition("?")
    values = dict(parse_qsl(parameters))
    request = event("GET", f"/boards/{{board_id}}/{route}", path={"board_id": "points"}, query=values)
    return partial(scene.call, request)


def _score_rank(scene: Scene, turn: int) -> Step:
    score = actor_of(scene, turn).scores["points"] + 1
    return _figures(f"rank?score={score}", scene, turn)


def _front(scene: Scene, _turn: int) -> Step:
    return partial(scene.call, event("GET", "/"))


def _lobby(scene: Scene, turn: int) -> Step:
    actor = actor_of(scene, turn)
    scene.call(game_start(actor))
    return partial(scene.call, lobby(actor))


def _game_start(scene: Scene, turn: int) -> Step:
    return partial(scene.call, game_start(actor_of(scene, turn)))


def _game_end(scene: Scene, actor: Actor, scores: Mapping[str, int]) -> Step:
    game_id = scene.call(game_start(actor))["game_id"]
    return partial(scene.call, game_end(actor, game_id, scores))


def _first_record(scene: Scene, turn: int) -> Step:
    return _game_end(scene, scene.newcomers[turn], {"points": 50_000})


def _improved(scene: Scene, turn: int) -> Step:
    actor = actor_of(scene, turn)
    return _game_end(scene, actor, {"points": beaten(actor, 1)["points"]})


def _kept(scene: Scene, turn: int) -> Step:
    return _game_end(scene, actor_of(scene, turn), {"points": 1})


def _rejected(scene: Scene, turn: int) -> Step:
    return _game_end(scene, actor_of(scene, turn), {"points": TOO_HIGH})


def _replayed(scene: Scene, turn: int) -> Step:
    step = _kept(scene, turn)
    step()
    return step


def _three_boards(scene: Scene, turn: int) -> Step:
    actor = actor_of(scene, turn)
    return _game_end(scene, actor, beaten(actor, 2))


def _submission(scene: Scene, turn: int) -> Step:
    actor = actor_of(scene, turn)
    body = {"player_id": actor.player_id, "score": beaten(actor, 3)["points"], "submission_id": f"turn-{turn}"}
    return partial(scene.call, _for_points("POST", "/admin/boards/{board_id}/submissions", body))


def _batch(scene: Scene, turn: int) -> Step:
    batch = [
        {"player_id": actor.player_id, "score": beaten(actor, 4 + turn)["points"]}
        for actor in scene.actors[len(scene.actors) // 3 :][:BATCH]
    ]
    body = {"submissions": batch}
    return partial(scene.call, _for_points("POST", "/admin/boards/{board_id}/submissions/batch", body))


def _deletion(scene: Scene, turn: int) -> Step:
    path = {"board_id": "points", "player_id": actor_of(scene, turn).player_id}
    request = event("DELETE", "/admin/boards/{board_id}/records/{player_id}", path=path, admin=True)
    return partial(scene.call, request)


def _for_points(method: str, route: str, body: Any) -> Event:
    return event(method, route, path={"board_id": "points"}, body=body, admin=True)


_PREPARE_BY_NAME: dict[str, Prepare] = {
    RANK_ALONE: _rank_alone,
    COUNT_ADVICE: _counted,
    OWN_ENTRY: partial(_own_entry, "points"),
    "own entry, among ties": partial(_own_entry, "stars"),
    TOP_PAGE: partial(_top, "points"),
    f"page of {PAGE} by cursor": partial(_by_cursor, "points"),
    f"page of {PAGE} by cursor, among ties": partial(_by_cursor, "stars"),
    f"page of {PAGE} from a rank": partial(_from_rank, "points"),
    f"{AROUND} around me": partial(_around, "points"),
    f"{AROUND} around me, among ties": partial(_around, "stars"),
    f"{FRIENDS} friends": partial(_friends, "points"),
    "rank of a score not submitted": _score_rank,
    THRESHOLDS: partial(_figures, "thresholds?ranks=1,10,100,1000&percents=1,10,25,50"),
    OVERVIEW: partial(_figures, "distribution"),
    HISTOGRAM: partial(_figures, f"distribution?low=0&high=500000&bars={BARS}"),
    BANDS: partial(_figures, "distribution?edges=1000,5000,10000,25000,50000,100000,250000,500000,1000000"),
    "GET /": _front,
    LOBBY: _lobby,
    GAME_START: _game_start,
    "gameEnd, 1 board: first record": _first_record,
    GAME_END: _improved,
    "gameEnd, 1 board: kept": _kept,
    "gameEnd, 1 board: rejected": _rejected,
    "gameEnd, 1 board: replayed": _replayed,
    "gameEnd, 3 boards: improved": _three_boards,
    "admin submission: improved": _submission,
    f"admin batch of {BATCH}: improved": _batch,
    "admin deletes a record": _deletion,
}
