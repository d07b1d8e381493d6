"""Scenes to interfere with: two players, their games, and everything that can be done to them at the same time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pytest

from chalicelib.bootstrap.serving import Services
from chalicelib.domain.boards import Board, Operator, SortOrder
from chalicelib.domain.players import IdentityKind
from chalicelib.domain.records import Submission
from chalicelib.errors import GameError, StoreUnavailableError
from tests.fake_dynamodb import Once, conflict_on
from tests.world import HandClock, World

FAR = 10**9
_NODE = "node#"


@dataclass
class Scene:
    """Ada, who may have a record, Bob, who has one then, and games of theirs that wait for their ends."""

    world: World
    ids: dict[str, str]
    games: dict[str, str]

    @property
    def board(self) -> Board:
        return self.world.another_process().boards.get("race")

    def summary(self) -> object:
        """Return what is stored, as far as two runs can be compared: without ids and generations."""
        records = {
            item["display_name"]["S"]: (item["score"]["N"], item["hidden"]["BOOL"], "avatar" in item)
            for item in self.world.items("records")
        }
        profiles = [item["display_name"]["S"] for item in self.world.items("players") if "display_name" in item]
        ended = sum("result" in item for item in self.world.items("games"))
        return records, sorted(profiles), self.board.sort_order, ended


def scene_of(operator: Operator, played: bool, *moderated: str) -> Scene:
    """Return a scene of its own, copied from one that was played before, and moderated by some of ``ACTIONS``."""
    master = _master(operator, played, moderated)
    world = World(client=master.world.client.copy(), clock=HandClock(master.world.clock()))
    return Scene(world, master.ids, master.games)


@cache
def _master(operator: Operator, played: bool, moderated: tuple[str, ...]) -> Scene:
    world = World()
    world.client.open_streams()
    world.board(operator=operator)
    ids = {name: world.player(name) for name in ("Ada", "Bob")}
    if played:
        world.play(ids["Ada"], Submission("race", 100))
        world.play(ids["Bob"], Submission("race", 50))
    owners = {"first": "Ada", "second": "Ada", "bobs": "Bob"}
    games = {label: world.services.games.start(ids[name], "classic").game_id for label, name in owners.items()}
    world.clock.advance(seconds=1)
    scene = Scene(world, ids, games)
    for name in moderated:
        ACTIONS[name](scene, world.services)
    return scene


def leave_behind(scene: Scene, *names: str) -> Scene:
    """Return the scene after some of ``ACTIONS`` that the index did not follow: it was busy for as long as it took."""
    scene.world.before(Once(lambda call: _NODE in repr(call.writes), conflict_on(_NODE), times=99))
    for name in names:
        ACTIONS[name](scene, scene.world.services)
    scene.world.undisturbed()
    return scene


Action = Callable[[Scene, Services], object]


def end(label: str, name: str, score: int) -> Action:
    def act(scene: Scene, services: Services) -> object:
        return services.games.end(scene.ids[name], scene.games[label], [Submission("race", score)])

    return act


def rename(name: str) -> Action:
    def act(scene: Scene, services: Services) -> object:
        return services.players.change(scene.ids["Ada"], display_name=name, locale=None, metadata=None)

    return act


def relocate(scene: Scene, services: Services) -> object:
    return services.players.change(scene.ids["Ada"], display_name=None, locale="pt", metadata=None)


def leave(scene: Scene, services: Services) -> None:
    services.players.delete(scene.ids["Ada"])


def hide(*, hidden: bool) -> Action:
    def act(scene: Scene, services: Services) -> object:
        return services.moderation.hide(scene.ids["Ada"], services.boards.get("race"), "all", hidden=hidden)

    return act


def remove(scene: Scene, services: Services) -> None:
    services.moderation.remove(scene.ids["Ada"], services.boards.get("race"), "all")


def submit(score: int, submission_id: str) -> Action:
    def act(scene: Scene, services: Services) -> object:
        return services.games.submit(scene.ids["Ada"], Submission("race", score), submission_id)

    return act


def submit_for_all(scene: Scene, services: Services) -> object:
    wanted = [(scene.ids[name], Submission("race", 7), f"batch-{name}") for name in ("Ada", "Bob")]
    verdicts = services.games.submit_many(wanted)
    for verdict in verdicts:
        if isinstance(verdict, StoreUnavailableError):
            raise verdict
    return verdicts


def turn_round(scene: Scene, services: Services) -> object:
    return services.boards.change("race", {"sort_order": SortOrder.ASC})


def sign_in(scene: Scene, services: Services) -> object:
    return services.players.sign_in(IdentityKind.DEVICE, "device-Ada")


def start(scene: Scene, services: Services) -> object:
    return services.games.start(scene.ids["Ada"], "classic")


ACTIONS: dict[str, Action] = {
    "ada_ends_a_game": end("first", "Ada", 200),
    "ada_ends_the_same_game": end("first", "Ada", 200),
    "ada_ends_another_game": end("second", "Ada", FAR),
    "ada_ends_a_poor_game": end("second", "Ada", 1),
    "bob_ends_a_game": end("bobs", "Bob", 100),
    "ada_is_renamed_eve": rename("Eve"),
    "ada_is_renamed_ida": rename("Ida"),
    "ada_moves": relocate,
    "ada_leaves": leave,
    "ada_is_hidden": hide(hidden=True),
    "ada_is_shown": hide(hidden=False),
    "adas_record_is_removed": remove,
    "a_server_submits": submit(300, "submission-1"),
    "a_server_submits_the_same": submit(300, "submission-1"),
    "a_server_submits_nothing_new": submit(0, "submission-2"),
    "a_server_submits_for_all": submit_for_all,
    "the_board_turns_round": turn_round,
    "ada_signs_in": sign_in,
    "ada_starts_a_game": start,
}


DRAWING_IDS = frozenset({"ada_signs_in", "ada_starts_a_game"})
"""Those of the actions that do not come to the same end when they are done again."""


def tried(action: Action, scene: Scene, services: Services) -> None:
    try:
        action(scene, services)
    except StoreUnavailableError:
        raise
    except GameError:
        return


def repeated(action: Action, scene: Scene, services: Services) -> None:
    """Do what callers do: send the same request again when the database did not answer."""
    for _ in range(3):
        try:
            tried(action, scene, services)
        except StoreUnavailableError:
            continue
        return
    pytest.fail("a single fault stopped the action three times")
