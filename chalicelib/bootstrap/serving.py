"""What players and admins call. A process of Lambda's answers few kinds of requests: it imports what these take."""

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from chalicelib import config
from chalicelib.bootstrap.foundation import Foundation, foundation_of
from chalicelib.config import Config
from chalicelib.loading import lasting
from chalicelib.services import clock
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock
from chalicelib.services.tokens import Tokens
from chalicelib.store import dynamo as dynamo_store
from chalicelib.store.clients import Clients
from chalicelib.store.dynamo import Dynamo

if TYPE_CHECKING:
    from chalicelib.bootstrap.rounds import Rounds
    from chalicelib.services.announcements import Announcements
    from chalicelib.services.avatars import Avatars
    from chalicelib.services.devices import Devices
    from chalicelib.services.distributions import Distributions
    from chalicelib.services.games import Games
    from chalicelib.services.history import History
    from chalicelib.services.inbox import Inbox
    from chalicelib.services.incidents import Incidents
    from chalicelib.services.lobby import Lobbies
    from chalicelib.services.moderation import Moderation
    from chalicelib.services.notices import Notices
    from chalicelib.services.players import Players
    from chalicelib.services.rewards import Rewards
    from chalicelib.services.scores import Scores
    from chalicelib.services.settle import Settler
    from chalicelib.services.standings import Standings
    from chalicelib.services.thresholds import Thresholds
    from chalicelib.services.tournaments import Tournaments
    from chalicelib.services.turns import Turns


@lru_cache(maxsize=1)
def services() -> "Services":
    """Return the services of this process, wired to the environment's settings and tables."""
    with lasting():
        settings = config.load()
        return build(settings, dynamo_store.connect(lean=settings.lean_calls))


def build(settings: Config, dynamo: Dynamo, now: Clock = clock.now, clients: Clients | None = None) -> "Services":
    """Return services on given clients, with a given clock."""
    return Services(foundation_of(settings, dynamo, clients or Clients(), now))


class Services:
    """The services of a process: each is made, and what it takes imported, when it is first asked for."""

    def __init__(self, base: Foundation) -> None:
        self._base = base

    @property
    def config(self) -> Config:
        return self._base.settings

    @property
    def boards(self) -> Boards:
        return self._base.boards

    @property
    def tokens(self) -> Tokens:
        return self._base.tokens

    @cached_property
    def incidents(self) -> "Incidents":
        from chalicelib.bootstrap.heeding import build_incidents

        return build_incidents(self.config, self._base.dynamo, self._base.clock)

    @cached_property
    def standings(self) -> "Standings":
        from chalicelib.bootstrap.reading import build_standings

        return build_standings(self._base, self.incidents)

    @cached_property
    def lobbies(self) -> "Lobbies":
        from chalicelib.services.lobby import Lobbies

        return Lobbies(
            boards=self.boards,
            players=self.players,
            games=self.games,
            standings=self.standings,
            inbox=self.inbox,
            clock=self._base.clock,
        )

    @cached_property
    def games(self) -> "Games":
        from chalicelib.bootstrap.playing import build_games

        return build_games(self._base, self.scores)

    @cached_property
    def scores(self) -> "Scores":
        from chalicelib.bootstrap.playing import build_scores

        return build_scores(self._base, self.settler)

    @cached_property
    def settler(self) -> "Settler":
        from chalicelib.bootstrap.playing import build_settler

        return build_settler(self._base)

    @cached_property
    def tournaments(self) -> "Tournaments":
        from chalicelib.bootstrap.playing import build_tournaments

        return build_tournaments(self._base)

    @cached_property
    def players(self) -> "Players":
        from chalicelib.bootstrap.membership import build_players

        return build_players(self._base, self.moderation, self.avatars, self.devices)

    @cached_property
    def avatars(self) -> "Avatars":
        from chalicelib.bootstrap.membership import build_avatars

        return build_avatars(self._base)

    @cached_property
    def devices(self) -> "Devices":
        from chalicelib.bootstrap.membership import build_devices

        return build_devices(self._base)

    @cached_property
    def moderation(self) -> "Moderation":
        from chalicelib.bootstrap.membership import build_moderation

        return build_moderation(self._base)

    @cached_property
    def rewards(self) -> "Rewards":
        from chalicelib.bootstrap.membership import build_rewards

        return build_rewards(self._base)

    @cached_property
    def rounds(self) -> "Rounds":
        from chalicelib.bootstrap.rounds import build_rounds

        base = self._base
        return build_rounds(base.settings, base.dynamo, base.stores, base.boards, base.clock)

    @cached_property
    def thresholds(self) -> "Thresholds":
        from chalicelib.bootstrap.figures import build_thresholds

        return build_thresholds(self._base)

    @cached_property
    def distributions(self) -> "Distributions":
        from chalicelib.bootstrap.figures import build_distributions

        return build_distributions(self._base)

    @cached_property
    def history(self) -> "History":
        from chalicelib.bootstrap.figures import build_history

        return build_history(self._base)

    @cached_property
    def turns(self) -> "Turns":
        from chalicelib.bootstrap.figures import build_turns

        return build_turns(self._base)

    @cached_property
    def announcements(self) -> "Announcements":
        from chalicelib.bootstrap.inboxes import build_announcements

        return build_announcements(self._base)

    @cached_property
    def inbox(self) -> "Inbox":
        from chalicelib.bootstrap.inboxes import build_inbox

        return build_inbox(self._base, self.announcements)

    @cached_property
    def notices(self) -> "Notices":
        from chalicelib.bootstrap.inboxes import build_notices

        return build_notices(self._base)
