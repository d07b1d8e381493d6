"""Stages that have and want other things than those of infra/stages.yaml."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

from deploy.pipeline.settings import Settings
from tests.deploy.pipeline.packages import Json, complete, settings

SUBNETS = ["subnet-0a1b2c3d", "subnet-1a2b3c4d"]
SHIFT = "Linear10PercentEvery1Minute"


def changed(given: Settings, part: str, **values: object) -> Settings:
    """Return settings in which a part of the stage says something else."""
    said: dict[str, Any] = {part: {**getattr(given.stage, part), **values}}
    return replace(given, stage=replace(given.stage, **said))


def without_options(given: Settings) -> Settings:
    """Return settings for an app that has none of Laurel's functions and routes."""
    return changed(replace(given, event_sources={}, async_invocations={}), "api", routes={})


def on_runtime(template: Json, runtime: str) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["Runtime"] = runtime


def everything(packaged: Json) -> Json:
    """Return the template of a stage with every feature on."""
    template = deepcopy(packaged)
    on_runtime(template, "python3.13")
    given = changed(settings("prod"), "pipeline", shift=SHIFT, snap_start=True)
    given = changed(given, "functions", tracing=True, vpc={"subnet_ids": SUBNETS, "security_group_ids": []})
    return complete(template, changed(given, "api", tracing=True, access_logs=True, key_required=["/admin"]))
