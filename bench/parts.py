"""What each part of botocore's work on a call is worth: parts are replaced one after another, until none is left.

``python -m bench.parts [--turns 12] [--times 100]`` prints the table: processor time as a share of the call that
botocore makes without parameter validation. The replacements do what the app's client does in their place.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench.canned import canned
from bench.client import Call
from bench.cpu import by_botocore, calls_of, client_at, recorded, step_of, turns
from bench.operations import Step
from bench.scene import ENVIRONMENT

TURNS, TIMES = 12, 100
Shares = Mapping[str, float]
"""The share of the whole call that is left, by the part replaced last."""


class _Writer:
    """Writes a request as it is, in botocore's serialiser's place."""

    def __init__(self, client: Any) -> None:
        metadata = client.meta.service_model.metadata
        self._prefix = metadata["targetPrefix"]
        self._type = f"application/x-amz-json-{metadata['jsonVersion']}"

    def serialize_to_request(self, request: Any, model: Any) -> dict[str, Any]:
        headers = {"X-Amz-Target": f"{self._prefix}.{model.name}", "Content-Type": self._type}
        body = msgspec.json.encode(request)
        return {"method": "POST", "url_path": "/", "query_string": "", "headers": headers, "body": body}


class _Resolver:
    """Remembers what botocore's endpoint rules said first."""

    def __init__(self, resolver: Any) -> None:
        self._resolver = resolver
        self._known: Any = None

    def construct_endpoint(self, **asked: Any) -> Any:
        self._known = self._known or self._resolver.construct_endpoint(**asked)
        return self._known


class _Reader:
    """Reads a reply as it is, in the place of botocore's parsers."""

    def create_parser(self, _protocol: str) -> "_Reader":
        return self

    def parse(self, response: Mapping[str, Any], _shape: Any) -> Any:
        return {"ResponseMetadata": {}, **msgspec.json.decode(response["body"])}


def _write(client: Any) -> None:
    client._serializer = _Writer(client)  # noqa: SLF001  # a part that is replaced, as are all below


def _resolve(client: Any) -> None:
    client._ruleset_resolver = _Resolver(client._ruleset_resolver)  # noqa: SLF001  # the same


def _sign(client: Any) -> None:
    signer, destination = client._request_signer, client._destination(None)  # noqa: SLF001  # the same

    def sign(request: Any, **_event: Any) -> None:
        request.headers["Host"] = destination.headers["Host"]
        credentials = signer._credentials.get_frozen_credentials()  # noqa: SLF001  # the same
        destination.signature.sign(request.headers, request.data, credentials, time.gmtime())

    client.meta.events.unregister("request-created.dynamodb", signer.handler)
    client.meta.events.register("request-created.dynamodb", sign)


def _read(client: Any) -> None:
    client._endpoint._response_parser_factory = _Reader()  # noqa: SLF001  # the same


def _send(client: Any) -> None:
    client._endpoint.http_session = client._destination(None).sender  # noqa: SLF001  # the same


REPLACEMENTS: Mapping[str, Callable[[Any], None]] = {
    "writing the request": _write,
    "finding the endpoint": _resolve,
    "signing": _sign,
    "reading the reply": _read,
    "sending and receiving": _send,
}
REST = "events, contexts and objects between them"


def shares(call: Call, pairs: int = TURNS, times: int = TIMES) -> Shares:
    with canned([call], latency_ms=0.0) as url:
        botocores: Step = partial(by_botocore, client_at(url), call)
        steps = [botocores, *_replaced(call, url), step_of(client_at(url), call)]
        whole, *left = [statistics.median(column) for column in zip(*turns(steps, pairs, times), strict=True)]
    return {part: each / whole for part, each in zip([*REPLACEMENTS, REST], left, strict=True)}


def _replaced(call: Call, url: str) -> list[Step]:
    """Return the call with one part replaced, with two, and so on."""
    steps: list[Step] = []
    for count in range(1, len(REPLACEMENTS) + 1):
        client = client_at(url)
        for replace in list(REPLACEMENTS.values())[:count]:
            replace(client)
        steps.append(partial(by_botocore, client, call))
    return steps


def report(shares_by_call: Mapping[str, Shares]) -> str:
    """Return what is left after each replacement as a Markdown table."""
    lines = [f"| also replaced | {' | '.join(shares_by_call)} |", f"| --- |{' --- |' * len(shares_by_call)}"]
    lines += [
        f"| {part} | {' | '.join(f'{shares[part]:.2f}' for shares in shares_by_call.values())} |"
        for part in [*REPLACEMENTS, REST]
    ]
    return "\n".join(lines)


def run(pairs: int = TURNS, times: int = TIMES) -> Mapping[str, Shares]:
    """Measure with the environment of the benchmarks, which has to be set before the app is imported."""
    os.environ.update(ENVIRONMENT)
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        return {name: shares(call, pairs, times) for name, call in calls_of(recorded()[1]).items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--times", type=int, default=TIMES)
    chosen = parser.parse_args(arguments)
    print(report(run(chosen.turns, chosen.times)))


if __name__ == "__main__":
    main()
