"""What a template is completed with: the settings of a stage, as the files of infra/ have them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from deploy import layout, templates
from deploy.errors import DeployError
from deploy.pipeline.template import Json
from deploy.stages import Stage

SHIFTS = (
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
)
"""How CodeDeploy can move calls from one version to the next, in the words of SAM."""

_RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "shift": (f"empty, or one of {', '.join(SHIFTS)}", lambda value: value in ("", *SHIFTS)),
    "snap_start": ("true or false", lambda value: isinstance(value, bool)),
    "tolerated_errors": ("a number from 0 on", lambda value: type(value) is int and value >= 0),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that completing a template needs to know.

    Args:
        outputs: The names of what the infrastructure stack gives out, each of them a possible parameter.
        event_sources: By function, the arguments of UpdateEventSourceMapping; a destination is an output's name.
        async_invocations: By function, the arguments of PutFunctionEventInvokeConfig, the same.
    """

    stage: Stage
    outputs: frozenset[str]
    gateway_responses: Json
    access_log: Json
    event_sources: Json
    async_invocations: Json

    @classmethod
    def of(cls, stage: Stage) -> Self:
        """Return the settings of a stage.

        Raises:
            DeployError: What infra/stages.yaml says of a pipeline is not among what there is to say.
        """
        _require_known(stage)
        return cls(
            stage=stage,
            outputs=frozenset(templates.read(layout.TEMPLATE)["Outputs"]),
            gateway_responses=json.loads(layout.GATEWAY_RESPONSES.read_text()),
            access_log=json.loads(layout.ACCESS_LOG.read_text()),
            event_sources=json.loads(layout.EVENT_SOURCES.read_text()),
            async_invocations=json.loads(layout.ASYNC_INVOCATIONS.read_text()),
        )

    @property
    def shift(self) -> str | None:
        """How calls move to a new version; None, all at once and without CodeDeploy."""
        shift: str = self.stage.pipeline.get("shift", "")
        return shift or None

    @property
    def snap_start(self) -> bool:
        return bool(self.stage.pipeline.get("snap_start"))

    @property
    def tolerated_errors(self) -> int:
        """How many failures of a new version in a minute do not take it back yet."""
        return int(self.stage.pipeline.get("tolerated_errors", 0))

    @property
    def traces(self) -> bool:
        return bool(self.stage.functions.get("tracing"))

    @property
    def tags(self) -> dict[str, str]:
        return {"service": layout.APP, "stage": self.stage.name}


def _require_known(stage: Stage) -> None:
    for name, value in stage.pipeline.items():
        place = f"infra/stages.yaml: {stage.name}: pipeline: {name}"
        if name not in _RULES:
            raise DeployError(f"{place} is not known; known are {', '.join(_RULES)}")
        rule, holds = _RULES[name]
        if not holds(value):
            raise DeployError(f"{place} must be {rule}, not {value!r}")
