"""How many asynchronous invocations of a function the emulator runs at once.

Runs in the emulator's process.
"""

# ruff: noqa: SLF001  (mending an inside means reaching into it)

import os
import threading
from collections import defaultdict
from contextvars import ContextVar
from typing import Any

from ministack.services import lambda_svc  # type: ignore[import-untyped]  # ships no types

AT_ONCE = max(2, os.cpu_count() or 1)
"""Of each function. Each takes a process, and the next one finds that warm."""


def take_turns() -> None:
    """Let asynchronous invocations of a function wait for one another, beyond as many as there are processors.

    ministack starts a process for every event that finds none idle: the forty alarms of a new stage tell of themselves
    within a second. Lambda has machines for that, which this is not.
    """
    waits: ContextVar[bool] = ContextVar("waits", default=False)
    turns: defaultdict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(AT_ONCE))
    invoke, execute = lambda_svc.invoke_async_with_retry, lambda_svc._execute_function

    def invoke_in_turn(function: Any, event: Any) -> None:
        token = waits.set(True)  # the thread that invokes begins with a copy of this context
        try:
            invoke(function, event)
        finally:
            waits.reset(token)

    def execute_in_turn(function: Any, event: Any) -> Any:
        if not waits.get():
            return execute(function, event)
        with turns[(function.get("config") or function)["FunctionArn"]]:
            return execute(function, event)

    lambda_svc.invoke_async_with_retry = invoke_in_turn
    lambda_svc._execute_function = execute_in_turn
