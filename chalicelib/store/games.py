"""The games table: every game of a player, and a receipt for every authoritative submission that carries an id."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from chalicelib.domain.games import Game, GameResult
from chalicelib.domain.records import Submission
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo, Item, Part, bind, translated
from chalicelib.store.typed import from_milliseconds, from_seconds, milliseconds, n, s, seconds

KEPT_AFTER_EXPIRY = timedelta(days=7)
"""How long a game's answer can be asked for again; DynamoDB forgets it some time later."""
_OPEN_GAMES_LOOKED_AT = 10


class GameItem(Model):
    class Meta:
        pass

    player_id = UnicodeAttribute(hash_key=True)
    game_id = UnicodeAttribute(range_key=True)
    mode = UnicodeAttribute()
    seed = NumberAttribute()
    started_at = NumberAttribute()
    ends_by = NumberAttribute()
    submissions = UnicodeAttribute(null=True)
    result = UnicodeAttribute(null=True)
    expires_at = NumberAttribute()


class Receipt(msgspec.Struct, frozen=True):
    """What an authoritative submission was and what it did."""

    submissions: tuple[Submission, ...]
    result: GameResult


LedgerKey = tuple[str, str]
"""A player's id, and a game's or a receipt's."""


class Overdue(msgspec.Struct, frozen=True):
    """What tells whether a game, or a receipt, has had its time."""

    key: LedgerKey
    ends_by: datetime | None
    """When the game had to be ended by; None where it was, or where it is a receipt."""
    expires_at: datetime

    def is_stale(self, now: datetime) -> bool:
        return self.ends_by is not None and self.ends_by <= now


class GameStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        self._dynamo = dynamo
        bind(GameItem, table, dynamo)

    def key(self, player_id: str, ledger_id: str) -> Item:
        return {"player_id": s(player_id), "game_id": s(ledger_id)}

    def open_part(self, name: str, game: Game) -> Part:
        """Return the write that starts a game."""
        return Part(name, "Put", {"TableName": self.table, "Item": _item(game).serialize()})

    def parsed(self, item: Item) -> Game:
        return _game(GameItem.from_raw_data(item))

    def parsed_receipt(self, item: Item) -> Receipt:
        return Receipt(
            msgspec.json.decode(item["submissions"]["S"], type=tuple[Submission, ...]),
            msgspec.json.decode(item["result"]["S"], type=GameResult),
        )

    def newest_open(self, player_id: str, now: datetime) -> Game | None:
        """Return the open game started last, looking at the ten newest. One query."""
        newest = GameItem.query(
            player_id,
            GameItem.game_id < keys.FIRST_RECEIPT,
            scan_index_forward=False,
            limit=_OPEN_GAMES_LOOKED_AT,
            consistent_read=True,
        )
        with translated():
            games = [_game(item) for item in newest]
        return next((game for game in games if game.is_open(now)), None)

    def of_player(self, player_id: str) -> list[Game]:
        """Return all games of a player, oldest first."""
        with translated():
            items = list(GameItem.query(player_id, GameItem.game_id < keys.FIRST_RECEIPT, consistent_read=True))
        return [_game(item) for item in items]

    def receipts_of_player(self, player_id: str) -> dict[str, Receipt]:
        """Return all receipts of a player's authoritative submissions, by submission id. A query per 1 MB."""
        request: Item = {
            "TableName": self.table,
            "KeyConditionExpression": "player_id = :player_id AND game_id > :first",
            "ExpressionAttributeValues": {":player_id": s(player_id), ":first": s(keys.FIRST_RECEIPT)},
            "ConsistentRead": True,
        }
        items = self._dynamo.rows(request)
        return {keys.submission_id(item["game_id"]["S"]): self.parsed_receipt(item) for item in items}

    def page(self, after: LedgerKey | None, limit: int) -> tuple[list[Overdue], LedgerKey | None]:
        """Return some of all games and receipts, in no order, and where to go on; None at the end.

        Args:
            after: Where the page before said to go on; None from the beginning.

        Cost: half a read unit per 4 KB, whether an item is shown in whole or in part.
        """
        start = self.key(*after) if after else None
        names = ["player_id", "game_id", "ends_by", "result", "expires_at"]
        with translated():
            items = GameItem.scan(limit=limit, last_evaluated_key=start, attributes_to_get=names)
            found = [_overdue(item) for item in items]
        last = items.last_evaluated_key
        return found, (last["player_id"]["S"], last["game_id"]["S"]) if last else None

    def delete_many(self, ledger_keys: Sequence[LedgerKey]) -> None:
        """Delete games and receipts, whether they exist or not. A request per 25, a write unit each."""
        self._dynamo.delete_all(self.table, [self.key(*key) for key in ledger_keys])

    def delete_all(self, player_id: str) -> None:
        """Delete every game and receipt of a player. A write unit each."""
        with translated():
            items = GameItem.query(player_id, consistent_read=True, attributes_to_get=["player_id", "game_id"])
            with GameItem.batch_write() as batch:
                for item in items:
                    batch.delete(item)

    def close_part(
        self, name: str, player_id: str, game_id: str, submissions: tuple[Submission, ...], result: GameResult
    ) -> Part:
        """Return the write that ends a game, refused if it ended meanwhile or is gone."""
        request: Item = {
            "TableName": self.table,
            "Key": self.key(player_id, game_id),
            "UpdateExpression": "SET submissions = :submissions, #result = :result",
            "ConditionExpression": "attribute_exists(player_id) AND attribute_not_exists(#result)",
            "ExpressionAttributeNames": {"#result": "result"},
            "ExpressionAttributeValues": {":submissions": _json(submissions), ":result": _json(result)},
        }
        return Part(name, "Update", request)

    def receipt_part(
        self, name: str, player_id: str, submission_id: str, submissions: tuple[Submission, ...], result: GameResult
    ) -> Part:
        """Return the write that keeps a submission's answer, refused if the id was used before."""
        item = {
            **self.key(player_id, keys.receipt(submission_id)),
            "submissions": _json(submissions),
            "result": _json(result),
            "expires_at": n(seconds(result.ended_at + KEPT_AFTER_EXPIRY)),
        }
        condition = "attribute_not_exists(player_id)"
        return Part(name, "Put", {"TableName": self.table, "Item": item, "ConditionExpression": condition})


def _json(value: object) -> Item:
    return s(msgspec.json.encode(value).decode())


def _item(game: Game) -> GameItem:
    return GameItem(
        game.player_id,
        game.game_id,
        mode=game.mode,
        seed=game.seed,
        started_at=milliseconds(game.started_at),
        ends_by=milliseconds(game.expires_at),
        expires_at=seconds(game.expires_at + KEPT_AFTER_EXPIRY),
    )


def _overdue(item: GameItem) -> Overdue:
    is_open = "ends_by" in item.attribute_values and "result" not in item.attribute_values
    ends_by = from_milliseconds(item.ends_by) if is_open else None
    return Overdue((item.player_id, item.game_id), ends_by, from_seconds(item.expires_at))


def _game(item: GameItem) -> Game:
    return Game(
        player_id=item.player_id,
        game_id=item.game_id,
        mode=item.mode,
        seed=int(item.seed),
        started_at=from_milliseconds(item.started_at),
        expires_at=from_milliseconds(item.ends_by),
        submissions=msgspec.json.decode(item.submissions, type=tuple[Submission, ...]) if item.submissions else None,
        result=msgspec.json.decode(item.result, type=GameResult) if item.result else None,
    )
