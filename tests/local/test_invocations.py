import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core import lambda_runtime  # type: ignore[import-untyped]  # ships no types
from ministack.services import lambda_svc  # type: ignore[import-untyped]  # ships no types

from local import invocations

NAME = "heed"
FUNCTION = {"config": {"FunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{NAME}", "FunctionName": NAME}}
PATIENCE = 60


class Crowd:
    """Executes as many events at once as come, and lets them all go together."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.may_leave = threading.Event()
        self.left = threading.Semaphore(0)
        self.result: dict[str, Any] = {}

    def execute(self, _function: Any, _event: Any) -> dict[str, Any]:
        self.entered.release()
        self.may_leave.wait(PATIENCE)
        self.left.release()
        return self.result


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Crowd:
    crowd = Crowd()
    monkeypatch.setitem(lambda_svc._functions, NAME, FUNCTION)  # noqa: SLF001  (what it mends)
    monkeypatch.setattr(lambda_svc, "_execute_function", crowd.execute)
    monkeypatch.setattr(lambda_svc, "invoke_async_with_retry", lambda_svc.invoke_async_with_retry)
    return crowd


def invoke(times: int) -> None:
    for number in range(times):
        lambda_svc.invoke_async_with_retry(FUNCTION, {"number": number})


def test_every_event_still_gets_a_process_of_its_own(crowd: Crowd) -> None:
    invoke(invocations.AT_ONCE + 1)

    assert all(crowd.entered.acquire(timeout=PATIENCE) for _ in range(invocations.AT_ONCE + 1))
    crowd.may_leave.set()


def test_a_function_runs_for_as_many_events_at_once_as_there_are_processors(crowd: Crowd) -> None:
    invocations.take_turns()
    invoke(3 * invocations.AT_ONCE)

    assert all(crowd.entered.acquire(timeout=PATIENCE) for _ in range(invocations.AT_ONCE))
    assert not crowd.entered.acquire(timeout=0.1)
    crowd.may_leave.set()
    assert all(crowd.left.acquire(timeout=PATIENCE) for _ in range(3 * invocations.AT_ONCE))


def test_who_waits_for_an_answer_waits_for_nobody_else(crowd: Crowd) -> None:
    invocations.take_turns()
    invoke(invocations.AT_ONCE)
    assert all(crowd.entered.acquire(timeout=PATIENCE) for _ in range(invocations.AT_ONCE))

    caller = threading.Thread(target=lambda_svc._execute_function, args=(FUNCTION, {}))  # noqa: SLF001  (what it mends)
    caller.start()

    assert crowd.entered.acquire(timeout=PATIENCE)
    crowd.may_leave.set()
    caller.join()


def test_a_function_that_is_gone_runs_for_no_event_that_waits(crowd: Crowd) -> None:
    invocations.take_turns()
    invoke(2 * invocations.AT_ONCE)
    assert all(crowd.entered.acquire(timeout=PATIENCE) for _ in range(invocations.AT_ONCE))

    del lambda_svc._functions[NAME]  # noqa: SLF001  (what it mends)
    crowd.may_leave.set()

    assert all(crowd.left.acquire(timeout=PATIENCE) for _ in range(invocations.AT_ONCE))
    assert not crowd.entered.acquire(timeout=0.1)


def test_a_function_that_is_gone_is_not_tried_again(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_svc, "_LAMBDA_ASYNC_RETRY_BASE_SECONDS", 0.01)
    crowd.result = {"error": True}
    invocations.take_turns()
    invoke(1)
    assert crowd.entered.acquire(timeout=PATIENCE)

    del lambda_svc._functions[NAME]  # noqa: SLF001  (what it mends)
    crowd.may_leave.set()

    assert crowd.left.acquire(timeout=PATIENCE)
    assert not crowd.entered.acquire(timeout=0.2)


def test_a_function_that_is_gone_writes_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(lambda_svc, "_emit_lambda_logs", lambda _function, request_id: written.append(request_id))
    monkeypatch.setitem(lambda_svc._functions, NAME, FUNCTION)  # noqa: SLF001  (what it mends)
    invocations.forget_the_gone()
    lambda_svc._emit_lambda_logs(FUNCTION, "1")  # noqa: SLF001  (what it mends)

    del lambda_svc._functions[NAME]  # noqa: SLF001  (what it mends)
    lambda_svc._emit_lambda_logs(FUNCTION, "2")  # noqa: SLF001  (what it mends)

    assert written == ["1"]


def test_a_busy_worker_is_still_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    worker: Any = SimpleNamespace(_proc=process, in_use=True, _discard_tmpdir=lambda: None)

    lambda_runtime.kill_workers([worker])

    assert process.poll() is not None
