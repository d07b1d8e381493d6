"""What is on every line of the log."""

import json
import logging
from importlib import util
from types import ModuleType
from typing import Any

from chalicelib import logs
from tests.contexts import Context


def fresh_process() -> ModuleType:
    """Return the module as a process has it that has just started."""
    spec = util.spec_from_file_location("fresh_logs", logs.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def line(module: ModuleType, **facts: Any) -> dict[str, Any]:
    record = logging.makeLogRecord({"msg": "kept_up", "levelname": "INFO", **facts})
    written: dict[str, Any] = json.loads(module.JsonFormatter({"service": "laurel", "stage": "test"}).format(record))
    return written


def test_every_line_tells_of_which_invocation_it_is() -> None:
    module = fresh_process()

    module.begin(Context("laurel-test-keep_ranks"), "request-1")
    lines = [line(module), line(module, board_id="points")]

    facts = {"request_id": "request-1", "function": "laurel-test-keep_ranks", "version": "7", "cold_start": True}
    assert [each.items() >= facts.items() for each in lines] == [True, True]
    assert lines[1]["board_id"] == "points"


def test_only_the_first_invocation_of_a_process_is_cold() -> None:
    module = fresh_process()

    module.begin(Context(), "request-1")
    first = [line(module), line(module)]
    module.begin(Context(), "request-2")

    assert [each["cold_start"] for each in first] == [True, True]
    assert (line(module)["request_id"], line(module)["cold_start"]) == ("request-2", False)


def test_what_is_logged_before_any_invocation_names_none() -> None:
    assert line(fresh_process()).keys() == {"timestamp", "level", "message", "service", "stage"}
