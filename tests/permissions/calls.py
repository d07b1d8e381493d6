"""What AWS asks of a caller's policies when a call is made: the actions, the resources, the keys of conditions.

A transaction is no action, its parts are, each on its table. A batch is one action on each of its tables, whatever it
writes. A query of an index is one on the index alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.permissions.evaluation import PolicyError, Request
from tests.tables import PREFIX, tables

LEADING_KEYS, ENCLOSING_OPERATION = "dynamodb:LeadingKeys", "dynamodb:EnclosingOperation"
PREFIX_OF_KEYS = "s3:prefix"
OTHER = "(no kind)"
"""The leading key of an item whose partition key does not begin with what kind of item it is."""

Params = Mapping[str, Any]
_ACTIONS = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_OF_SNS = {"PublishBatch": "sns:Publish"}
_EQUALITY = re.compile(r"(?P<name>#?\w+) = (?P<value>:\w+)")


Asked = tuple[str, str, tuple[str, ...], str]
"""An action, a table or index, the kinds of items, and the transaction around it."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where the resources are that calls name without saying where."""

    region: str
    account: str
    _requests: dict[Asked, Request] = field(default_factory=dict, compare=False, repr=False)

    def asked(self, service: str, operation: str, params: Params) -> Iterator[Request]:
        """Yield what a call asks for.

        Args:
            service: As botocore names it.
            params: As the client is given them.

        Raises:
            PolicyError: It is not known here what calls of the service ask for.
        """
        match service:
            case "dynamodb":
                yield from map(self._of_items, _of_dynamodb(operation, params))
            case "dynamodbstreams":
                yield Request(f"dynamodb:{operation}", params["StreamArn"])
            case "s3":
                yield from _of_s3(operation, params)
            case "sqs":
                queue = params["QueueName"] if "QueueName" in params else params["QueueUrl"].rpartition("/")[2]
                yield Request(f"sqs:{operation}", self._arn("sqs", queue))
            case "sns":
                named = ("TopicArn", "TargetArn", "EndpointArn", "PlatformApplicationArn")
                yield Request(_OF_SNS.get(operation, f"sns:{operation}"), next(params[n] for n in named if n in params))
            case _:
                raise PolicyError(f"what does {operation} of {service} ask for? Say so in tests/permissions/calls.py")

    def _of_items(self, asked: Asked) -> Request:
        if asked not in self._requests:
            action, resource, kinds, enclosing = asked
            keys: dict[str, tuple[str, ...]] = {ENCLOSING_OPERATION: (enclosing,)} if enclosing else {}
            keys |= {LEADING_KEYS: kinds} if kinds else {}
            arn = self._arn("dynamodb", f"table/{resource}")
            self._requests[asked] = Request(f"dynamodb:{action}", arn, tuple(keys.items()))
        return self._requests[asked]

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def _of_s3(operation: str, params: Params) -> Iterator[Request]:
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    match operation:
        case "ListObjectsV2":
            yield Request("s3:ListBucket", bucket, ((PREFIX_OF_KEYS, (params.get("Prefix", ""),)),))
        case "DeleteObjects":
            yield from (Request("s3:DeleteObject", f"{bucket}/{each['Key']}") for each in params["Delete"]["Objects"])
        case _:
            yield Request(f"s3:{operation}", f"{bucket}/{params['Key']}")


def _of_dynamodb(operation: str, params: Params) -> Iterator[Asked]:
    if operation in {"TransactWriteItems", "TransactGetItems"}:
        for part in params["TransactItems"]:
            for member, request in part.items():
                table = request["TableName"]
                yield _ACTIONS[member], table, (_kind(table, request),), operation
    elif operation in {"BatchGetItem", "BatchWriteItem"}:
        for table, wanted in params["RequestItems"].items():
            kinds = {_kind(table, request) for request in _batched(wanted)}
            yield operation, table, tuple(sorted(kinds)), ""
    else:
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        kinds = set() if operation == "Scan" else {OTHER if index else _kind(params["TableName"], params)}
        yield operation, params["TableName"] + index, tuple(kinds), ""


def _batched(wanted: Any) -> Iterator[Params]:
    """Yield the requests of a batch to one table: the keys to get, or the writes."""
    if isinstance(wanted, Mapping):
        yield from ({"Key": key} for key in wanted["Keys"])
    else:
        for write in wanted:
            yield from write.values()


def _kind(table: str, request: Params) -> str:
    """Return what kind of item a request is about: the start of the partition keys of such items."""
    if not _holds_kinds(table):
        return OTHER
    key = request.get("Key") or request.get("Item") or _queried(request)
    return str(key["pk"]["S"]).partition("#")[0] + "#" if "pk" in key else OTHER


def _queried(request: Params) -> Params:
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    equalities = _EQUALITY.finditer(request.get("KeyConditionExpression", ""))
    return {names.get(each["name"], each["name"]): values[each["value"]] for each in equalities}


def _holds_kinds(table: str) -> bool:
    """Tell whether items of several kinds share a table: its partition key is called ``pk`` then."""
    return table.split("-", 2)[-1] in tables_of_kinds()


@cache
def tables_of_kinds() -> frozenset[str]:
    hashed_by_kind = {"AttributeName": "pk", "KeyType": "HASH"}
    names = [each["TableName"] for each in tables() if hashed_by_kind in each["KeySchema"]]
    return frozenset(name.removeprefix(PREFIX) for name in names)
