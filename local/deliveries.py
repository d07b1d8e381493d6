"""How the emulator brings functions what streams, topics and EventBridge have for them.

Runs in the emulator's process.
"""

# ruff: noqa: SLF001  (mending an inside means reaching into it)

import json
from typing import Any

from ministack.services import eventbridge, lambda_svc, sns  # type: ignore[import-untyped]  # ships no types


def deliver_again_what_is_reported() -> None:
    """Go on with the first record of a stream's batch that the function reports as failed.

    Defect: ministack takes any answer for a success of the whole batch, ReportBatchItemFailures or not, and what the
    function has asked for again is lost. Lambda goes on from the lowest sequence number that is reported.
    """
    execute = lambda_svc._execute_function

    def execute_and_read(function: Any, event: Any) -> Any:
        result = execute(function, event)
        records = event.get("Records") if isinstance(event, dict) else None
        if not records or records[0].get("eventSource") != "aws:dynamodb" or result.get("error"):
            return result
        done = done_before_failure(records, result.get("body"))
        if done == len(records):
            return result
        step_over(records[0]["eventSourceARN"], function["config"]["FunctionName"], done)
        # What fails is tried again after a second, from the position that is left.
        return {"error": True, "body": {"errorType": "batchItemFailures", "errorMessage": f"{done} records done"}}

    def step_over(stream_arn: str, function_name: str, records: int) -> None:
        for mapping in lambda_svc._esms.values():
            if (mapping["EventSourceArn"], mapping["FunctionName"]) == (stream_arn, function_name):
                with lambda_svc._dynamodb_stream_positions_lock:
                    lambda_svc._dynamodb_stream_positions[mapping["UUID"]] += records

    lambda_svc._execute_function = execute_and_read


def deliver_messages_as_lambda_takes_them() -> None:
    """Hand a topic's message to a function as an asynchronous invocation, with all that SNS tells.

    Defect: ministack calls the function once and passes over its failure, where Lambda tries again and keeps what
    failed. And it says nothing of a subject or attributes that there are none of, where SNS says so.
    """

    def deliver(endpoint: str, envelope: str, _topic: str, subscription_arn: str, *_: Any) -> None:
        function, config, _name = lambda_svc._get_func_record_for_ref(endpoint)
        if function and config:
            told = {"Subject": None, "MessageAttributes": {}, **json.loads(envelope)}
            source = {"EventVersion": "1.0", "EventSource": "aws:sns", "EventSubscriptionArn": subscription_arn}
            record = lambda_svc._execution_record_for_config(function, config)
            lambda_svc.invoke_async_with_retry(record, {"Records": [{**source, "Sns": told}]})

    sns._deliver_to_lambda = deliver


def try_again_what_fails() -> None:
    """Hand an event to a function as an asynchronous invocation.

    Defect: ministack calls the function once and passes over its failure, where Lambda tries again and keeps what
    failed.
    """

    def dispatch(arn: str, payload: str) -> None:
        function, config, _name = lambda_svc._get_func_record_for_ref(arn)
        if function and config:
            record = lambda_svc._execution_record_for_config(function, config)
            lambda_svc.invoke_async_with_retry(record, json.loads(payload))

    eventbridge._dispatch_to_lambda = dispatch


def done_before_failure(records: list[dict[str, Any]], answer: Any) -> int:
    """Return how many records come before the first that the answer reports as failed; all when it reports none."""
    answer = json.loads(answer) if isinstance(answer, str) else answer
    failures = answer.get("batchItemFailures") or [] if isinstance(answer, dict) else []
    numbers = [int(failure["itemIdentifier"]) for failure in failures]
    return sum(not numbers or int(record["dynamodb"]["SequenceNumber"]) < min(numbers) for record in records)
