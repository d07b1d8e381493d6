"""The child process of the local run: ministack behind the browser guard, on a socket it is given.

It ends, saving its state, when its standard input closes: so it outlives its parent neither when that stops nor when
that is killed. It is a process group of its own, and takes the Lambda workers with it.

All that is mended of ministack's inside is mended here and in the modules that are imported from local, and holds for
the one release named below.
"""

# ruff: noqa: SLF001  (mending an inside means reaching into it)

import asyncio
import importlib.metadata
import os
import re
import shutil
import signal
import sys
import threading
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app  # type: ignore[import-untyped]  # ships no types
from ministack.services import apigateway_v1, dynamodb  # type: ignore[import-untyped]  # ships no types

from local import alarms, authorization, deliveries, invocations, provisioning, rest_apis
from local.guard import guarded
from local.layout import ASKED, LOOPBACK

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

REQUIRED_VERSION = "1.5.33"
GRACE_SECONDS = 0.5
SAVE_SECONDS = 120.0
KEEP_ALIVE_SECONDS = 75
KEY_RANGE = re.compile(r"\w+ = (?P<partition>:\w+) AND (?P<sort_key>\w+) BETWEEN (?P<first>:\w+) AND (?P<last>:\w+)")


def require_version(installed: str) -> None:
    """Exit, saying what to do, when another ministack is installed than the one this file was written for."""
    if installed != REQUIRED_VERSION:
        sys.exit(f"The local run needs ministack {REQUIRED_VERSION}, not {installed}: install requirements-dev.txt.")


require_version(importlib.metadata.version("ministack"))


def main() -> None:
    """Serve until standard input closes, then remove the work directory and end every process of the group."""
    render_authorizer_context()
    let_policies_match_all_paths()
    tell_functions_their_address()
    look_at_asked_range_only()
    rest_apis.take_documents()
    provisioning.take_tables_at_their_word()
    provisioning.make_alarms_that_reckon()
    provisioning.settle_functions_at_once()
    provisioning.name_devices_as_sns_does()
    alarms.tell_of_alarms()
    deliveries.deliver_again_what_is_reported()
    deliveries.deliver_messages_as_lambda_takes_them()
    deliveries.try_again_what_fails()
    invocations.let_them_finish()
    invocations.take_turns()
    invocations.forget_the_gone()
    authorization.record_what_is_asked_for(Path(os.environ["TMPDIR"]) / ASKED)
    authorization.ask_for_resources_by_name()
    authorization.ask_for_actions_of_lambda()
    authorization.ask_for_actions_of_topics()
    authorization.ask_for_leading_keys()
    authorization.trust_loopback()
    authorization.refuse_forms_of_root_from_pages()
    try:
        asyncio.run(_serve(int(sys.argv[1])))
    finally:
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
        _end_group()


def render_authorizer_context() -> None:
    """Fill ``$context.authorizer.*`` into the answer to a request that the authorizer denied.

    Defect: ministack keeps no context of a denial, and leaves these variables as they are written. API Gateway fills
    them, and so tells a game client that its token has expired rather than that it is worthless.
    """
    context_of_denial: ContextVar[dict[str, str]] = ContextVar("context_of_denial")
    invoke, evaluate = apigateway_v1._invoke_authorizer_lambda, apigateway_v1._evaluate_policy
    respond = apigateway_v1._gateway_error_response

    async def invoke_and_remember(*arguments: Any) -> Any:
        result = await invoke(*arguments)
        answer = (result or {}).get("body")
        if isinstance(answer, dict) and isinstance(answer.get("policyDocument"), dict):
            # The policy is what ministack caches, so the context lasts as long; evaluation reads Statement alone.
            answer["policyDocument"]["context"] = apigateway_v1._stringify_context(answer.get("context"))
        return result

    def evaluate_and_recall(policy: Any, method_arn: str) -> Any:
        context_of_denial.set(policy.get("context", {}) if isinstance(policy, dict) else {})
        return evaluate(policy, method_arn)

    def respond_and_fill(error: Any, request: Any) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = respond(error, request)
        if error.response_type == "ACCESS_DENIED":
            body = fill(body.decode(), context_of_denial.get({})).encode()
        return status, headers, body

    apigateway_v1._invoke_authorizer_lambda = invoke_and_remember
    apigateway_v1._evaluate_policy = evaluate_and_recall
    apigateway_v1._gateway_error_response = respond_and_fill


def let_policies_match_all_paths() -> None:
    """Let ``*`` in an authorizer's policy stand for any characters.

    Defect: ministack's ends at a line break, so a path with %0A in it was denied to a player with a good token.
    """
    match = apigateway_v1._arn_matches

    def match_on_one_line(pattern: str, arn: str) -> bool:
        return bool(match(pattern, arn.replace("\n", " ")))

    apigateway_v1._arn_matches = match_on_one_line


def tell_functions_their_address() -> None:
    """Tell functions under which URL a request has reached the API, so that they can name others of its resources.

    Defect: ministack leaves out ``domainName``, and gives the path that a host of the API's own would have.
    """
    build = apigateway_v1._build_lambda_event_v1

    def build_with_address(api_id: str, stage_name: str, *rest: Any, **settings: Any) -> Any:
        event = build(api_id, stage_name, *rest, **settings)
        context = event["requestContext"]
        context["domainName"] = event["headers"].get("host", LOOPBACK)
        context["path"] = f"/_aws/execute-api/{api_id}/{stage_name}{event['path']}"
        event["headers"]["x-forwarded-proto"] = "http"
        event["multiValueHeaders"]["x-forwarded-proto"] = ["http"]
        return event

    apigateway_v1._build_lambda_event_v1 = build_with_address


def look_at_asked_range_only() -> None:
    """Let a Query for a range of an index's keys consider the items in that range alone.

    Defect: ministack sorts the whole partition, and reads the condition anew for every item in it: 25 microseconds
    each, in the one thread that serves everything. Counting in a board of 2,000 takes 50 ms, which DynamoDB does not
    take at any size. What is left over is sorted and tested by ministack as ever.
    """
    query, members_of = dynamodb._query, dynamodb._index_members
    asked: ContextVar[dict[str, Any]] = ContextVar("asked")

    def query_and_note(request: dict[str, Any]) -> Any:
        asked.set(request)
        return query(request)

    def members_asked_for(table: Any) -> Any:
        return narrowed(members_of(table), table["items"], asked.get())

    dynamodb._query = query_and_note
    dynamodb._index_members = members_asked_for


def narrowed(members_by_index: dict[str, Any], items: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Return the members of the asked partition whose sort keys lie in the asked range; all, if it is no such request.

    Args:
        members_by_index: By index and partition, the keys of the table's items that it holds.
        items: By partition and sort key of the table.
        request: As Query takes it.
    """
    condition = KEY_RANGE.fullmatch(request.get("KeyConditionExpression", ""))
    index = request.get("IndexName")
    if not condition or index not in members_by_index:
        return members_by_index
    names = condition.group("partition", "first", "last")
    partition, first, last = (request["ExpressionAttributeValues"][name].get("S") for name in names)
    if partition is None or first is None or last is None:
        return members_by_index
    members = members_by_index[index].get(partition, ())
    sort_key = condition["sort_key"]
    within = [(pk, sk) for pk, sk in members if first <= items[pk][sk][sort_key]["S"] <= last]
    return {index: {partition: within}}


def fill(template: str, context: dict[str, str]) -> str:
    """Replace each ``$context.authorizer.<name>``, with nothing where ``context`` has no such name."""
    return re.sub(r"\$context\.authorizer\.(\w+)", lambda variable: context.get(variable[1], ""), template)


async def _serve(listener: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    threading.Thread(target=_await_parent, args=(loop, stopped), daemon=True).start()
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.graceful_timeout = GRACE_SECONDS
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.shutdown_timeout = SAVE_SECONDS
    config.loglevel = "WARNING"
    await serve(cast("ASGIFramework", guarded(app)), config, shutdown_trigger=stopped.wait)


def _await_parent(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    sys.stdin.buffer.read()
    loop.call_soon_threadsafe(stopped.set)


def _end_group() -> None:
    # A handler that still runs would keep its worker alive, and with it a thread of this process.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(os.getpgid(0), signal.SIGTERM)
    os._exit(0)


if __name__ == "__main__":
    main()
