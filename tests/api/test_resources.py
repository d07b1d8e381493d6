"""On demand: a process imports the routes that are called all the time, and any others with their first request."""

import json
import subprocess
import sys
from typing import Any

import pytest

from bench.scene import ENVIRONMENT, event
from chalicelib.api import resources

DEFERRED = sorted(set(resources.MODULES) - set(resources.AT_ONCE))
REFUSED = event("GET", "/boards/{board_id}", path={"board_id": "NOT ONE"})
PROGRAM = """\
import json, sys
import app

class Context:
    function_name = aws_request_id = function_version = "fresh"
    memory_limit_in_mb = 1024

said = []
for request in json.load(sys.stdin):
    status = app.app(request, Context())["statusCode"]
    said.append([status, sorted(name for name in sys.modules if name.startswith("chalicelib.api."))])
json.dump(said, sys.stdout)
"""


def answers(*requests: Any) -> list[tuple[int, set[str]]]:
    """Return what a fresh process of the API's function answers, and which of the API's modules it has by then."""
    environment = {**ENVIRONMENT, "_HANDLER": "app.app", "PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(requests),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [(status, {name.rpartition(".")[2] for name in names}) for status, names in json.loads(done.stdout)]


@pytest.mark.parametrize("module", resources.MODULES)
def test_a_path_is_found_where_its_routes_are_whatever_else_is_imported(module: str) -> None:
    [resource] = [each for each in resources.resources() if each.operations[0].view.__module__.endswith(f".{module}")]

    for operation in resource.operations:
        assert module in resources.AT_ONCE or resources.modules_of(operation.path) == (module,), operation.path


def test_a_path_that_no_word_tells_of_may_be_anywhere() -> None:
    assert resources.modules_of("/clans/{clan_id}") == resources.MODULES


def test_routes_are_imported_with_their_first_request() -> None:
    refused = event("GET", "/admin/incidents")

    [(_, before), (status, after), (again, still)] = answers(REFUSED, refused, refused)

    assert (status, again) == (401, 401)
    assert "incidents" not in before
    assert after == still == before | {"incidents"}


def test_what_everybody_calls_is_there_at_once_and_nothing_else() -> None:
    [(status, imported)] = answers(REFUSED)

    assert status == 400
    assert imported >= set(resources.AT_ONCE)
    assert imported.isdisjoint(DEFERRED)


def test_the_description_is_of_all_routes_wherever_it_is_asked_for() -> None:
    [(status, imported)] = answers(event("GET", "/openapi.json"))

    assert status == 200
    assert imported >= set(resources.MODULES)
