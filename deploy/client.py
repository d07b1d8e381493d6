"""Chalice's AWS client, made to change only what differs, and to look often whether a change has been made.

Chalice sends everything again with every deployment, and waits for each function twice.
"""

import base64
import hashlib
import time
from collections.abc import Mapping
from typing import Any

from chalice.awsclient import TypedAWSClient

from deploy.layout import API_STAGE
from deploy.target import Target

PATIENCE_SECONDS = 300.0
FIRST_LOOK_SECONDS = 0.01
SELDOM_SECONDS = 1.0

LAMBDAS = "LambdaFunctionConfigurations"
"""Of all that a bucket tells, what it tells functions."""

Json = dict[str, Any]


class StageClient(TypedAWSClient):
    """What chalice's deployer calls."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.session)
        self._target = target
        self.document_digest = ""
        """What tells the API's document from others. It is kept as the description of the API's deployments, so that
        the next deployment can compare."""

    def put_role_policy(self, role_name: str, policy_name: str, policy_document: Json) -> None:
        iam = self._client("iam")
        try:
            deployed = iam.get_role_policy(RoleName=role_name, PolicyName=policy_name)["PolicyDocument"]
        except iam.exceptions.NoSuchEntityException:
            deployed = None
        if deployed != policy_document:
            super().put_role_policy(role_name, policy_name, policy_document)

    def delete_function_concurrency(self, function_name: str) -> None:
        if self._concurrency(function_name) is not None:
            super().delete_function_concurrency(function_name)

    def put_function_concurrency(self, function_name: str, reserved_concurrent_executions: int) -> None:
        if self._concurrency(function_name) != reserved_concurrent_executions:
            super().put_function_concurrency(function_name, reserved_concurrent_executions)

    def update_lambda_event_source(
        self,
        event_uuid: str,
        batch_size: int,
        maximum_batching_window_in_seconds: int | None = 0,
        maximum_concurrency: int | None = None,
    ) -> None:
        deployed = self._client("lambda").get_event_source_mapping(UUID=event_uuid)
        wanted = (batch_size, maximum_batching_window_in_seconds or 0, maximum_concurrency)
        if wanted != (
            deployed.get("BatchSize"),
            deployed.get("MaximumBatchingWindowInSeconds") or 0,
            deployed.get("ScalingConfig", {}).get("MaximumConcurrency"),
        ):
            super().update_lambda_event_source(event_uuid, *wanted)

    def get_or_create_rule_arn(
        self,
        rule_name: str,
        schedule_expression: str | None = None,
        event_pattern: str | None = None,
        rule_description: str | None = None,
    ) -> str:
        events = self._client("events")
        try:
            deployed = events.describe_rule(Name=rule_name)
        except events.exceptions.ResourceNotFoundException:
            deployed = {}
        wanted = (schedule_expression, event_pattern, rule_description or None)
        if wanted == (*map(deployed.get, ("ScheduleExpression", "EventPattern")), deployed.get("Description") or None):
            return str(deployed["Arn"])
        made = super().get_or_create_rule_arn(rule_name, schedule_expression, event_pattern, rule_description)
        # Rehearsed, the answer is made up; a rule that is there keeps its ARN.
        return str(deployed.get("Arn", made))

    def connect_rule_to_lambda(self, rule_name: str, function_arn: str) -> None:
        events = self._client("events")
        try:
            targets = events.list_targets_by_rule(Rule=rule_name)["Targets"]
        except events.exceptions.ResourceNotFoundException:
            targets = []
        if [target["Arn"] for target in targets] != [function_arn]:
            super().connect_rule_to_lambda(rule_name, function_arn)

    def connect_s3_bucket_to_lambda(
        self, bucket: str, function_arn: str, events: list[str], prefix: str | None = None, suffix: str | None = None
    ) -> None:
        configuration = self._notification_configuration(bucket)
        told = configuration.get(LAMBDAS, [])
        wanted = _notification(function_arn, events, {"prefix": prefix, "suffix": suffix})
        if [_asked(each) for each in told if each["LambdaFunctionArn"] == function_arn] != [_asked(wanted)]:
            others = [each for each in told if each["LambdaFunctionArn"] != function_arn]
            self._client("s3").put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={**configuration, LAMBDAS: [*others, wanted]}
            )

    def update_api_from_swagger(self, rest_api_id: str, swagger_document: Json) -> None:
        if self._api_differs(rest_api_id):
            super().update_api_from_swagger(rest_api_id, swagger_document)

    def update_rest_api(self, rest_api_id: str, patch_operations: list[Json]) -> None:
        deployed = self.get_rest_api(rest_api_id)
        patches = [patch for patch in patch_operations if not _is_applied(patch, deployed)]
        if patches:
            super().update_rest_api(rest_api_id, patches)

    def deploy_rest_api(self, rest_api_id: str, api_gateway_stage: str, xray: bool) -> None:
        # Tracing is a setting of the stage: said here it would be switched by every deployment.
        del xray
        if self._api_differs(rest_api_id):
            self._client("apigateway").create_deployment(
                restApiId=rest_api_id, stageName=api_gateway_stage, description=self.document_digest
            )

    def _notification_configuration(self, bucket: str) -> Json:
        s3 = self._client("s3")
        try:
            configuration = s3.get_bucket_notification_configuration(Bucket=bucket)
        except s3.exceptions.NoSuchBucket:
            if self._target.rehearsed:  # it has not been made
                return {}
            raise
        return {name: value for name, value in configuration.items() if name != "ResponseMetadata"}

    def _concurrency(self, function_name: str) -> int | None:
        functions = self._client("lambda")
        try:
            reserved = functions.get_function_concurrency(FunctionName=function_name)
        except functions.exceptions.ResourceNotFoundException:  # rehearsed, it has not been made
            return None
        concurrency: int | None = reserved.get("ReservedConcurrentExecutions")
        return concurrency

    def _api_differs(self, rest_api_id: str) -> bool:
        """Tell whether the API that players reach was made of another document than this one."""
        gateway = self._client("apigateway")
        try:
            stage = gateway.get_stage(restApiId=rest_api_id, stageName=API_STAGE)
            deployment = gateway.get_deployment(restApiId=rest_api_id, deploymentId=stage["deploymentId"])
        except gateway.exceptions.NotFoundException:
            return True
        return bool(deployment.get("description") != self.document_digest)

    def _update_function_code(
        self, function_name: str, zip_contents: Any, architecture: str | None = None
    ) -> dict[str, Any]:
        deployed = self.get_function_configuration(function_name)
        as_wanted = (code_digest(zip_contents), [architecture or "x86_64"])
        if (deployed["CodeSha256"], deployed["Architectures"]) == as_wanted:
            return deployed
        return super()._update_function_code(function_name, zip_contents, architecture)

    def _do_update_function_config(self, function_name: str, kwargs: Json) -> None:
        if changed := differing(self.get_function_configuration(function_name), kwargs):
            super()._do_update_function_config(function_name, changed)

    def _client(self, service_name: str) -> Any:
        return self._target.client(service_name)

    def _wait_for_active(self, function_name: str) -> None:
        self._wait(function_name, "State", "Active")

    def _wait_for_function_update(self, function_name: str) -> None:
        self._wait(function_name, "LastUpdateStatus", "Successful")

    def _wait(self, function_name: str, field: str, wanted: str) -> None:
        pause = FIRST_LOOK_SECONDS
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (state := self.get_function_configuration(function_name))[field] != wanted:
            if state[field] == "Failed" or time.monotonic() > deadline:
                raise RuntimeError(f"{function_name}: {field} is {state[field]}: {state.get(f'{field}Reason')}")
            time.sleep(pause)
            pause = min(2 * pause, SELDOM_SECONDS)


def code_digest(package: bytes) -> str:
    """Return a package's CodeSha256, as Lambda tells it."""
    return base64.b64encode(hashlib.sha256(package).digest()).decode()


def differing(deployed: Mapping[str, Any], wanted: Mapping[str, Any]) -> Json:
    """Return those of the arguments of UpdateFunctionConfiguration that a function does not have yet.

    Tracing that is not asked for is switched off: chalice says nothing then, and it would stay on.
    """
    complete = {"TracingConfig": {"Mode": "PassThrough"}, **wanted}
    return {name: value for name, value in complete.items() if _plain(name, value) != _plain(name, deployed.get(name))}


def _plain(name: str, value: Any) -> Any:
    """Return an argument in the form it can be compared in: it is answered in another than it is given in."""
    match name:
        case "Environment":
            return (value or {}).get("Variables", {})
        case "TracingConfig":
            return value or {"Mode": "PassThrough"}
        case "VpcConfig":
            return [sorted((value or {}).get(key, [])) for key in ("SubnetIds", "SecurityGroupIds")]
        case "Layers":
            return [layer if isinstance(layer, str) else layer["Arn"] for layer in value or []]
        case _:
            return value


def _notification(function_arn: str, events: list[str], edges: Mapping[str, str | None]) -> Json:
    rules = [{"Name": name, "Value": value} for name, value in edges.items() if value]
    key = {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}
    return {"LambdaFunctionArn": function_arn, "Events": events, **key}


def _asked(notification: Json) -> Any:
    """Return what a function is told of, as it can be compared: S3 writes the names of rules in its own way."""
    rules = notification.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return sorted(notification["Events"]), sorted((rule["Name"].lower(), rule["Value"]) for rule in rules)


def _is_applied(patch: Json, deployed: Json) -> Any:
    """Tell whether one of the two settings that chalice makes of an API is as wanted."""
    if patch["path"] == "/minimumCompressionSize":
        return str(deployed.get("minimumCompressionSize", "")) == patch["value"]
    return deployed.get("endpointConfiguration", {}).get("types") == [patch["value"]]
