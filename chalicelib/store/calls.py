"""How the client makes the calls that move items, with a fraction of the work botocore spends on one.

botocore serves hundreds of services from their descriptions: it walks shapes to write a request and to read its reply,
evaluates rules to find the endpoint, and lets events change every step. Calls of items need none of it: their JSON is
the dictionaries in hand. What decides between right and wrong stays botocore's: where to send and with which
credentials, what to try again and when, and which exception an error is. docs/decisions/0009-lean-calls.md says what is
left out, and at which risk.
"""

import json
import time
from binascii import crc32
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import uuid4

import botocore.session
import msgspec
from botocore.awsrequest import AWSPreparedRequest
from botocore.client import BaseClient
from botocore.endpoint import convert_to_response_dict
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.handlers import add_retry_headers
from botocore.hooks import first_non_none_response
from botocore.model import OperationModel
from msgspec import Struct

from chalicelib.store.connections import Response, Sender, sender
from chalicelib.store.signing import Credentials, Signature

Reply = dict[str, Any]

ITEM_OPERATIONS = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    }
)
"""Those whose requests and replies are JSON as they stand: nothing in them is a date, and nothing here is binary."""
_CHECKSUM = "x-amz-crc32"
_FIRST_ERROR_STATUS = 300


class DamagedReplyError(HTTPClientError):
    """A reply that is not what DynamoDB sent: to botocore a kind of lost connection, so that it is asked for again."""

    fmt = "The reply of {endpoint_url} is damaged"


class _Destination(Struct, frozen=True):
    """Where botocore's rules send the calls of one account, and how they are signed there."""

    url: str
    headers: Mapping[str, str]
    signature: Signature
    sender: Sender


class _Call(Struct, frozen=True):
    model: OperationModel
    destination: _Destination
    credentials: Credentials
    request: dict[str, Any]
    """As botocore's events know it: url, method, headers, body, context."""


class _Answer(Struct, frozen=True):
    response: Response
    reply: Reply

    @property
    def is_error(self) -> bool:
        return self.response.status_code >= _FIRST_ERROR_STATUS


class LeanClient(BaseClient):
    """A botocore client of DynamoDB that makes the calls of items itself, and leaves all others to botocore.

    Of botocore's events, it emits those by which tools watch calls or make them in its stead: provide-client-params,
    before-call, before-send, after-call, and needs-retry for what did not go well.
    """

    _endpoint: Any
    _request_signer: Any
    _response_parser: Any
    _resolve_endpoint_ruleset: Any
    _user_agent_creator: Any

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._destinations: dict[str | None, _Destination | None] = {}

    def _make_api_call(self, operation_name: str, api_params: Mapping[str, Any]) -> Reply:
        call = self._call(operation_name, api_params) if operation_name in ITEM_OPERATIONS else None
        if call is None:
            return super()._make_api_call(operation_name, api_params)  # type: ignore[misc,no-any-return]  # stubs hide it
        answer = self._replaced(call) or self._answered(call)
        context = call.request["context"]
        self._emit("after-call", call, http_response=answer.response, parsed=answer.reply, context=context)
        if answer.is_error:
            error_class: type[ClientError] = self.exceptions.from_code(answer.reply["Error"]["Code"])  # type: ignore[assignment]  # stubs say: an instance
            raise error_class(answer.reply, operation_name)  # type: ignore[arg-type]  # a mapping as any other
        return answer.reply

    def _call(self, operation_name: str, params: Mapping[str, Any]) -> _Call | None:
        """Return a call ready to be sent, or None where botocore has to make it."""
        credentials = self._request_signer._credentials  # noqa: SLF001  # botocore's chain, which renews them
        frozen = credentials and credentials.get_frozen_credentials()
        destination = frozen and self._destination(frozen.account_id)
        if not destination:
            return None
        model = self.meta.service_model.operation_model(operation_name)
        context = {"client_config": self.meta.config, "retries": {"invocation-id": str(uuid4())}}
        event = f"provide-client-params.dynamodb.{operation_name}"
        changed = self.meta.events.emit(event, params=params, model=model, context=context)
        params = first_non_none_response(changed, default=params)
        return _Call(model, destination, frozen, _request(model, destination, params, context))

    def _destination(self, account_id: str | None) -> _Destination | None:
        if account_id not in self._destinations:
            self._destinations[account_id] = self._resolved()
        return self._destinations[account_id]

    def _resolved(self) -> _Destination | None:
        """Return what botocore makes of region, settings and credentials, or None where only botocore can go there."""
        context: dict[str, Any] = {}
        model = self.meta.service_model.operation_model("GetItem")
        url, headers, _ = self._resolve_endpoint_ruleset(model, {}, context)
        parts, signer = urlsplit(url), self._request_signer
        scheme = signer._choose_signer(model.name, "standard", context)  # noqa: SLF001  # what botocore would sign with
        if scheme != "v4" or parts.path.strip("/") or parts.query or parts.username:
            return None
        named = {"region": signer.region_name, "signing_name": signer.signing_name} | context.get("signing", {})
        return _Destination(
            url=f"{url.rstrip('/')}/",
            headers={**headers, "Host": _host(parts), "User-Agent": self._user_agent_creator.to_string()},
            signature=Signature(named["region"], named["signing_name"]),
            sender=sender(self._endpoint.http_session, url, self.meta.config),
        )

    def close(self) -> None:
        for destination in self._destinations.values():
            if destination:
                destination.sender.close()
        super().close()

    def _replaced(self, call: _Call) -> _Answer | None:
        """Return the answer of whoever makes this call in the client's stead, such as botocore's Stubber."""
        context = call.request["context"]
        said = self._emit(
            "before-call", call, params=call.request, request_signer=self._request_signer, context=context
        )
        answer = first_non_none_response(said)
        return None if answer is None else _Answer(*answer)

    def _answered(self, call: _Call) -> _Answer:
        attempt = 1
        outcome = self._attempted(call, attempt)
        while self._is_repeated(call, attempt, outcome):
            attempt += 1
            outcome = self._attempted(call, attempt)
        if isinstance(outcome, BotoCoreError):
            raise outcome
        return outcome

    def _attempted(self, call: _Call, attempt: int) -> _Answer | BotoCoreError:
        context = call.request["context"]
        context["retries"]["attempt"] = attempt
        headers, body = dict(call.request["headers"]), call.request["body"]
        try:
            call.destination.signature.sign(headers, body, call.credentials, time.gmtime())
            request = AWSPreparedRequest("POST", call.request["url"], headers, body, False, context)  # type: ignore[arg-type]  # any mapping
            add_retry_headers(request)  # type: ignore[arg-type]  # it has what they have in common
            response = first_non_none_response(self._emit("before-send", call, request=request))
            if response is None:
                response = call.destination.sender.send(request)
            return _Answer(response, self._read(call, response))
        except BotoCoreError as error:
            return error

    def _is_repeated(self, call: _Call, attempt: int, outcome: _Answer | BotoCoreError) -> bool:
        """Tell whether to try again, after the pause it takes: by botocore's rule, asked where something is wrong."""
        if isinstance(outcome, BotoCoreError):
            pair, failure = None, outcome
        elif outcome.is_error:
            pair, failure = (outcome.response, outcome.reply), None
        else:
            return False
        needs_retry = self._endpoint._needs_retry  # noqa: SLF001  # its rule, its quota, its pauses
        return bool(needs_retry(attempt, call.model, call.request, pair, failure))

    def _read(self, call: _Call, response: Response) -> Reply:
        body = response.content
        stated = response.headers.get(_CHECKSUM)
        if stated is not None and stated != str(crc32(body)):
            raise DamagedReplyError(endpoint_url=call.destination.url)
        if response.status_code >= _FIRST_ERROR_STATUS:
            return self._read_error(call, response)
        reply = _decoded(body)
        if reply is None:
            raise DamagedReplyError(endpoint_url=call.destination.url)
        return reply

    def _read_error(self, call: _Call, response: Response) -> Reply:
        parts = {**convert_to_response_dict(response, call.model), "body": _legible(response.content)}
        reply: Reply = self._response_parser.parse(parts, call.model.output_shape)
        self._endpoint._add_modeled_error_fields(parts, reply, call.model, self._response_parser)  # noqa: SLF001  # reasons
        reply["ResponseMetadata"]["RetryAttempts"] = call.request["context"]["retries"]["attempt"] - 1
        return reply

    def _emit(self, event: str, call: _Call, **arguments: Any) -> list[tuple[Any, Any]]:
        said: list[tuple[Any, Any]] = self.meta.events.emit(
            f"{event}.dynamodb.{call.model.name}", model=call.model, **arguments
        )
        return said


@contextmanager
def lean_clients(session: botocore.session.Session) -> Iterator[None]:
    """Let the DynamoDB clients that the session makes meanwhile be lean, by botocore's hook for it."""

    def become_lean(**event: Any) -> None:
        event["base_classes"].insert(0, LeanClient)

    session.register("creating-client-class.dynamodb", become_lean)
    try:
        yield
    finally:
        session.unregister("creating-client-class.dynamodb", become_lean)


def _request(
    model: OperationModel, destination: _Destination, params: Mapping[str, Any], context: dict[str, Any]
) -> dict[str, Any]:
    # A token made here, once per call, lets DynamoDB know a transaction that is tried again.
    tokens = {name: str(uuid4()) for name in model.idempotent_members if name not in params}
    body = msgspec.json.encode({**params, **tokens} if tokens else params)
    description = model.metadata
    headers = {
        "X-Amz-Target": f"{description['targetPrefix']}.{model.name}",
        "Content-Type": f"application/x-amz-json-{description['jsonVersion']}",
        **destination.headers,
    }
    return {"method": "POST", "url": destination.url, "headers": headers, "body": body, "context": context}


def _host(url: SplitResult) -> str:
    """Return the host header as it is signed: without the port that goes without saying."""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else f"{url.hostname}"
    usual = {"http": 80, "https": 443}.get(url.scheme)
    return host if url.port in {None, usual} else f"{host}:{url.port}"


def _legible(body: bytes) -> bytes:
    """Return an error's body, or nothing where botocore's parser would stumble: over no text, or JSON of no object."""
    try:
        return body if isinstance(json.loads(body.decode()), dict) else b""
    except UnicodeDecodeError:
        return b""
    except ValueError:
        return body


def _decoded(body: bytes) -> Reply | None:
    try:
        reply = msgspec.json.decode(body)
    except ValueError:  # not JSON, or not even text
        return None
    return reply if isinstance(reply, dict) else None
