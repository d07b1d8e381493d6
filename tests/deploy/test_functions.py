"""What chalice cannot say of functions, said to a Lambda that takes its time."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from deploy import functions
from deploy.errors import DeployError
from deploy.layout import ASYNC_INVOCATIONS, EVENT_SOURCES
from deploy.stages import Stage
from deploy.target import Target

OUTPUTS = {"RecordDeadLettersArn": "arn:records", "AsyncDeadLettersArn": "arn:async"}
FOLLOWED = json.loads(EVENT_SOURCES.read_text())["settle_records"]
KEPT = json.loads(ASYNC_INVOCATIONS.read_text())["keep_ranks"]


class Lambda(Target):
    """Two functions, one of which follows a stream, and what they are told."""

    def __init__(self, *states: str) -> None:
        super().__init__("dev", {})
        self._states = list(states)
        self.mapping: dict[str, Any] = {"UUID": "1", "State": self._states[0]}
        self.invocations: dict[str, Any] = {}
        self.updates: list[str] = []
        self.exceptions = SimpleNamespace(ResourceNotFoundException=LookupError)

    def client(self, service: str) -> Any:
        assert service == "lambda"
        return self

    def get_paginator(self, _operation: str) -> Any:
        names = [f"laurel-dev-{name}" for name in ("settle_records", "keep_ranks")]
        page = {"Functions": [{"FunctionName": name, "FunctionArn": name} for name in names]}
        return SimpleNamespace(paginate=lambda: [page])

    def list_event_source_mappings(self, FunctionName: str) -> Any:  # noqa: N803  (named as the wire names it)
        assert FunctionName == "laurel-dev-settle_records"
        return {"EventSourceMappings": [self.mapping]}

    def get_event_source_mapping(self, **_: str) -> Any:
        self.mapping["State"] = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        return dict(self.mapping)

    def update_event_source_mapping(self, UUID: str, **options: Any) -> None:  # noqa: N803  (the same)
        assert self.mapping["State"] == "Enabled", "Lambda refuses to change what it is still making"
        self.updates.append(UUID)
        self.mapping |= options

    def get_function_event_invoke_config(self, **_: str) -> Any:
        if not self.invocations:
            raise LookupError
        return self.invocations

    def put_function_event_invoke_config(self, FunctionName: str, **options: Any) -> None:  # noqa: N803  (the same)
        self.updates.append(FunctionName)
        # What AWS fills in beside what it is told.
        self.invocations = {**options, "DestinationConfig": {"OnSuccess": {}, **options["DestinationConfig"]}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "LOOK_SECONDS", 0)


def test_settings_are_made_once() -> None:
    dev = Lambda("Enabled")

    for _ in range(2):
        functions.complete(dev, Stage("dev"), OUTPUTS)

    assert dev.updates == ["1", "laurel-dev-keep_ranks"]
    assert dev.mapping["FunctionResponseTypes"] == FOLLOWED["FunctionResponseTypes"]
    assert dev.mapping["DestinationConfig"] == {"OnFailure": {"Destination": "arn:records"}}
    assert dev.invocations["MaximumRetryAttempts"] == KEPT["MaximumRetryAttempts"]
    assert dev.invocations["DestinationConfig"]["OnFailure"] == {"Destination": "arn:async"}


def test_an_event_source_that_is_still_being_made_is_waited_for() -> None:
    dev = Lambda("Creating", "Creating", "Enabling", "Enabled")

    functions.complete(dev, Stage("dev"), OUTPUTS)

    assert "1" in dev.updates


def test_an_event_source_that_is_never_done_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "PATIENCE_SECONDS", 0)

    with pytest.raises(DeployError, match="The event source 1 stays in Creating"):
        functions.complete(Lambda("Creating"), Stage("dev"), OUTPUTS)
