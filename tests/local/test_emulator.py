"""The defects of ministack that local/emulator.py mends. The day one of these fails, its mending can go."""

# ruff: noqa: SLF001  (the defects are inside)

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core import lambda_runtime  # type: ignore[import-untyped]  # ships no types
from ministack.services import apigateway_v1  # type: ignore[import-untyped]  # ships no types

from local.emulator import REQUIRED_VERSION, fill, require_version


def test_another_release_of_ministack_is_refused() -> None:
    with pytest.raises(SystemExit, match=rf"needs ministack {REQUIRED_VERSION}, not 1\.6\.0"):
        require_version("1.6.0")


def test_a_denial_still_forgets_the_authorizers_context() -> None:
    api_id = json.loads(apigateway_v1._create_rest_api({"name": "defect"})[2])["id"]
    apigateway_v1._put_gateway_response(
        api_id, "ACCESS_DENIED", {"responseTemplates": {"application/json": "$context.authorizer.code"}}
    )
    request = {"api_id": api_id, "stage": {}, "stage_name": "api", "request_id": "1", "resource_path": "/"}

    _, _, body = apigateway_v1._gateway_error_response(apigateway_v1._deny_error(explicit=True), request)

    assert body == b"$context.authorizer.code"


def test_context_fills_its_variables_and_leaves_the_others() -> None:
    template = '{"code": "$context.authorizer.code", "gone": "$context.authorizer.nope", "id": "$context.requestId"}'

    assert (
        fill(template, {"code": "token_expired"}) == '{"code": "token_expired", "gone": "", "id": "$context.requestId"}'
    )


def test_a_busy_worker_is_still_killed() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    worker: Any = SimpleNamespace(_proc=process, in_use=True, _discard_tmpdir=lambda: None)

    lambda_runtime.kill_workers([worker])

    assert process.poll() is not None
