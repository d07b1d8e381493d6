"""GET /: who we are, and the player's lobby."""

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from chalicelib import VERSION
from chalicelib.api.links import Links
from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import (
    Answer,
    BoardView,
    GameView,
    IncidentView,
    Instant,
    OwnEntryView,
    PlayerView,
    board_view,
    game_view,
    incident_view,
    own_entry_view,
    player_view,
)
from chalicelib.bootstrap.serving import services
from chalicelib.domain.incidents import Mode
from chalicelib.errors import TokenError, TokenExpiredError

if TYPE_CHECKING:
    from chalicelib.services.lobby import Lobby

api = Api("main")


class LobbyView(Answer):
    player: PlayerView
    standings: Annotated[list[OwnEntryView] | None, Meta(description="null: standings do not answer at the moment.")]
    open_game: GameView | None
    unread_notices: Annotated[int | None, Meta(description="null: notices do not answer at the moment.")]


class MainView(Answer):
    name: Literal["laurel"]
    version: str
    stage: str
    status: Literal["ok"]
    time: Instant
    mode: Annotated[Mode, Meta(description="`degraded`: what is optional is switched off, standings may be a copy.")]
    incidents: Annotated[list[IncidentView], Meta(description="What does not work as it should now.")]
    boards: list[BoardView]
    lobby: LobbyView | None


@api.route("GET", "/", access=Access.OPTIONAL, errors=(TokenError, TokenExpiredError))
def main(caller: str | None, links: Links) -> MainView:
    """Return name, version, mode, open incidents and the boards; with a player's token also the player's lobby."""
    front = services().lobbies.front()
    situation = services().incidents.situation()
    return MainView(
        name="laurel",
        version=VERSION,
        stage=services().config.stage,
        status="ok",
        time=front.now,
        mode=situation.mode,
        incidents=[incident_view(each) for each in situation.open],
        boards=[board_view(board, period) for board, period in front.boards],
        lobby=_lobby_view(services().lobbies.lobby(caller), links) if caller else None,
    )


def _lobby_view(lobby: "Lobby", links: Links) -> LobbyView:
    return LobbyView(
        player=player_view(lobby.player, links),
        standings=None if lobby.standings is None else [own_entry_view(*each, links) for each in lobby.standings],
        open_game=game_view(lobby.open_game) if lobby.open_game else None,
        unread_notices=lobby.unread_notices,
    )
