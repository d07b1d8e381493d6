"""What the app's own client sends: every call seen through botocore's events, answered in memory or by an endpoint."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import botocore
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from bench.capacity import Item

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request to DynamoDB and its answer; times are of one steady clock, in seconds."""

    operation: str
    request: Item
    reply: Item
    started: float
    ended: float

    @property
    def units(self) -> float:
        consumed = self.reply.get("ConsumedCapacity", [])
        parts = consumed if isinstance(consumed, list) else [consumed]
        return float(sum(part["CapacityUnits"] for part in parts))

    @property
    def vain_units(self) -> float:
        """What it read in vain: keys without an item and queries without a result cost the least that a read costs."""
        if self.operation == "Query" and not self.reply["Count"]:
            return self.units
        wanted = self.request["RequestItems"].items() if self.operation == "BatchGetItem" else ()
        return sum(
            (len(part["Keys"]) - len(self.reply["Responses"][table])) * (1 if part.get("ConsistentRead") else 0.5)
            for table, part in wanted
        )


@dataclass(frozen=True, slots=True)
class Trace:
    """The calls of one operation of the app."""

    calls: Sequence[Call]

    @property
    def operations(self) -> dict[str, int]:
        """How many requests of each kind, by DynamoDB's name for it."""
        names = sorted(call.operation for call in self.calls)
        return {name: names.count(name) for name in dict.fromkeys(names)}

    @property
    def rounds(self) -> int:
        """How many calls follow one another: those that overlap count once."""
        count, busy_until = 0, float("-inf")
        for call in sorted(self.calls, key=lambda call: call.started):
            if call.started >= busy_until:
                count += 1
            busy_until = max(busy_until, call.ended)
        return count

    @property
    def read_units(self) -> float:
        return sum(call.units for call in self.calls if call.operation in READS)

    @property
    def vain_units(self) -> float:
        """The read units spent on nothing found."""
        return sum(call.vain_units for call in self.calls)

    @property
    def write_units(self) -> float:
        return sum(call.units for call in self.calls if call.operation not in READS)


class Backend(Protocol):
    """What answers instead of the place the client sends a request to, which it reaches where the answer is None."""

    def send(self, request: AWSPreparedRequest) -> AWSResponse | None: ...


@dataclass(slots=True)
class Observer:
    """Sees the calls of every botocore session that is made while it is attached.

    Args:
        latency: Seconds added to every call while ``traced``, so that calls made at the same time overlap.
        counting: Ask what every traced call consumes.
    """

    backend: Backend
    latency: float = 0.0
    counting: bool = False
    _calls: list[Call] = field(default_factory=list)
    _tracing: bool = False

    @contextmanager
    def attached(self) -> Iterator[None]:
        botocore.register_initializer(self._watch)
        try:
            yield
        finally:
            botocore.unregister_initializer(self._watch)

    @contextmanager
    def traced(self) -> Iterator[list[Call]]:
        """Collect the calls made inside."""
        self._calls, self._tracing = [], True
        try:
            yield self._calls
        finally:
            self._tracing = False

    def _watch(self, session: Any) -> None:
        session.register("provide-client-params.dynamodb", self._ask_for_capacity)
        session.register("before-call.dynamodb", self._note_start)
        session.register("before-send.dynamodb", self._send)
        session.register("after-call.dynamodb", self._note_end)

    def _ask_for_capacity(self, params: Item, **_event: Any) -> Item | None:
        return {**params, "ReturnConsumedCapacity": "TOTAL"} if self._tracing and self.counting else None

    def _note_start(self, params: Item, context: Item, **_event: Any) -> None:
        context["bench"] = (json.loads(params["body"]), time.perf_counter())

    def _send(self, request: AWSPreparedRequest, **_event: Any) -> AWSResponse | None:
        if self._tracing:
            time.sleep(self.latency)
        return self.backend.send(request)

    def _note_end(self, model: Any, parsed: Item, context: Item, **_event: Any) -> None:
        if self._tracing:
            request, started = context["bench"]
            self._calls.append(Call(model.name, request, parsed, started, time.perf_counter()))
