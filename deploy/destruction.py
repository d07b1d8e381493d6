"""The end of a stage: the edge, the app, and what the template made; the data only when it is asked for by name."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalice.config import Config, DeployedResources
from chalice.deploy.executor import Executor
from chalice.deploy.models import Plan
from chalice.deploy.sweeper import ResourceSweeper
from chalice.utils import UI

from deploy import functions, inventory, retained, templates
from deploy.client import StageClient
from deploy.deployment import data_stack, edge_stack
from deploy.layout import API_STAGE, TEMPLATE
from deploy.retained import Retained
from deploy.stages import Stage
from deploy.target import Target

NOUNS = {
    "iam_role": "role",
    "lambda_function": "function",
    "dynamodb_event": "event source",
    "kinesis_event": "event source",
    "sqs_event": "event source",
    "sns_event": "subscription",
    "s3_event": "bucket notification",
    "cloudwatch_event": "rule",
    "rest_api": "API",
}


@dataclass(frozen=True)
class Destruction:
    """What is to go of a stage. It may be repeated, and goes on with whatever is left.

    The app goes first, so that nobody calls it halfway. While data is kept, so is its stack, with nothing else in it:
    the next deployment goes on from there.

    Args:
        data: Whether tables, buckets, queues and secrets go too.
        say: Is told what is being done.
    """

    target: Target
    stage: Stage
    data: bool = False
    say: Callable[[str], None] = lambda _: None

    def plan(self) -> list[str]:
        """Return what is there, a line each; changes nothing."""
        kinds = Counter(NOUNS[resource["resource_type"]] for resource in inventory.deployed(self.target))
        kinds["log group"] += len(functions.log_groups(self.target))
        lines = [f"- {number} {noun}{'s' if number > 1 else ''}" for noun, number in kinds.items() if number]
        return lines + [f"{'-' if self.data else 'kept:'} {each.name}" for each in self.retained()]

    def retained(self) -> list[Retained]:
        """Return what the template lets outlive its stack, as far as it is there."""
        return retained.of(data_stack(self.target, self.stage))

    def run(self) -> None:
        """Delete whatever is left of the stage."""
        api_id = inventory.rest_api_id(self.target)
        self.say("1/3 the API's keys, limits, names and alarms")
        edge_stack(self.target, self.stage, api_id or "gone", self.say).delete()
        self.say("2/3 the app: the API, triggers, functions, roles")
        self._delete_app()
        if api_id:
            self._delete_logs_of_api(api_id)
        self.say("3/3 topics, streams, alarms" + (", the data" if self.data else "") + ", logs")
        if self.data:
            self._delete_all()
        else:
            self._keep_data()
        # Last: what was still running when its function went has written its last lines by now, into a new group.
        self._delete_logs(functions.log_groups(self.target))

    def _delete_app(self) -> None:
        """Let chalice delete what it would delete, had it remembered everything."""
        plan = Plan()
        ResourceSweeper().execute(plan, _Found(self.target.stage, inventory.record(self.target)))
        Executor(StageClient(self.target), UI(out=io.StringIO())).execute(plan)

    def _delete_logs_of_api(self, api_id: str) -> None:
        """Delete what API Gateway itself logs, where somebody switched that on: a later run knows its id no more."""
        prefix = f"API-Gateway-Execution-Logs_{api_id}/{API_STAGE}"
        found = self.target.client("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
        self._delete_logs(group["logGroupName"] for group in found)

    def _delete_logs(self, names: Iterable[str]) -> None:
        logs = self.target.client("logs")
        for name in names:
            logs.delete_log_group(logGroupName=name)

    def _keep_data(self) -> None:
        stack = data_stack(self.target, self.stage, self.say)
        if stack.was_made():
            stack.with_body(templates.compact(templates.data_only(templates.read(TEMPLATE)))).apply()
        else:
            stack.delete()

    def _delete_all(self) -> None:
        # Before the stack, which knows what they are called: should this break off, the next run finds them still.
        for each in self.retained():
            self.say(f"  {each.name}")
            each.delete(self.target)
        data_stack(self.target, self.stage, self.say).delete()


class _Found(Config):
    """A configuration that knows what is deployed, rather than look for a file of it."""

    def __init__(self, stage: str, record: Mapping[str, Any]) -> None:
        super().__init__(chalice_stage=stage)
        self._record = dict(record)

    def deployed_resources(self, chalice_stage_name: str) -> DeployedResources:
        del chalice_stage_name
        return DeployedResources(self._record)
