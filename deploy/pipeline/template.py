"""A SAM template: read with what is wrong with it said, and never changed, only copied with a difference."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from deploy.errors import DeployError

Json = dict[str, Any]

TRANSFORM = "AWS::Serverless-2016-10-31"
FUNCTION = "AWS::Serverless::Function"
API = "AWS::Serverless::Api"
ROLE = "AWS::IAM::Role"
PERMISSION = "AWS::Lambda::Permission"
API_HANDLER = "APIHandler"
REST_API = "RestAPI"


class UnexpectedTemplateError(DeployError):
    """Chalice has made a template that cannot be completed; the message names what was expected where."""

    def __init__(self, expected: str) -> None:
        super().__init__(
            f"The template that chalice made is not as expected: {expected}. Laurel completes the templates of the"
            " release of chalice that requirements-dev.txt pins; for another, look through deploy/pipeline first."
        )


@dataclass(frozen=True, slots=True)
class Template:
    """A template's JSON. Every method that differs returns another template, which may share parts with this one."""

    body: Json

    @property
    def resources(self) -> Mapping[str, Json]:
        resources: Json = self.body.get("Resources", {})
        return resources

    def resource(self, logical_id: str, kind: str) -> Json:
        """Return a resource, or raise UnexpectedTemplateError if there is none of that kind and id."""
        resource = self.resources.get(logical_id)
        if resource is None:
            raise UnexpectedTemplateError(f"a resource {logical_id} of type {kind} is missing")
        if resource.get("Type") != kind:
            raise UnexpectedTemplateError(f"{logical_id} is of type {resource.get('Type')}, not {kind}")
        return resource

    def properties(self, logical_id: str, kind: str) -> Json:
        properties: Json = self.resource(logical_id, kind).get("Properties", {})
        return properties

    def property(self, logical_id: str, kind: str, name: str) -> Any:
        """Return one property, or raise UnexpectedTemplateError if it is missing."""
        properties = self.properties(logical_id, kind)
        if name not in properties:
            raise UnexpectedTemplateError(f"{logical_id} has no property {name}")
        return properties[name]

    def functions(self) -> Iterator[tuple[str, Json]]:
        """Yield the functions' logical ids and properties."""
        for logical_id, resource in self.resources.items():
            if resource.get("Type") == FUNCTION:
                yield logical_id, self.properties(logical_id, FUNCTION)

    def with_properties(self, logical_id: str, properties: Mapping[str, Any]) -> Self:
        resource = self.resources[logical_id]
        return self.with_resource(
            logical_id, {**resource, "Properties": {**resource.get("Properties", {}), **properties}}
        )

    def with_resource(self, logical_id: str, resource: Json) -> Self:
        return self.with_section("Resources", {logical_id: resource})

    def with_resources(self, resources: Mapping[str, Json]) -> Self:
        """Return this template with resources that it must not have yet.

        Raises:
            UnexpectedTemplateError: It has one of them.
        """
        taken = sorted(self.resources.keys() & resources.keys())
        if taken:
            raise UnexpectedTemplateError(f"{', '.join(taken)} is made by chalice already")
        return self.with_section("Resources", resources)

    def with_section(self, name: str, entries: Mapping[str, Any]) -> Self:
        section = {**self.body.get(name, {}), **entries}
        return type(self)({**self.body, name: section} if section else self.body)


def depending(resource: Json, *logical_ids: str) -> Json:
    """Return a resource that is made only after others."""
    before = resource.get("DependsOn", [])
    before = [before] if isinstance(before, str) else before
    return {**resource, "DependsOn": [*before, *logical_ids]}


def invoked(template: Template, logical_id: str) -> Json:
    """Return what calls of a function go to: its alias, where it has one."""
    has_alias = "AutoPublishAlias" in template.properties(logical_id, FUNCTION)
    return {"Ref": f"{logical_id}.Alias"} if has_alias else {"Fn::GetAtt": [logical_id, "Arn"]}
