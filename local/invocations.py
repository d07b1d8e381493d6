"""Which invocations the emulator runs, when and to what end: those of functions that are there, a few at once.

Runs in the emulator's process.
"""

# ruff: noqa: SLF001  (mending an inside means reaching into it)

import os
import threading
import time
from collections import defaultdict
from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-untyped]  # ships no types
from ministack.services import lambda_svc  # type: ignore[import-untyped]  # ships no types

LONGEST_SECONDS = 30.0
LOOK_SECONDS = 0.05
AT_ONCE = max(2, os.cpu_count() or 1)
"""Of each function. Each takes a process, and the next one finds that warm."""


def let_them_finish() -> None:
    """End a worker whose function has been updated only after the request it is serving.

    Defect: ministack ends it at once, and the request is answered 502. Lambda lets it finish.
    """
    kill = lambda_runtime.kill_workers

    def kill_when_idle(workers: Any) -> None:
        busy = [worker for worker in workers if worker.in_use]
        threading.Thread(target=kill_later, args=(busy,), daemon=True).start()
        kill([worker for worker in workers if not worker.in_use])

    def kill_later(busy: list[Any]) -> None:
        deadline = time.monotonic() + LONGEST_SECONDS
        while any(worker.in_use for worker in busy) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        kill(busy)

    lambda_runtime.kill_workers = kill_when_idle
    # What ends a worker because it has timed out.
    lambda_runtime.Worker.kill = lambda worker: kill([worker])


def take_turns() -> None:
    """Let asynchronous invocations of a function wait for one another, beyond as many as there are processors.

    ministack starts a process for every event that finds none idle: the forty alarms of a new stage tell of themselves
    within a second. Lambda has machines for that, which this is not.

    Events of a function that is gone by their turn, or before they are tried again, are dropped, as Lambda drops them:
    ministack would run it all the same.
    """
    waits: ContextVar[bool] = ContextVar("waits", default=False)
    turns: defaultdict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(AT_ONCE))
    # Two that look for a function's turns at the same time must not both make them.
    lock = threading.Lock()
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
        with lock:
            turn = turns[_configuration(function)["FunctionArn"]]
        with turn:
            return execute(function, event) if _is_there(function) else {}

    lambda_svc.invoke_async_with_retry = invoke_in_turn
    lambda_svc._execute_function = execute_in_turn


def forget_the_gone() -> None:
    """Write no log of a function that is gone: whether its last invocation outlives its log group is a race.

    Lambda may lose that race too, which is why ``make destroy`` deletes log groups last.
    """
    write = lambda_svc._emit_lambda_logs

    def write_of_what_is_there(function: Any, *what: Any, **more: Any) -> None:
        if _is_there(function):
            write(function, *what, **more)

    lambda_svc._emit_lambda_logs = write_of_what_is_there


def _is_there(function: Any) -> bool:
    return _configuration(function)["FunctionName"] in lambda_svc._functions


def _configuration(function: Any) -> Any:
    return function.get("config") or function
