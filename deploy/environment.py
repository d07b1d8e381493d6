"""The environment variables of a stage's functions that no file holds: from the stack's outputs and the secrets."""

from collections.abc import Mapping

from deploy import secrets
from deploy.layout import media_bucket_name
from deploy.policies import Place
from deploy.target import Target

OUTPUTS = {
    "LAUREL_EXPORTS_BUCKET": "ExportsBucketName",
    "LAUREL_NOTICES_TOPIC": "NoticesTopicArn",
    "LAUREL_MEDIA_BUCKET": "MediaBucketName",
    "LAUREL_MEDIA_URL": "MediaUrl",
    "LAUREL_RECORDS_STREAM_ARN": "RecordsStreamArn",
}
"""The outputs of infra/template.yaml's stack that functions are told, by the variables they find them in."""


def foreseen(place: Place) -> dict[str, str]:
    """Return the variables by which app.py names what it subscribes to, as far as they are known before a stack is."""
    return {"LAUREL_MEDIA_BUCKET": media_bucket_name(place.stage, place.account)}


def of_functions(target: Target, outputs: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by name; those of .chalice/config.json are beside them.

    Args:
        outputs: Of infra/template.yaml's stack.
    """
    keys = secrets.environment(target, outputs["SigningKeyArn"], outputs["AdminKeyArn"])
    return {**keys, **{variable: outputs[output] for variable, output in OUTPUTS.items()}}
