"""The uploads of avatars in the players table: of each player the latest, which alone may become the avatar."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from chalicelib.domain.avatars import Crop, MediaType, Refusal, Refused, Upload, UploadState
from chalicelib.store import keys
from chalicelib.store.dynamo import Dynamo, Item, Part, bind, translated
from chalicelib.store.typed import from_milliseconds, milliseconds, s


class UploadItem(Model):
    class Meta:
        pass

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    upload_id = UnicodeAttribute()
    media_type = UnicodeAttribute()
    crop = UnicodeAttribute()
    asked_at = NumberAttribute()
    state = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    message = UnicodeAttribute(null=True)


class UploadStore:
    def __init__(self, table: str, dynamo: Dynamo) -> None:
        self.table = table
        bind(UploadItem, table, dynamo)

    def get(self, player_id: str) -> Upload | None:
        try:
            with translated():
                item = UploadItem.get(keys.player(player_id), keys.UPLOAD, consistent_read=True)
        except UploadItem.DoesNotExist:
            return None
        return _upload(player_id, item)

    def put_part(self, name: str, upload: Upload) -> Part:
        """Return the write of a player's latest upload, in place of whichever was the latest."""
        return Part(name, "Put", {"TableName": self.table, "Item": _item(upload).serialize()})

    def publish_part(self, name: str, upload: Upload) -> Part:
        """Return the write that ends an upload well, refused unless it is the latest and was waiting until now."""
        return self._ending(name, upload, "SET #state = :state", {":state": s(UploadState.PUBLISHED)})

    def refuse_part(self, name: str, upload: Upload, refused: Refused) -> Part:
        """Return the write that ends an upload badly, refused unless it is the latest and was waiting until now."""
        values = {":state": s(UploadState.REFUSED), ":reason": s(refused.reason), ":message": s(refused.message)}
        return self._ending(name, upload, "SET #state = :state, reason = :reason, message = :message", values)

    def remove_part(self, name: str, player_id: str) -> Part:
        """Return the write that ends the latest upload whatever became of it, refused where nothing was ever asked."""
        request: Item = {
            "UpdateExpression": "SET #state = :state REMOVE reason, message",
            "ConditionExpression": "attribute_exists(pk)",
            "ExpressionAttributeValues": {":state": s(UploadState.REMOVED)},
        }
        return self._update(name, player_id, request)

    def delete(self, player_id: str) -> None:
        with translated():
            UploadItem(keys.player(player_id), keys.UPLOAD).delete()

    def _ending(self, name: str, upload: Upload, expression: str, values: Item) -> Part:
        request: Item = {
            "UpdateExpression": expression,
            "ConditionExpression": "upload_id = :upload_id AND #state = :waiting",
            "ExpressionAttributeValues": {
                **values,
                ":upload_id": s(upload.upload_id),
                ":waiting": s(UploadState.WAITING),
            },
        }
        return self._update(name, upload.player_id, request)

    def _update(self, name: str, player_id: str, request: Item) -> Part:
        key = {"pk": s(keys.player(player_id)), "sk": s(keys.UPLOAD)}
        named = {"TableName": self.table, "Key": key, "ExpressionAttributeNames": {"#state": "state"}}
        return Part(name, "Update", {**named, **request})


def _item(upload: Upload) -> UploadItem:
    refused = upload.refused
    return UploadItem(
        keys.player(upload.player_id),
        keys.UPLOAD,
        upload_id=upload.upload_id,
        media_type=upload.media_type.value,
        crop=upload.crop.value,
        asked_at=milliseconds(upload.asked_at),
        state=upload.state.value,
        reason=refused.reason.value if refused else None,
        message=refused.message if refused else None,
    )


def _upload(player_id: str, item: UploadItem) -> Upload:
    return Upload(
        player_id=player_id,
        upload_id=item.upload_id,
        media_type=MediaType(item.media_type),
        crop=Crop(item.crop),
        asked_at=from_milliseconds(item.asked_at),
        state=UploadState(item.state),
        refused=Refused(Refusal(item.reason), item.message) if item.reason else None,
    )
