"""Notices: the player's inbox, what everybody is told, and publishing."""

from typing import Annotated, Literal, assert_never

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import replace

from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import Answer, BoardId, Cursor, GrantView, Instant, PlayerId, Strict, in_utc
from chalicelib.bootstrap.serving import services
from chalicelib.domain.notices import (
    Announcement,
    Content,
    Notice,
    PersonalNotice,
    RewardNotice,
    SeasonResult,
    Slip,
)
from chalicelib.errors import (
    ContendedError,
    CursorError,
    MalformedError,
    NoticeDueError,
    NoticeNotFoundError,
    PublicationReusedError,
    TokenError,
)
from chalicelib.services.notices import Preview
from chalicelib.store.publications import Publication

api = Api("notices")

MAX_RECIPIENTS = 1000

NoticeId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z", description="32 hex digits that sort by time.")]
Title = Annotated[str, Meta(min_length=1, max_length=100)]
Text = Annotated[str, Meta(max_length=2000)]
Link = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,500}\Z",
        description="Where the notice leads: a URL, or a scheme of your own.",
        examples=["https://play.example.com/summer"],
    ),
]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
Limit = Annotated[int, Meta(ge=1, le=100, description="Notices a page.")]


State = Literal["preview", "scheduled", "sent"]


class AnnouncementView(Struct, tag_field="kind", tag="announcement"):
    title: str
    body: str
    link: str | None
    board_id: Annotated[str | None, Meta(description="The board that it is about; null: about none.")]


class PersonalView(Struct, tag_field="kind", tag="personal"):
    title: str
    body: str
    link: str | None


class SeasonResultView(Struct, tag_field="kind", tag="season_result"):
    season_id: str
    board_id: str
    period_id: str
    tier: Annotated[str, Meta(description="The one that was played in.")]
    outcome: Annotated[str, Meta(description="`promoted`, `relegated` or `stayed`.")]
    next_tier: Annotated[str | None, Meta(description="Null after the last round.")]
    rank: Annotated[int | None, Meta(description="In the bucket; null for who set no record.")]


class RewardNoticeView(Struct, tag_field="kind", tag="reward"):
    reward_id: Annotated[str, Meta(description="Of the ledger, `GET /players/me/rewards`.")]
    board_id: str
    period_id: str
    grants: list[GrantView]
    claimable: Annotated[bool, Meta(description="Whether the player has to claim it; else it is in the balances.")]
    rank: Annotated[int | None, Meta(description="On the board, or in the bucket.")]


ContentView = AnnouncementView | PersonalView | SeasonResultView | RewardNoticeView


class NoticeView(Answer):
    notice_id: str
    sent_at: Annotated[Instant, Meta(description="When it was published, or will be.")]
    expires_at: Annotated[Instant, Meta(description="Until when it is shown.")]
    content: ContentView


class InboxNoticeView(NoticeView):
    read_at: Annotated[Instant | None, Meta(description="Null: it is unread.")]


class InboxView(Answer):
    """Newest first; `next_cursor` is null on the last page."""

    notices: list[InboxNoticeView]
    next_cursor: str | None


class UnreadView(Answer):
    unread: Annotated[int, Meta(description="Notices that are unread now.")]


class AnnouncementsView(Answer):
    """Newest first; `next_cursor` is null on the last page."""

    notices: list[NoticeView]
    next_cursor: str | None


class ScheduledView(NoticeView):
    recipients: Annotated[int | None, Meta(description="How many players are named; null: it is for everybody.")]


class ScheduleView(Answer):
    """What waits to be published, the next first; `next_cursor` is null on the last page."""

    notices: list[ScheduledView]
    next_cursor: str | None


class PublishedView(Answer):
    state: Annotated[
        State,
        Meta(description="Scheduled: it is sent at its time, or within a minute where it could not be sent at once."),
    ]
    notice_id: Annotated[str | None, Meta(description="Null in a preview.")]
    at: Annotated[Instant, Meta(description="When it is sent.")]
    expires_at: Annotated[Instant, Meta(description="Until when it is shown.")]
    content: ContentView
    recipients: Annotated[int | None, Meta(description="How many players get it; null: everybody.")]
    unknown: Annotated[list[str], Meta(description="Those named who are no players, or no longer.")]
    messages: Annotated[int, Meta(description="How many messages carry it.")]


class SlipView(Answer):
    """What the inbox holds under an id; without content a remark about an announcement, or about what was deleted."""

    notice_id: str
    expires_at: Instant
    content: ContentView | None
    read_at: Instant | None
    deleted: bool


class PageQuery(Strict):
    limit: Limit = 20
    cursor: Cursor | UnsetType = UNSET


class InboxQuery(PageQuery):
    unread: Annotated[bool, Meta(description="True: only what is unread.")] = False


class ReadBody(Strict):
    """Exactly one of `ids` and `up_to`."""

    ids: Annotated[list[NoticeId], Meta(min_length=1, max_length=99)] | UnsetType = UNSET
    up_to: Annotated[NoticeId, Meta(description="This notice, and all that were sent before it.")] | UnsetType = UNSET


class NoticePath(Strict):
    notice_id: NoticeId


class AnnouncementBody(Strict, tag_field="kind", tag="announcement"):
    title: Title
    body: Text = ""
    link: Link | None = None
    board_id: BoardId | None = None


class PersonalBody(Strict, tag_field="kind", tag="personal"):
    title: Title
    body: Text = ""
    link: Link | None = None


class PublishBody(Strict):
    content: AnnouncementBody | PersonalBody
    recipients: Annotated[
        list[PlayerId],
        Meta(max_length=MAX_RECIPIENTS, description="Of a personal notice. An announcement is for everybody."),
    ] = field(default_factory=list)
    at: Annotated[Instant | None, Meta(description="When to publish it; null: now.")] = None
    expires_at: Annotated[Instant | None, Meta(description="How long it is shown: a year at most; null: 30 days.")] = (
        None
    )
    publication_id: Annotated[
        Name | None,
        Meta(description="Yours: the same id with the same content is published once and answered alike."),
    ] = None
    preview: Annotated[bool, Meta(description="True: answer what would be sent, and send nothing.")] = False


_ONE_OF = Meta(extra_json_schema={"oneOf": [{"required": ["ids"]}, {"required": ["up_to"]}]})


@api.route("GET", "/players/me/notices", access=Access.PLAYER, errors=(CursorError,))
def inbox(caller: str, query: InboxQuery) -> InboxView:
    """Return a page of the signed-in player's notices, with what everybody was told since the player registered."""
    player = services().players.own(caller)
    cursor = None if query.cursor is UNSET else query.cursor
    page = services().inbox.page(player, query.limit, cursor, unread_only=query.unread)
    shown = [
        InboxNoticeView(
            notice_id=each.notice.notice_id,
            sent_at=each.notice.sent_at,
            expires_at=each.notice.expires_at,
            content=content_view(each.notice.content),
            read_at=each.read_at,
        )
        for each in page.notices
    ]
    return InboxView(notices=shown, next_cursor=page.next_cursor)


@api.route("POST", "/players/me/notices/read", access=Access.PLAYER, errors=(TokenError, ContendedError))
def read(caller: str, body: Annotated[ReadBody, _ONE_OF]) -> UnreadView:
    """Mark notices as read: those named, or all up to one. Those that are gone are passed over."""
    player = services().players.own(caller)
    if isinstance(body.ids, list) and body.up_to is UNSET:
        services().inbox.read(player, body.ids)
    elif isinstance(body.up_to, str) and body.ids is UNSET:
        services().inbox.read_up_to(player, body.up_to)
    else:
        raise MalformedError("body: expected exactly one of ids and up_to", field="body")
    return UnreadView(unread=services().inbox.unread(player))


@api.route(
    "DELETE",
    "/players/me/notices/{notice_id}",
    access=Access.PLAYER,
    status=204,
    errors=(NoticeNotFoundError, TokenError, ContendedError),
)
def delete(caller: str, path: NoticePath) -> None:
    """Delete a notice for this player. Deleting it again is no error."""
    services().inbox.delete(services().players.own(caller), path.notice_id)


@api.route("GET", "/notices", errors=(CursorError,))
def announcements(query: PageQuery) -> AnnouncementsView:
    """Return a page of what everybody is told; what is new shows within seconds."""
    page = services().announcements.page(query.limit, None if query.cursor is UNSET else query.cursor)
    return AnnouncementsView(notices=[notice_view(each) for each in page.notices], next_cursor=page.next_cursor)


@api.route("POST", "/admin/notices", access=Access.ADMIN, status=201, errors=(PublicationReusedError, ContendedError))
def publish(body: PublishBody) -> PublishedView:
    """Publish an announcement or a personal notice, now or at an instant; or preview it."""
    notices = services().notices
    at = in_utc(body.at, "at") if body.at else None
    expires_at = in_utc(body.expires_at, "expires_at") if body.expires_at else None
    publication = notices.draft(_content(body.content), body.recipients, at, expires_at, body.publication_id)
    preview = notices.preview(publication)
    if body.preview:
        return _published_view(preview, "preview")
    published = notices.publish(publication)
    state: State = "sent" if published.is_sent else "scheduled"
    return _published_view(replace(preview, publication=published.publication), state)


@api.route("GET", "/admin/notices/scheduled", access=Access.ADMIN, errors=(CursorError,))
def scheduled(query: PageQuery) -> ScheduleView:
    """Return a page of what waits to be published."""
    page = services().notices.scheduled(query.limit, None if query.cursor is UNSET else query.cursor)
    return ScheduleView(notices=[_scheduled_view(each) for each in page.publications], next_cursor=page.next_cursor)


@api.route(
    "DELETE",
    "/admin/notices/scheduled/{notice_id}",
    access=Access.ADMIN,
    status=204,
    errors=(NoticeNotFoundError, NoticeDueError),
)
def cancel(path: NoticePath) -> None:
    """Take a scheduled notice back, before it is due."""
    services().notices.cancel(path.notice_id)


def notice_view(notice: Notice) -> NoticeView:
    return NoticeView(
        notice_id=notice.notice_id,
        sent_at=notice.sent_at,
        expires_at=notice.expires_at,
        content=content_view(notice.content),
    )


def slip_view(slip: Slip) -> SlipView:
    return SlipView(
        notice_id=slip.notice_id,
        expires_at=slip.expires_at,
        content=content_view(slip.notice.content) if slip.notice else None,
        read_at=slip.read_at,
        deleted=slip.is_deleted,
    )


def content_view(content: Content) -> ContentView:
    match content:
        case Announcement():
            return AnnouncementView(
                title=content.title, body=content.body, link=content.link, board_id=content.board_id
            )
        case PersonalNotice():
            return PersonalView(title=content.title, body=content.body, link=content.link)
        case SeasonResult():
            return _season_result_view(content)
        case RewardNotice():
            return _reward_notice_view(content)
    assert_never(content)


def _season_result_view(result: SeasonResult) -> SeasonResultView:
    return SeasonResultView(
        season_id=result.season_id,
        board_id=result.board_id,
        period_id=result.period_id,
        tier=result.tier,
        outcome=result.outcome,
        next_tier=result.next_tier,
        rank=result.rank,
    )


def _reward_notice_view(reward: RewardNotice) -> RewardNoticeView:
    return RewardNoticeView(
        reward_id=reward.reward_id,
        board_id=reward.board_id,
        period_id=reward.period_id,
        grants=[GrantView(item=grant.item, amount=grant.amount) for grant in reward.grants],
        claimable=reward.claimable,
        rank=reward.rank,
    )


def _content(body: AnnouncementBody | PersonalBody) -> Content:
    if isinstance(body, AnnouncementBody):
        return Announcement(body.title, body.body, body.link, body.board_id)
    return PersonalNotice(body.title, body.body, body.link)


def _scheduled_view(publication: Publication) -> ScheduledView:
    return ScheduledView(
        notice_id=publication.notice_id,
        sent_at=publication.at,
        expires_at=publication.notice.expires_at,
        content=content_view(publication.notice.content),
        recipients=len(publication.recipients) or None,
    )


def _published_view(preview: Preview, state: State) -> PublishedView:
    publication = preview.publication
    return PublishedView(
        state=state,
        notice_id=None if state == "preview" else publication.notice_id,
        at=publication.at,
        expires_at=publication.notice.expires_at,
        content=content_view(publication.notice.content),
        recipients=preview.recipients,
        unknown=list(preview.unknown),
        messages=preview.messages,
    )
