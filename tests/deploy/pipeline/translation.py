"""What CloudFormation makes of a SAM template, by AWS's own translator."""

from collections.abc import Mapping
from copy import deepcopy

from samtranslator.translator.transform import transform  # type: ignore[import-untyped]  # says nothing of its types

from tests.deploy.pipeline.packages import Json


class ManagedPolicies:
    """The names of AWS's managed policies, which the translator would ask IAM for; no function of ours has one."""

    def load(self) -> dict[str, str]:
        return {}


def translated(template: Json, values: Mapping[str, str] | None = None) -> Json:
    """Return what CloudFormation makes of a template whose archive has been uploaded."""
    uploaded = deepcopy(template)
    for resource in uploaded["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://artefacts/archive"
    result: Json = transform(uploaded, dict(values or {}), ManagedPolicies())
    return result
