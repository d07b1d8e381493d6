"""A stage brought in line with the checkout, step by step. Each step may be repeated; none undoes another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy import account, environment, functions, gateway, inventory, network, policies, templates
from deploy.app import AppDeployment, Request
from deploy.changes import Change, Kind, merged
from deploy.errors import DeployError
from deploy.layout import API_STAGE, CHECKOUT, EDGE, TEMPLATE, edge_stack_name, stack_name
from deploy.policies import Place
from deploy.stacks import Stack
from deploy.stages import Stage
from deploy.target import Target

Outputs = Mapping[str, str]


@dataclass(frozen=True)
class Deployment:
    """What is deployed, and where to: the steps of ``make deploy`` and of the local run.

    In this order: template.yaml, the environment, the app, what chalice cannot say of functions, edge.yaml, the API's
    stage.

    Args:
        environment: Variables of the functions, beside those of the stage and its secrets or in their place.
        thin: See ``deploy.app.Request``.
        say: Is told what is being done.
    """

    target: Target
    stage: Stage
    project: Path = CHECKOUT
    environment: Mapping[str, str] = field(default_factory=dict)
    thin: bool = False
    say: Callable[[str], None] = lambda _: None

    def plan(self) -> list[Change]:
        """Return what ``run`` would change, and change nothing."""
        rehearsal = self.target.rehearsal()
        stack, app = data_stack(self.target, self.stage), AppDeployment(rehearsal)
        try:
            changes = [*account.changes(self.target, self.stage), *stack.changes()]
            outputs = stack.outputs()
            changes += app.run(self._request(outputs))
        finally:
            app.cancel()
        functions.complete(rehearsal, self.stage, outputs)
        api_id = inventory.rest_api_id(self.target)
        if api_id is None:
            return merged([*changes, *rehearsal.changes, Change(Kind.ADD, f"stack {edge_stack_name(self.stage.name)}")])
        edge = edge_stack(self.target, self.stage, api_id)
        gateway.complete(rehearsal, self.stage, edge.outputs())
        return merged([*changes, *edge.changes(), *rehearsal.changes])

    def run(self, prepared: AppDeployment | None = None) -> list[Change]:
        """Deploy, and return what was changed beside the stacks.

        Args:
            prepared: The process that deploys the app, if it has been started already.

        Raises:
            DeployError: A step failed. What was done before it stays, and the same command goes on from there.
        """
        app = prepared or AppDeployment(self.target)
        try:
            self.say(f"1/4 {stack_name(self.stage.name)}: tables, buckets, topics, queues, secrets")
            outputs = data_stack(self.target, self.stage, self.say).apply()
            self.say("2/4 the app: functions, their roles and triggers, the API")
            request = self._request(outputs)
            with self.target.preparing("lambda", "logs", "apigateway"):
                changes = app.run(request)
        finally:
            app.cancel()
        return merged([*changes, *self._complete(outputs)])

    def _complete(self, outputs: Outputs) -> list[Change]:
        self.say("3/4 functions: event sources, asynchronous calls, logs")
        before = len(self.target.changes)
        functions.complete(self.target, self.stage, outputs)
        self.say(f"4/4 {edge_stack_name(self.stage.name)}, and the API's stage: keys, limits, access log, alarms")
        api_id = inventory.rest_api_id(self.target)
        if api_id is not None:
            account.complete(self.target, self.stage, self.say)
            edge = edge_stack(self.target, self.stage, api_id, self.say).apply()
            gateway.complete(self.target, self.stage, edge)
        return self.target.changes[before:]

    def _request(self, outputs: Outputs) -> Request:
        settings = network.chalice_settings(self.stage.functions, outputs) if outputs else {}
        place = _place(self.stage.name, outputs) if outputs else policies.place_of(self.target)
        known = environment.of_functions(self.target, outputs) if outputs else environment.foreseen(place)
        variables = {**known, **self.environment}
        return Request(
            project=self.project,
            parameters={**settings, "environment_variables": variables},
            place=place,
            added=policies.additions(self.stage),
            key_required=self.stage.api.get("key_required") or [],
            thin=self.thin,
        )


def data_stack(target: Target, stage: Stage, say: Callable[[str], None] = lambda _: None) -> Stack:
    """Return the stack of what the stage keeps and speaks through."""
    parameters = {**stage.template, "Stage": stage.name}
    return Stack(target, stack_name(stage.name), templates.body(TEMPLATE), parameters, say=say)


def edge_stack(target: Target, stage: Stage, api_id: str, say: Callable[[str], None] = lambda _: None) -> Stack:
    """Return the stack of what needs the API's id."""
    parameters = {**stage.edge, "Stage": stage.name, "RestApiId": api_id, "ApiStage": API_STAGE}
    return Stack(target, edge_stack_name(stage.name), templates.body(EDGE), parameters, say=say)


def _place(stage: str, outputs: Outputs) -> Place:
    """Return where a stage's resources are, as the ARN of one of them says."""
    arn = outputs.get("RecordsTableArn", "")
    if not arn:
        raise DeployError(
            f"The stack {stack_name(stage)} does not give out RecordsTableArn: is it made of this template?"
        )
    _, partition, _, region, account, _ = arn.split(":", 5)
    return Place(stage, partition, region, account)
