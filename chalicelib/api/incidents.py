"""Incidents and the mode: what operators see of them, and set by hand."""

from typing import Annotated

from msgspec import Meta

from chalicelib.api.routing import Access, Api
from chalicelib.api.wire import Answer, IncidentView, Instant, Strict, incident_view
from chalicelib.bootstrap.serving import services
from chalicelib.domain.incidents import NAME, Incident, Mode, Setting
from chalicelib.errors import ContendedError, IncidentNotFoundError
from chalicelib.services.incidents import Situation

api = Api("admin")

AlarmName = Annotated[
    str,
    Meta(
        pattern=NAME,
        description="As `GET /` shows it: without `laurel-<stage>-`.",
        examples=["records-throttles"],
    ),
]


class AlarmPath(Strict):
    alarm: AlarmName


class ModeBody(Strict):
    mode: Annotated[Setting, Meta(description="`automatic`: the alarms say which mode it is.")]


class StoryView(IncidentView):
    """An incident as operators see it."""

    closed_at: Annotated[Instant | None, Meta(description="null: it is open.")]
    reason: Annotated[str, Meta(description="Why its alarm went off, in the words of CloudWatch.")]


class SituationView(Answer):
    mode: Mode
    setting: Annotated[Setting, Meta(description="What an operator has set; it holds until it is set anew.")]
    set_at: Annotated[Instant | None, Meta(description="When it was; null: never.")]
    incidents: Annotated[list[StoryView], Meta(description="The last one of each alarm, open ones first.")]


@api.route("GET", "/admin/incidents", access=Access.ADMIN)
def incidents() -> SituationView:
    """Return the mode, and the last incident of each alarm that went off in the last 30 days."""
    return _view(services().incidents.current())


@api.route("PUT", "/admin/mode", access=Access.ADMIN)
def set_mode(body: ModeBody) -> SituationView:
    """Switch the degraded mode on or off by hand, or leave it to the alarms. All functions follow within 5 seconds."""
    return _view(services().incidents.set(body.mode))


@api.route("DELETE", "/admin/incidents/{alarm}", access=Access.ADMIN, errors=(IncidentNotFoundError, ContendedError))
def close_incident(path: AlarmPath) -> SituationView:
    """Close an incident by hand, though its alarm has not said that it is over. It opens again when that goes off."""
    return _view(services().incidents.close(path.alarm))


def _view(situation: Situation) -> SituationView:
    return SituationView(
        mode=situation.mode,
        setting=situation.setting,
        set_at=situation.set_at,
        incidents=[_story(each) for each in situation.incidents],
    )


def _story(incident: Incident) -> StoryView:
    shown = incident_view(incident)
    return StoryView(
        alarm=shown.alarm,
        affects=shown.affects,
        opened_at=shown.opened_at,
        closed_at=incident.closed_at,
        reason=incident.reason,
    )
