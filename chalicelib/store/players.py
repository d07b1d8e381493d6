"""The players table: profiles, the identities they sign in with, and their sessions."""

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from pynamodb.attributes import JSONAttribute, ListAttribute, MapAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from chalicelib.domain.players import Identity, IdentityKind, Player, PlayerState
from chalicelib.errors import ContendedError
from chalicelib.store import keys
from chalicelib.store.dynamo import (
    BusyError,
    CancelledError,
    ConditionFailedError,
    Dynamo,
    Item,
    Part,
    bind,
    revision_part,
    translated,
)
from chalicelib.store.typed import from_milliseconds, from_seconds, milliseconds, n, s, seconds

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action

_FIRST_SESSION = keys.session("")


class IdentityMap(MapAttribute[str, str]):
    kind = UnicodeAttribute()
    digest = UnicodeAttribute()


class PlayerItem(Model):
    class Meta:
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    player_id = UnicodeAttribute()
    display_name = UnicodeAttribute()
    locale = UnicodeAttribute()
    metadata = JSONAttribute()
    avatar = UnicodeAttribute(null=True)
    state = UnicodeAttribute()
    created_at = NumberAttribute()
    revision = NumberAttribute()
    identities = ListAttribute(of=IdentityMap)


class SessionItem(Model):
    class Meta:
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    token_digest = UnicodeAttribute()
    created_at = NumberAttribute()
    expires_at = NumberAttribute()


class IdentityItem(Model):
    class Meta:
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    player_id = UnicodeAttribute()


class Session(Struct, frozen=True):
    """One signed-in device. Only the SHA-256 digest of its one valid refresh token is kept."""

    player_id: str
    session_id: str
    token_digest: str
    created_at: datetime
    expires_at: datetime


class PlayerStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo
        for model in (PlayerItem, SessionItem, IdentityItem):
            bind(model, table, dynamo)

    def key(self, player_id: str) -> Item:
        return {"pk": s(keys.player(player_id)), "sk": s(keys.PROFILE)}

    def get(self, player_id: str) -> Player | None:
        try:
            with translated():
                return _player(PlayerItem.get(keys.player(player_id), keys.PROFILE, consistent_read=True))
        except PlayerItem.DoesNotExist:
            return None

    def get_many(self, player_ids: list[str]) -> dict[str, Player]:
        """Return the players that exist. One consistent request per 100."""
        wanted = [self.key(player_id) for player_id in dict.fromkeys(player_ids)]
        found = self._dynamo.batch_get({self.table: wanted}, consistent=True)[self.table]
        return {player.player_id: player for player in map(self.parsed, found)}

    def parsed(self, item: Item) -> Player:
        return _player(PlayerItem.from_raw_data(item))

    def register(self, player: Player) -> bool:
        """Store a new player and claim the identities, all or nothing; False when one is taken."""
        profile = Part("profile", "Put", self._new(_item(player).serialize()))
        claims = [
            Part("identity", "Put", self._new(_identity_item(identity, player.player_id).serialize()))
            for identity in player.identities
        ]
        try:
            self._dynamo.transact([profile, *claims])
        except CancelledError as error:
            if error.refused:
                return False
            raise ContendedError("this identity is being registered; send the same request again") from error
        return True

    def by_identity(self, identity: Identity) -> str | None:
        """Return the id of the player who signs in with this identity. One consistent read."""
        try:
            with translated():
                item = IdentityItem.get(keys.identity(identity), keys.PROFILE, consistent_read=True)
        except IdentityItem.DoesNotExist:
            return None
        return item.player_id

    def replace(self, before: Player, after: Player) -> Player | None:
        """Store ``after`` as the next revision and return it; None when the profile is no longer ``before``."""
        after = replace(after, revision=before.revision + 1)
        return after if _conditional(_item(after), PlayerItem.revision == before.revision) else None

    def unchanged_part(self, name: str, player: Player) -> Part:
        """Return the check that a player is as read: not renamed, not leaving."""
        return revision_part(name, self.table, self.key(player.player_id), player.revision)

    def active_part(self, name: str, player_id: str) -> Part:
        """Return the check that a player exists and is not leaving."""
        request: Item = {
            "TableName": self.table,
            "Key": self.key(player_id),
            "ConditionExpression": "#state = :active",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {":active": s(PlayerState.ACTIVE.value)},
        }
        return Part(name, "ConditionCheck", request)

    def avatar_part(self, name: str, player_id: str, avatar: str | None) -> Part:
        """Return the write of a player's avatar, or of none, refused unless the player is active.

        Whoever changes the rest of the profile meanwhile finds that it is another revision now.
        """
        values: Item = {":active": s(PlayerState.ACTIVE.value), ":one": n(1)}
        request: Item = {
            "TableName": self.table,
            "Key": self.key(player_id),
            "UpdateExpression": "REMOVE avatar ADD revision :one",
            "ConditionExpression": "#state = :active",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": values,
        }
        if avatar is not None:
            request["UpdateExpression"] = "SET avatar = :avatar ADD revision :one"
            values[":avatar"] = s(avatar)
        return Part(name, "Update", request)

    def delete(self, player: Player) -> None:
        """Delete whatever is kept beside the profile, the identities and, last, it: a repeated call continues.

        Cost: a Query, and for each item deleted a write unit.
        """
        self._dynamo.delete_all(self.table, self._beside_profile(player.player_id))
        for identity in player.identities:
            self._release(identity, player.player_id)
        with translated():
            PlayerItem(keys.player(player.player_id), keys.PROFILE).delete()

    def _beside_profile(self, player_id: str) -> list[Item]:
        """Return the keys of sessions, rewards, balances and whatever else has the player's key."""
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": s(keys.player(player_id))},
            "ProjectionExpression": "pk, sk",
            "ConsistentRead": True,
        }
        return [key for key in self._dynamo.rows(request) if key["sk"]["S"] != keys.PROFILE]

    def open_session(self, session: Session) -> bool:
        """Store a new session; False when its player is gone or leaving."""
        put = Part("session", "Put", self._new(_session_item(session).serialize()))
        try:
            self._dynamo.transact([put, self.active_part("player", session.player_id)])
        except CancelledError as error:
            if error.refused:
                return False
            raise ContendedError("the account is being changed; send the same request again") from error
        return True

    def session(self, player_id: str, session_id: str) -> Session | None:
        try:
            with translated():
                item = SessionItem.get(keys.player(player_id), keys.session(session_id), consistent_read=True)
        except SessionItem.DoesNotExist:
            return None
        return _session(player_id, item)

    def sessions(self, player_id: str) -> list[Session]:
        with translated():
            found = SessionItem.query(
                keys.player(player_id), SessionItem.sk.startswith(_FIRST_SESSION), consistent_read=True
            )
            return [_session(player_id, item) for item in found]

    def rotate(self, session: Session, token_digest: str, expires_at: datetime) -> bool:
        """Make another refresh token the valid one; False when the session's token is no longer the one read."""
        item = SessionItem(keys.player(session.player_id), keys.session(session.session_id))
        actions: list[Action] = [
            SessionItem.token_digest.set(token_digest),
            SessionItem.expires_at.set(seconds(expires_at)),
        ]
        try:
            with translated():
                item.update(actions, condition=SessionItem.token_digest == session.token_digest)
        except ConditionFailedError:
            # The client tries again when a reply is lost: what was refused may be the second of our own tries.
            stored = self.session(session.player_id, session.session_id)
            return stored is not None and stored.token_digest == token_digest
        return True

    def close_session(self, player_id: str, session_id: str) -> None:
        with translated():
            SessionItem(keys.player(player_id), keys.session(session_id)).delete()

    def _release(self, identity: Identity, player_id: str) -> None:
        """Delete a claim, unless another player holds it by now: after a deletion that was interrupted just here."""
        try:
            with translated():
                _identity_item(identity, player_id).delete(IdentityItem.player_id == player_id)
        except ConditionFailedError:
            return

    def _new(self, item: Item) -> Item:
        return {"TableName": self.table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}


def _conditional(item: Model, condition: Condition) -> bool:
    try:
        with translated():
            item.save(condition)
    except (ConditionFailedError, BusyError):
        return False
    return True


def _item(player: Player) -> PlayerItem:
    return PlayerItem(
        keys.player(player.player_id),
        keys.PROFILE,
        player_id=player.player_id,
        display_name=player.display_name,
        locale=player.locale,
        metadata=player.metadata,
        avatar=player.avatar,
        state=player.state.value,
        created_at=milliseconds(player.created_at),
        revision=player.revision,
        identities=[
            IdentityMap(kind=identity.kind.value, digest=identity.digest)  # type: ignore[no-untyped-call]  # PynamoDB's
            for identity in player.identities
        ],
    )


def _player(item: PlayerItem) -> Player:
    return Player(
        player_id=item.player_id,
        display_name=item.display_name,
        locale=item.locale,
        metadata=item.metadata,
        avatar=item.avatar,
        state=PlayerState(item.state),
        created_at=from_milliseconds(item.created_at),
        revision=int(item.revision),
        identities=tuple(Identity(IdentityKind(each.kind), each.digest) for each in item.identities),
    )


def _identity_item(identity: Identity, player_id: str) -> IdentityItem:
    return IdentityItem(keys.identity(identity), keys.PROFILE, player_id=player_id)


def _session_item(session: Session) -> SessionItem:
    return SessionItem(
        keys.player(session.player_id),
        keys.session(session.session_id),
        token_digest=session.token_digest,
        created_at=milliseconds(session.created_at),
        expires_at=seconds(session.expires_at),
    )


def _session(player_id: str, item: SessionItem) -> Session:
    return Session(
        player_id=player_id,
        session_id=item.sk.removeprefix(_FIRST_SESSION),
        token_digest=item.token_digest,
        created_at=from_milliseconds(item.created_at),
        expires_at=from_seconds(item.expires_at),
    )
