"""Avatars: uploading one, how that went, doing without, and what is shown of those who have none."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from msgspec import Meta

from chalicelib.api.links import Links
from chalicelib.api.routing import Access, Api, Content
from chalicelib.api.wire import (
    IDENTICON_TYPE,
    Answer,
    AvatarView,
    Instant,
    PlayerPath,
    Strict,
    UploadView,
    avatar_view,
    upload_view,
)
from chalicelib.bootstrap.serving import services
from chalicelib.domain import identicons
from chalicelib.domain.avatars import FILE_NAME, MAX_UPLOAD_BYTES, Crop, MediaType
from chalicelib.errors import AvatarsOffError, ContendedError, PlayerNotFoundError

api = Api("avatars")

FileName = Annotated[
    str,
    Meta(
        pattern=FILE_NAME,
        description='The name under which people find a refused picture: no "/", no control characters, '
        'not "." or "..", and nothing that S3 fills in.',
        examples=["me + my cat, 100%.jpg"],
    ),
]
Size = Annotated[int, Meta(ge=16, le=1024, description="Pixels a side.")]


class AvatarUpload(Strict):
    content_type: Annotated[MediaType, Meta(description="Of the file; the form takes no other.")]
    file_name: FileName = "avatar"
    crop: Annotated[Crop, Meta(description='Which square is shown: "centre", or "smart", where the eye falls.')] = (
        Crop.CENTRE
    )


class IdenticonQuery(Strict):
    size: Size = 64


class UploadFormView(Answer):
    """Post all fields and then the file, as field `file` of multipart/form-data, to the URL."""

    upload_id: str
    url: Annotated[str, Meta(extra_json_schema={"format": "uri"})]
    fields: dict[str, str]
    expires_at: Instant
    max_bytes: int


class OwnAvatarView(Answer):
    avatar: AvatarView
    upload: Annotated[UploadView | None, Meta(description="The latest; null: there was none.")]


class Svg(Content, frozen=True):
    """A picture as SVG, that does nothing even where it is opened as a page, and that pages of any origin may show."""

    media_type: ClassVar[str] = IDENTICON_TYPE
    headers: ClassVar[Mapping[str, str]] = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }


@api.route(
    "POST",
    "/players/me/avatar",
    access=Access.PLAYER,
    status=201,
    errors=(AvatarsOffError, ContendedError),
    optional=True,
)
def ask(caller: str, body: AvatarUpload, links: Links) -> UploadFormView:
    """Return a form to upload a picture with, straight to S3. Any upload that is still waiting is given up for it."""
    if not links.media_url:
        raise AvatarsOffError("this deployment takes no pictures: LAUREL_MEDIA_URL is not set")
    invitation = services().avatars.ask(caller, body.content_type, body.file_name, body.crop)
    return UploadFormView(
        upload_id=invitation.upload.upload_id,
        url=invitation.form.url,
        fields=dict(invitation.form.fields),
        expires_at=invitation.upload.expires_at,
        max_bytes=MAX_UPLOAD_BYTES,
    )


@api.route("GET", "/players/me/avatar", access=Access.PLAYER)
def own(caller: str, links: Links) -> OwnAvatarView:
    """Return the signed-in player's avatar, and how the latest upload went."""
    # In this order: whoever reads that an upload was published reads its avatar after that.
    upload = services().avatars.upload(caller)
    player = services().players.own(caller)
    return OwnAvatarView(
        avatar=avatar_view(player.player_id, player.avatar, links),
        upload=upload_view(upload) if upload else None,
    )


@api.route("DELETE", "/players/me/avatar", access=Access.PLAYER, status=204, errors=(ContendedError,))
def remove_own(caller: str) -> None:
    """Take the signed-in player's avatar away everywhere, and give up an upload that is still waiting."""
    services().avatars.remove(services().players.own(caller))


@api.route(
    "DELETE",
    "/admin/players/{player_id}/avatar",
    access=Access.ADMIN,
    status=204,
    errors=(PlayerNotFoundError, ContendedError),
)
def remove(path: PlayerPath) -> None:
    """Take a player's avatar away everywhere. The player may upload another."""
    services().avatars.remove(services().players.public(path.player_id))


@api.route("GET", "/players/{player_id}/identicon")
def identicon(path: PlayerPath, query: IdenticonQuery) -> Svg:
    """Return the picture of a player without an avatar. It is drawn from the id, whether anybody has it or not."""
    return Svg(identicons.svg(path.player_id, query.size))
