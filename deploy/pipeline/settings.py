"""What a template is completed with: the settings of a stage, as the files of infra/ have them."""

import json
from dataclasses import dataclass
from typing import Self

from deploy import layout, templates
from deploy.errors import DeployError
from deploy.pipeline.template import Json
from deploy.stages import Stage

SHIFTS = frozenset(
    {
        "Canary10Percent5Minutes",
        "Canary10Percent10Minutes",
        "Canary10Percent15Minutes",
        "Canary10Percent30Minutes",
        "Linear10PercentEvery1Minute",
        "Linear10PercentEvery2Minutes",
        "Linear10PercentEvery3Minutes",
        "Linear10PercentEvery10Minutes",
    }
)
"""How CodeDeploy can move calls from one version to the next, in the words of SAM."""


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
            DeployError: infra/stages.yaml asks for a shift that CodeDeploy does not know.
        """
        settings = cls(
            stage=stage,
            outputs=frozenset(templates.read(layout.TEMPLATE)["Outputs"]),
            gateway_responses=json.loads(layout.GATEWAY_RESPONSES.read_text()),
            access_log=json.loads(layout.ACCESS_LOG.read_text()),
            event_sources=json.loads(layout.EVENT_SOURCES.read_text()),
            async_invocations=json.loads(layout.ASYNC_INVOCATIONS.read_text()),
        )
        if settings.shift and settings.shift not in SHIFTS:
            known = ", ".join(sorted(SHIFTS))
            raise DeployError(
                f"infra/stages.yaml: {stage.name}: pipeline: shift: {settings.shift!r} is none of {known}"
            )
        return settings

    @property
    def shift(self) -> str | None:
        """How calls move to a new version; None, all at once and without CodeDeploy."""
        return self.stage.pipeline.get("shift") or None

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
