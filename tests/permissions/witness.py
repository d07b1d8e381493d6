"""Who sees every call that the app makes in this process, knows for which function, and holds it to its policy."""

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, TypeVar

from tests.permissions.calls import Location, Params
from tests.permissions.evaluation import Policy, Request
from tests.permissions.ledger import Ledger, described

Answer = TypeVar("Answer")
_CLIENT, _OUTERMOST = object(), object()
_LEAVING = 1


class NotAllowedError(AssertionError):
    """A function made a call that its policy does not allow."""


@dataclass
class Witness:
    """Holds calls to policies.

    Args:
        policies: By function.
        location: Where the resources of unit tests are.
        entrances: The function that a piece of code belongs to.
        clients: Where calls leave for AWS.
        outermost: Code that calls tests: nothing further out is of the app.
    """

    policies: Mapping[str, Policy]
    location: Location
    entrances: Mapping[CodeType, str]
    clients: frozenset[CodeType]
    outermost: frozenset[CodeType] = frozenset()
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        # By identity: equality of code compares all of it, dozens of times per call.
        self._marks: dict[int, object] = {
            **{id(code): function for code, function in self.entrances.items()},
            **{id(code): _CLIENT for code in self.clients},
            **{id(code): _OUTERMOST for code in self.outermost},
        }
        self._seen: set[tuple[str, Request]] = set()
        self._carried: ContextVar[str | None] = ContextVar("carried", default=None)

    def note(self, service: str, operation: str, params: Params) -> None:
        """Take note of a call, or raise NotAllowedError; what is no function's, as a test's own, is let pass."""
        function = self.acting()
        if function is None:
            return
        for request in self.location.asked(service, operation, params):
            if (function, request) in self._seen:
                continue
            if not self.ledger.enter(function, self.policies[function], request):
                raise NotAllowedError(f"the policy of {function} does not allow {described(request)}")
            self._seen.add((function, request))

    def acting(self) -> str | None:
        """Return the function on whose behalf the calling code runs: that of the entrance furthest out."""
        function = self._carried.get()
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the one way to know who calls
        marks, leaving = self._marks, 0
        while frame is not None:
            mark = marks.get(id(frame.f_code))
            if mark is None:
                leaving += leaving == _LEAVING
            elif mark is _OUTERMOST or (mark is _CLIENT and leaving > _LEAVING):
                break
            elif mark is _CLIENT:  # one client may call another's method of the same name to make the same call
                leaving = _LEAVING
            else:
                function = mark  # type: ignore[assignment]  # the other marks are functions
            frame = frame.f_back
        return function

    def act_for(self, function: str | None, work: Callable[..., Answer], *arguments: Any, **named: Any) -> Answer:
        """Do some work of a function in another thread than the one in which it was entered."""
        token = self._carried.set(function)
        try:
            return work(*arguments, **named)
        finally:
            self._carried.reset(token)

    def hear(self, params: Any, model: Any, **event: Any) -> None:
        """Take note of what a botocore client is about to do: a handler of its event provide-client-params."""
        if event.get("context", {}).get("is_presign_request"):
            return  # nothing is called: botocore signs a form, and takes CreateBucket for its model
        self.note(model.service_model.service_name, model.name, params)


class Carrying(ThreadPoolExecutor):
    """Threads that act for the function which asked them to."""

    def __init__(self, witness: Witness, max_workers: int) -> None:
        super().__init__(max_workers)
        self._witness = witness

    def submit(self, fn: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> Future[Answer]:
        return super().submit(self._witness.act_for, self._witness.acting(), fn, *args, **kwargs)
