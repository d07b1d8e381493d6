"""The real app over moto's tables, with settings of its own for every test."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

import app as manifest
from chalicelib.api import openapi, resources
from chalicelib.bootstrap import serving, signing
from chalicelib.store import dynamo
from chalicelib.store.dynamo import Dynamo
from tests.api.client import ADMIN_KEY, Api
from tests.api.world import SIGNING_KEYS, World
from tests.permissions.plugin import WITNESS
from tests.permissions.witness import Carrying

THREADS = 8
OTHER_ADMIN_KEY = "another-admin-key"
GAME_RULES = {
    "slow": {"min_seconds": 3600},
    "overlong": {"max_seconds": 0},
    "expired": {"max_seconds": 0, "expires_seconds": 0},
}


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    return json.loads(json.dumps(openapi.document(resources.operations())))  # type: ignore[no-any-return]  # an object


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, session: botocore.session.Session) -> Iterator[pytest.MonkeyPatch]:
    """The settings of a deployment, to be changed before the first request."""
    hashes = [hashlib.sha256(key.encode()).hexdigest() for key in (OTHER_ADMIN_KEY, ADMIN_KEY)]
    monkeypatch.setenv("LAUREL_STAGE", "test")
    monkeypatch.setenv("LAUREL_TABLE_PREFIX", "laurel-test-")
    monkeypatch.setenv("LAUREL_SIGNING_KEYS", SIGNING_KEYS)
    monkeypatch.setenv("LAUREL_ADMIN_KEY_HASHES", ",".join(hashes))
    monkeypatch.setenv("LAUREL_GAME_RULES", json.dumps(GAME_RULES))
    # The session of all tests has read its service models already.
    connect = dynamo.connect

    def connected(*, lean: bool = True) -> Dynamo:
        return replace(connect(session, lean=lean), threads=Carrying(WITNESS, THREADS))

    monkeypatch.setattr(dynamo, "connect", connected)
    _forget()
    yield monkeypatch
    _forget()


@pytest.fixture
def api(settings: pytest.MonkeyPatch, document: dict[str, Any]) -> Api:
    """The API without a database: for what is refused before one is needed."""
    return Api(manifest.app, document)


@pytest.fixture
def world(api: Api, table_prefix: str) -> World:
    """The API with its tables, and short ways to bring about what a test needs."""
    return World(api)


def _forget() -> None:
    serving.services.cache_clear()
    signing.tokens.cache_clear()
