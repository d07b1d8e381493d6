"""How the embedded AWS holds callers to their policies, as AWS does, and its record of what they asked for.

Most of that is ministack's own: functions have the permissions of their roles, and whoever uses the keys of the local
run has all. What it lacks is mended here, for the release that local/emulator.py names.
"""

# ruff: noqa: SLF001  (mending an inside means reaching into it)

import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack import app  # type: ignore[import-untyped]  # ships no types
from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-untyped]  # ships no types
from ministack.services import dynamodb, dynamodb_streams, s3  # type: ignore[import-untyped]  # ships no types

from local.guard import from_a_page

LEADING_KEYS = "dynamodb:LeadingKeys"
PREFIX_OF_KEYS = "s3:prefix"
NO_KIND = "(no kind)"
_ACTION_BY_OPERATION = {"PublishBatch": "Publish"}
_NAMED_IN_QUERY = ("SubscriptionArn", "EndpointArn", "PlatformApplicationArn")
_RECORDED_KEYS = frozenset({LEADING_KEYS, "dynamodb:EnclosingOperation", PREFIX_OF_KEYS})
_MEMBERS_BY_ACTION = {action: member for member, action in iam_actions._DYNAMODB_TRANSACT_ITEM_ACTIONS.items()}

Json = Mapping[str, Any]


def ask_for_resources_by_name() -> None:
    """Ask policies about the stream, function, rule, subscription or device that a call is about.

    Defect: where only the body of a request names it, ministack asks about ``*``, which nobody may do who may do it to
    resources of one stage. And it names rules after the default event bus, which AWS does not.
    """
    resource_of = iam_actions.extract_resource_arn

    def named_resource_of(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        found = resource_of(service, method, path, headers, body, *rest).replace(":rule/default/", ":rule/")
        if found == "*" and service in _NAMED_IN_BODY:
            _, region, account = rest
            found = _NAMED_IN_BODY[service](json.loads(body or b"{}"), f"{region}:{account}")
        if found == "*" and service == "sns":
            named = (iam_actions._query_param(rest[0], name) for name in _NAMED_IN_QUERY)
            found = next(filter(None, named), found)
        return found

    iam_actions.extract_resource_arn = named_resource_of


def ask_for_actions_of_lambda() -> None:
    """Ask policies about the action of Lambda that is called.

    Defect: ministack guesses it from the end of the path: who sets what becomes of failed invocations is asked whether
    to change a function's code, and who changes a subscription is asked nothing.
    """
    iam_actions._BOTOCORE_SERVICE_MAP["lambda"] = ["lambda"]

    def action(method: str, path: str) -> str:
        operation = iam_actions._match_rest_action("lambda", method, path)
        return "InvokeFunction" if operation == "Invoke" else str(operation)

    iam_actions._lambda_action = action


def ask_for_actions_of_topics() -> None:
    """Ask policies whether a batch may be published as they are asked about a single message.

    Defect: ministack makes an action of the operation's name. There is no such action in AWS.
    """
    action_of = iam_actions._action_from_query

    def action(*request: Any) -> Any:
        return _ACTION_BY_OPERATION.get(found := action_of(*request), found)

    iam_actions._action_from_query = action


def ask_for_leading_keys() -> None:
    """Tell policies the partition keys of the items that a request is about.

    Defect: ministack does not know ``dynamodb:LeadingKeys``, and a condition on it holds for every request.
    """
    requested: ContextVar[Json] = ContextVar("requested")
    context_of, enforce = iam_actions.dynamodb_service_context, iam_evaluator.enforce

    def context_and_body_of(body: bytes) -> Any:
        requested.set(json.loads(body or b"{}"))
        return context_of(body)

    def enforce_with_keys(*asked: str, resource_arn: str = "*", service_context: Json | None = None) -> Any:
        _, action, service, _ = asked
        if service == "dynamodb":
            keys = {LEADING_KEYS: sorted(leading_keys(requested.get(), action, resource_arn))}
            service_context = {**(service_context or {}), **(keys if keys[LEADING_KEYS] else {})}
        return enforce(*asked, resource_arn=resource_arn, service_context=service_context)

    iam_actions.dynamodb_service_context = context_and_body_of
    iam_evaluator.enforce = enforce_with_keys


def trust_loopback() -> None:
    """Take what comes over loopback for encrypted, as all is on AWS: nobody else can listen.

    The buckets' policies refuse everything else.
    """
    pin = app.pin_request_origin
    app.pin_request_origin = lambda address, _encrypted: pin(address, True)


def refuse_forms_of_root_from_pages() -> None:
    """Refuse a form of an upload from a web page that is signed with keys which everybody knows.

    Whoever has the keys of the local run may do anything, and they are no secret: the guard keeps pages from using
    them, but does not read forms. Those that the API gives out are signed with the keys of its function's role.
    """
    post = s3._post_object

    def post_unless_forged(bucket: str, body: bytes, headers: dict[str, str]) -> Any:
        if from_a_page(headers) and signed_by_root(headers.get("content-type", ""), body):
            return s3._error("AccessDenied", "Pages may send the forms that the API gives out alone", 403, f"/{bucket}")
        return post(bucket, body, headers)

    s3._post_object = post_unless_forged


def signed_by_root(content_type: str, form: bytes) -> bool:
    """Tell whether a form names, wherever it does, a key of those that may do anything."""
    credentials = (
        value.decode(errors="replace").partition("/")[0]
        for name, _, _, value in s3._parse_multipart_form(content_type, form)
        if name.lower() in {"x-amz-credential", "awsaccesskeyid"}
    )
    return any(map(iam_evaluator._is_root_key, credentials))


def record_what_is_asked_for(file: Path) -> None:
    """Write down, once each, what callers ask for: for whoever holds policies to what is used of them.

    It is to be called first: what others tell policies about a request is recorded with it.
    """
    enforce = iam_evaluator.enforce
    recorded: set[str] = set()

    def enforce_and_record(*asked: str, resource_arn: str = "*", service_context: Json | None = None) -> Any:
        answer = enforce(*asked, resource_arn=resource_arn, service_context=service_context)
        access_key, action, _, _ = asked
        caller = (iam_evaluator.resolve_caller_identity(access_key) or {}).get("userArn", ":root")
        if not caller.endswith(":root"):
            keys = {name: values for name, values in (service_context or {}).items() if name in _RECORDED_KEYS}
            keys |= {LEADING_KEYS: kinds(keys[LEADING_KEYS])} if LEADING_KEYS in keys else {}
            keys |= {PREFIX_OF_KEYS: [folder(keys[PREFIX_OF_KEYS])]} if PREFIX_OF_KEYS in keys else {}
            line = json.dumps({"caller": caller, "action": action, "resource": resource_arn, "keys": keys})
            if line not in recorded:
                recorded.add(line)
                with file.open("a") as record:
                    record.write(f"{line}\n")
        return answer

    iam_evaluator.enforce = enforce_and_record


def leading_keys(request: Json, action: str, resource: str) -> set[str]:
    """Return the partition keys that a request is about, as far as they concern one action on one table or index."""
    table = resource.partition(":table/")[2].partition("/")[0]
    schema = (dynamodb._tables.get(table) or {}).get("KeySchema", ())
    names = [part["AttributeName"] for part in schema if part["KeyType"] == "HASH"]
    return {
        str(value) for item in _items(request, action, table) for name in names for value in item.get(name, {}).values()
    }


def kinds(keys: list[str]) -> list[str]:
    """Return what kinds of items have such keys, which keeps a record short: players are many, kinds are few."""
    return sorted({key.partition("#")[0] + "#" if "#" in key else NO_KIND for key in keys})


def folder(prefix: str) -> str:
    """Return where in a bucket a listing looks, without whose files it looks for, for the same reason.

    >>> folder("uploads/ada/")
    'uploads/'
    """
    first, slash, _ = prefix.partition("/")
    return first + slash


def _items(request: Json, action: str, table: str) -> Iterator[Json]:
    """Yield the items or keys that a request names, for one action on one table."""
    parts = [part.get(_MEMBERS_BY_ACTION.get(action, ""), {}) for part in request.get("TransactItems", ())]
    batch = request.get("RequestItems", {}).get(table, ())
    written = batch if isinstance(batch, list) else ()
    single = [] if parts or batch else [request]
    for named in [*(part for part in parts if part.get("TableName") == table), *single]:
        yield named.get("Key") or named.get("Item") or {}
    yield from (batch["Keys"] if isinstance(batch, dict) else ())
    for write in written:
        yield from (each.get("Key") or each["Item"] for each in write.values())


def _stream(request: Json, _place: str) -> str:
    iterator = dynamodb_streams._decode_iterator(request.get("ShardIterator", "")) or {}
    return str(request.get("StreamArn") or iterator.get("arn") or "*")


def _function(request: Json, place: str) -> str:
    # An event source's mapping is made of no resource, says AWS, though its request names a function too.
    return f"arn:aws:lambda:{place}:function:{request['FunctionName']}" if "Runtime" in request else "*"


def _rule(request: Json, place: str) -> str:
    return f"arn:aws:events:{place}:rule/{request['Rule']}" if "Rule" in request else "*"


_NAMED_IN_BODY: Mapping[str, Callable[[Json, str], str]] = {
    "dynamodbstreams": _stream,
    "events": _rule,
    "lambda": _function,
}
