"""The error kinds: one family, each with a stable code and an HTTP status.

Raise the kind that fits; the edge turns it into an answer. Messages say what was wrong, where, and what would be right.
"""

from typing import ClassVar, TypeAlias

Detail: TypeAlias = str | int | bool | None


class GameError(Exception):
    """Something is broken on our side; the log has the traceback.

    Every kind below is a refusal with a stable ``code`` for programs, a message for people and details for both.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **detail: Detail) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class MalformedError(GameError):
    """A body, query, path or header value breaks its documented rule."""

    code = "malformed"
    status = 400


class TooLargeError(GameError):
    """The body is larger than the API takes."""

    code = "too_large"
    status = 413


class MediaTypeError(GameError):
    """The body is not declared as JSON."""

    code = "media_type"
    status = 415


class CursorError(GameError):
    """A cursor is forged, damaged, or was made for another board, period or query."""

    code = "cursor_invalid"
    status = 400


class UnauthenticatedError(GameError):
    """No credentials, or credentials that prove nothing."""

    code = "unauthenticated"
    status = 401


class TokenMissingError(UnauthenticatedError):
    """The route needs a player, and no token came; API Gateway itself answers this."""

    code = "token_missing"


class TokenError(UnauthenticatedError):
    """A token is malformed, signed by nobody we know, or revoked."""

    code = "token_invalid"


class TokenExpiredError(UnauthenticatedError):
    """A token was good once; refresh it or sign in again."""

    code = "token_expired"


class TokenReusedError(UnauthenticatedError):
    """A refresh token came a second time; its session is closed, sign in again."""

    code = "token_reused"


class IdentityUnknownError(UnauthenticatedError):
    """Nobody registered with this device id or custom id."""

    code = "identity_unknown"


class ForbiddenError(GameError):
    """Known, but not allowed."""

    code = "forbidden"
    status = 403


class AvatarsOffError(ForbiddenError):
    """This deployment takes no pictures: it has no place to keep them. Everybody has a placeholder."""

    code = "avatars_off"


class PushOffError(ForbiddenError):
    """This deployment pushes notices to no devices."""

    code = "push_off"


class NotFoundError(GameError):
    """What the path or body names does not exist."""

    code = "not_found"
    status = 404


class RouteNotFoundError(NotFoundError):
    """No route has this method and path; API Gateway itself answers this."""

    code = "route_not_found"


class BoardNotFoundError(NotFoundError):
    """No board has this id."""

    code = "board_not_found"


class PeriodNotFoundError(NotFoundError):
    """The board has no such period, not yet, or no longer."""

    code = "period_not_found"


class PlayerNotFoundError(NotFoundError):
    """No player has this id, or the account was deleted."""

    code = "player_not_found"


class GameNotFoundError(NotFoundError):
    """The caller has no game with this id."""

    code = "game_not_found"


class RecordNotFoundError(NotFoundError):
    """The player has no record on this board in this period."""

    code = "record_not_found"


class NoticeNotFoundError(NotFoundError):
    """There is no such notice here: it never came, or it has expired."""

    code = "notice_not_found"


class IncidentNotFoundError(NotFoundError):
    """No incident of an alarm of this name is known."""

    code = "incident_not_found"


class RewardNotFoundError(NotFoundError):
    """The player has no reward with this id."""

    code = "reward_not_found"


class SeasonNotFoundError(NotFoundError):
    """No season has this id, or the player is in no bucket of that round."""

    code = "season_not_found"


class TournamentNotFoundError(NotFoundError):
    """The board is no tournament."""

    code = "tournament_not_found"


class ConflictError(GameError):
    """The request disagrees with what is stored."""

    code = "conflict"
    status = 409


class BoardExistsError(ConflictError):
    """Another board has this id."""

    code = "board_exists"


class BoardSealedError(ConflictError):
    """A rule cannot change that standings rest on, once there are records, or that players rely on in a tournament."""

    code = "board_sealed"


class SeasonExistsError(ConflictError):
    """Another season has this id, or is played on this board in these periods."""

    code = "season_exists"


class SeasonClosedError(ConflictError):
    """No round of the season is under way: it has not begun, or is over."""

    code = "season_closed"


class RoundSettlingError(ConflictError):
    """The last games of the round before are being written; come back in ``retry_after`` seconds."""

    code = "round_settling"


class TournamentOverError(ConflictError):
    """The tournament is over: nobody joins it any more."""

    code = "tournament_over"


class TournamentFullError(ConflictError):
    """All places of the tournament are taken."""

    code = "tournament_full"


class TournamentBegunError(ConflictError):
    """The tournament begins, or has begun: whoever has joined stays."""

    code = "tournament_begun"


class BalanceTooLowError(ConflictError):
    """The player has less of an item than it costs."""

    code = "balance_too_low"


class IdentityTakenError(ConflictError):
    """A player registered with this device id or custom id before; sign in with it."""

    code = "identity_taken"


class GameEndedError(ConflictError):
    """The game ended already, with another result."""

    code = "game_ended"


class GameExpiredError(ConflictError):
    """The game was not ended in time."""

    code = "game_expired"


class SubmissionReusedError(ConflictError):
    """A submission id came again with another content."""

    code = "submission_reused"


class PublicationReusedError(ConflictError):
    """A publication id came again with another content, or other recipients."""

    code = "publication_reused"


class NoticeDueError(ConflictError):
    """The notice is being sent; it cannot be taken back."""

    code = "notice_due"


class ContendedError(ConflictError):
    """Other writers kept changing the same record; the same request may be sent again."""

    code = "contended"


class RejectedError(GameError):
    """The game as a whole is refused: its length breaks the rules of its mode."""

    code = "rejected"
    status = 422


class GameTooShortError(RejectedError):
    """The game lasted less than its mode asks for."""

    code = "game_too_short"


class GameTooLongError(RejectedError):
    """The game lasted longer than its mode allows."""

    code = "game_too_long"


class TooManyError(GameError):
    """More than this caller may ask for now; ``retry_after`` seconds tell when to come back."""

    code = "too_many"
    status = 429

    def __init__(self, message: str, retry_after: int, **detail: Detail) -> None:
        super().__init__(message, retry_after=retry_after, **detail)
        self.retry_after = retry_after


class StoreUnavailableError(GameError):
    """The database did not answer in time or throttled; nothing was lost, try again."""

    code = "store_unavailable"
    status = 503


class DegradedError(GameError):
    """Switched off for now, so that what matters more goes on; try again after ``retry_after`` seconds."""

    code = "degraded"
    status = 503
