"""The environment variables of a stage's functions that no file holds: from the stack's outputs and the secrets."""

from collections.abc import Mapping

from deploy import secrets
from deploy.target import Target


def of_functions(target: Target, outputs: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by name; those of .chalice/config.json are beside them.

    Args:
        outputs: Of infra/template.yaml's stack. Without any, as before a first deployment, there are no variables.
    """
    if not outputs:
        return {}
    keys = secrets.environment(target, outputs["SigningKeyArn"], outputs["AdminKeyArn"])
    return {**keys, "LAUREL_RECORDS_STREAM_ARN": outputs["RecordsStreamArn"]}
