"""Players: registering, signing in, profiles, and leaving with everything."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain import players
from chalicelib.domain.avatars import Upload
from chalicelib.domain.buckets import Membership
from chalicelib.domain.games import Game
from chalicelib.domain.notices import Slip
from chalicelib.domain.participations import Participation
from chalicelib.domain.players import Identity, IdentityKind, Player, PlayerState
from chalicelib.domain.records import Record
from chalicelib.domain.rewards import Reward
from chalicelib.errors import (
    ContendedError,
    IdentityTakenError,
    IdentityUnknownError,
    PlayerNotFoundError,
    RecordNotFoundError,
    TokenError,
    TokenExpiredError,
    TokenReusedError,
)
from chalicelib.services.avatars import Avatars
from chalicelib.services.boards import Boards
from chalicelib.services.clock import Clock, new_id
from chalicelib.services.moderation import Moderation
from chalicelib.services.profiles import Profiles, account_gone
from chalicelib.services.tokens import (
    REFRESH_LIFETIME,
    Tokens,
    digest,
    new_refresh_token,
    parsed_refresh_token,
    same,
)
from chalicelib.store.buckets import BucketStore
from chalicelib.store.games import GameStore, Receipt
from chalicelib.store.notices import NoticeStore
from chalicelib.store.participations import ParticipationStore
from chalicelib.store.players import PlayerStore, Session
from chalicelib.store.records import RecordStore
from chalicelib.store.rewards import RewardStore

_ATTEMPTS = 5


class TokenPair(Struct, frozen=True):
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


class SignedIn(Struct, frozen=True):
    player: Player
    tokens: TokenPair
    created: bool


class Export(Struct, frozen=True):
    """Everything kept about one player."""

    player: Player
    upload: Upload | None
    """The latest, of whatever became the avatar or was meant to."""
    sessions: list[Session]
    games: list[Game]
    receipt_by_submission: dict[str, Receipt]
    records: list[Record]
    notices: list[Slip]
    rewards: list[Reward]
    balances: dict[str, int]
    memberships: list[Membership]
    participations: list[Participation]


class Belongings(Protocol):
    """What a player has elsewhere."""

    def clear(self, player_id: str) -> None:
        """Delete all of it; a repeated call continues."""


class Players:
    def __init__(  # noqa: PLR0913  # the composition root names them
        self,
        *,
        store: PlayerStore,
        games: GameStore,
        records: RecordStore,
        notices: NoticeStore,
        devices: Belongings,
        rewards: RewardStore,
        buckets: BucketStore,
        participations: ParticipationStore,
        moderation: Moderation,
        profiles: Profiles,
        avatars: Avatars,
        boards: Boards,
        tokens: Tokens,
        clock: Clock,
    ) -> None:
        self._store = store
        self._games = games
        self._records = records
        self._notices = notices
        self._devices = devices
        self._rewards = rewards
        self._buckets = buckets
        self._participations = participations
        self._moderation = moderation
        self._profiles = profiles
        self._avatars = avatars
        self._boards = boards
        self._tokens = tokens
        self._clock = clock

    def register(self, kind: IdentityKind, secret: str, display_name: str | None, locale: str) -> SignedIn:
        """Make a new player who signs in with this identity, or raise IdentityTakenError."""
        identity = _identity(kind, secret)
        player_id = new_id()
        player = Player(
            player_id=player_id,
            display_name=display_name or players.default_name(player_id),
            locale=locale,
            metadata={},
            created_at=self._clock(),
            identities=(identity,),
        )
        if not self._store.register(player):
            raise IdentityTakenError(f"a player with this {kind.value} id exists; sign in with POST /players/signIn")
        return SignedIn(player, self._new_session(player_id), created=True)

    def sign_in(self, kind: IdentityKind, secret: str) -> SignedIn:
        """Open a session of the player with this identity, or raise IdentityUnknownError.

        A player whose deletion was interrupted is deleted for good first, so that the same device can start anew.
        """
        player_id = self._store.by_identity(_identity(kind, secret))
        player = self._store.get(player_id) if player_id else None
        if player is not None and player.state is PlayerState.LEAVING:
            self._erase(player)
            player = None
        if player is None:
            raise IdentityUnknownError(f"no player has this {kind.value} id; register with POST /players")
        return SignedIn(player, self._new_session(player.player_id), created=False)

    def refresh(self, refresh_token: str) -> TokenPair:
        """Return new tokens for a refresh token, which is used up by it.

        Raises:
            TokenReusedError: The token was used before: somebody has a copy. The session is closed.
        """
        presented = parsed_refresh_token(refresh_token)
        session = self._store.session(presented.player_id, presented.session_id)
        if session is None:
            raise TokenError("the session is closed; sign in again")
        if self._clock() >= session.expires_at:
            raise TokenExpiredError("the session has expired; sign in again")
        successor = new_refresh_token(session.player_id, session.session_id)
        expires_at = self._clock() + REFRESH_LIFETIME
        current = same(session.token_digest, presented.digest)
        if not current or not self._store.rotate(session, successor.digest, expires_at):
            self._store.close_session(session.player_id, session.session_id)
            raise TokenReusedError("the refresh token was used before; its session is closed, sign in again")
        return self._pair(session.player_id, session.session_id, successor.text, expires_at)

    def sign_out(self, refresh_token: str) -> None:
        """Close the token's session. Signing out twice is no error."""
        presented = parsed_refresh_token(refresh_token)
        session = self._store.session(presented.player_id, presented.session_id)
        if session is not None and same(session.token_digest, presented.digest):
            self._store.close_session(session.player_id, session.session_id)

    def own(self, player_id: str) -> Player:
        """Return the signed-in player, or raise TokenError when the account is gone."""
        player = self._store.get(player_id)
        if player is None or player.state is not PlayerState.ACTIVE:
            raise account_gone()
        return player

    def public(self, player_id: str) -> Player:
        player = self._store.get(player_id)
        if player is None or player.state is not PlayerState.ACTIVE:
            raise PlayerNotFoundError(f"there is no player {player_id!r}", player_id=player_id)
        return player

    def change(
        self, player_id: str, *, display_name: str | None, locale: str | None, metadata: dict[str, str] | None
    ) -> Player:
        """Replace the given parts of a profile; a new name shows on all boards at once."""
        for _ in range(_ATTEMPTS):
            before = self.own(player_id)
            after = replace(
                before,
                display_name=display_name or before.display_name,
                locale=locale or before.locale,
                metadata=before.metadata if metadata is None else metadata,
            )
            stored = self._store.replace(before, after)
            if stored:
                self._profiles.show(stored)
                return stored
        raise ContendedError("the profile kept changing; send the same request again")

    def delete(self, player_id: str) -> None:
        """Delete the account and everything in it; a repeated call continues where another stopped."""
        for _ in range(_ATTEMPTS):
            player = self._store.get(player_id)
            if player is None:
                return
            leaving = replace(player, state=PlayerState.LEAVING)
            if player.state is PlayerState.LEAVING or self._store.replace(player, leaving):
                self._erase(player)
                return
        raise ContendedError("the profile kept changing; send the same request again")

    def export(self, player_id: str) -> Export:
        return Export(
            player=self.own(player_id),
            upload=self._avatars.upload(player_id),
            sessions=self._store.sessions(player_id),
            games=self._games.of_player(player_id),
            receipt_by_submission=self._games.receipts_of_player(player_id),
            records=self._records.of_player(player_id),
            notices=list(self._notices.slips(player_id)),
            rewards=self._rewards.ledger(player_id),
            balances=self._rewards.balances(player_id),
            memberships=self._buckets.memberships(player_id),
            participations=self._participations.of_player(player_id),
        )

    def _erase(self, player: Player) -> None:
        for record in self._records.of_player(player.player_id):
            try:
                self._moderation.remove(player.player_id, self._boards.known(record.board_id), record.period_id)
            except RecordNotFoundError:
                continue
        for membership in self._buckets.memberships(player.player_id):
            self._buckets.leave(membership)
        for participation in self._participations.of_player(player.player_id):
            self._participations.leave(participation)
        self._games.delete_all(player.player_id)
        self._notices.clear(player.player_id)
        self._devices.clear(player.player_id)
        self._avatars.erase(player)
        self._store.delete(player)

    def _new_session(self, player_id: str) -> TokenPair:
        session_id, now = new_id(), self._clock()
        token = new_refresh_token(player_id, session_id)
        session = Session(player_id, session_id, token.digest, now, now + REFRESH_LIFETIME)
        if not self._store.open_session(session):
            raise account_gone()
        return self._pair(player_id, session_id, token.text, session.expires_at)

    def _pair(self, player_id: str, session_id: str, refresh_token: str, refresh_expires_at: datetime) -> TokenPair:
        access_token, access_expires_at = self._tokens.access(player_id, session_id)
        return TokenPair(access_token, access_expires_at, refresh_token, refresh_expires_at)


def _identity(kind: IdentityKind, secret: str) -> Identity:
    return Identity(kind, digest(secret))
