"""What makes functions run, and what becomes of what fails: the options that chalice has no words for."""

from collections.abc import Mapping
from pathlib import Path

from deploy import layout
from deploy.errors import DeployError
from deploy.pipeline.functions import functions
from deploy.pipeline.references import resolvable
from deploy.pipeline.settings import Settings
from deploy.pipeline.template import FUNCTION, Json, Template

STREAMS = frozenset({"DynamoDB", "Kinesis", "SQS"})
"""Events that Lambda fetches, by an event source mapping."""


def fetched(template: Template, settings: Settings) -> Template:
    """Return the template with the options of infra/event_sources.json.

    Raises:
        DeployError: They are for a function that is not there, or that nothing is fetched for.
    """
    ids = {function: logical_id for logical_id, function in functions(template, settings)}
    for function, options in settings.event_sources.items():
        logical_id = _known(ids, function, layout.EVENT_SOURCES)
        events = template.properties(logical_id, FUNCTION).get("Events", {})
        sources = {name: event for name, event in events.items() if event["Type"] in STREAMS}
        if not sources:
            raise DeployError(f"{layout.EVENT_SOURCES.name} names {function}, which app.py subscribes to no stream")
        changed = {name: _with_options(event, _resolved(options)) for name, event in sources.items()}
        template = template.with_properties(logical_id, {"Events": {**events, **changed}})
    return template


def resolved(template: Template) -> Template:
    """Return the template with the sources of events as CloudFormation fills them in.

    Raises:
        DeployError: A function follows a stream or queue that the stage does not have.
    """
    for logical_id, properties in list(template.functions()):
        if "Events" in properties:
            events = resolvable(properties["Events"])
            for event in events.values():
                _require_own_source(logical_id, event)
            template = template.with_properties(logical_id, {"Events": events})
    return template


def asynchronous(template: Template, settings: Settings) -> Template:
    """Return the template with what becomes of asynchronous invocations that fail: infra/async_invocations.json.

    Raises:
        DeployError: They are for a function that is not there.
    """
    ids = {function: logical_id for logical_id, function in functions(template, settings)}
    for function, options in settings.async_invocations.items():
        logical_id = _known(ids, function, layout.ASYNC_INVOCATIONS)
        config = _resolved(options)
        failure = config.get("DestinationConfig", {}).get("OnFailure")
        if failure:
            config["DestinationConfig"] = {"OnFailure": {"Type": "SQS", **failure}}
        template = template.with_properties(logical_id, {"EventInvokeConfig": config})
    return template


def _require_own_source(logical_id: str, event: Json) -> None:
    source = event["Properties"].get("Stream", event["Properties"].get("Queue"))
    if isinstance(source, str):
        raise DeployError(
            f"{logical_id} is subscribed to {source}. In a template a stream or queue is the stage's own: name it in"
            " app.py by a variable that deploy/environment.py sets from an output of infra/template.yaml."
        )


def _known(ids: Mapping[str, str], function: str, file: Path) -> str:
    if function not in ids:
        raise DeployError(
            f"{file.name} names {function}, which is none of app.py's functions: {', '.join(sorted(ids))}"
        )
    return ids[function]


def _resolved(options: Json) -> Json:
    """Return options with the output that a destination is named after as a reference to it."""
    resolved = dict(options)
    if "DestinationConfig" in options:
        output = options["DestinationConfig"]["OnFailure"]["Destination"]
        resolved["DestinationConfig"] = {"OnFailure": {"Destination": {"Ref": output}}}
    return resolved


def _with_options(event: Json, options: Json) -> Json:
    return {**event, "Properties": {**event["Properties"], **options}}
