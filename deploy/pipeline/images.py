"""Functions made of a container image instead of an archive: the last step of completing a template, where wanted.

The image is infra/Dockerfile's, one for all functions; each names its handler as the image's command.
"""

import re

from deploy.errors import DeployError
from deploy.pipeline.template import FUNCTION, Json, Template

_OF_AN_ARCHIVE = frozenset({"CodeUri", "Handler", "Layers", "Runtime"})
"""What functions of an image do not have."""
_URI = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9._/-]+(@sha256:[0-9a-f]{64}|:[\w.-]+)")


def as_image(completed: Json, uri: str) -> Json:
    """Return a completed template whose functions are made of an image, and leave the one given as it is.

    Args:
        uri: In ECR, in the region of the functions. By its digest: CloudFormation does not see that a tag has moved.

    Raises:
        DeployError: It is no image in ECR; or functions are to start from snapshots, as none of an image does.
    """
    if not _URI.fullmatch(uri):
        example = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/laurel@sha256:<64 digits>"
        raise DeployError(f"IMAGE must name an image in ECR, as in {example}, not {uri!r}")
    template = Template(completed)
    for logical_id, properties in list(template.functions()):
        if "SnapStart" in properties:
            raise DeployError(
                "SnapStart needs a package: leave IMAGE out, or say snap_start: false in infra/stages.yaml"
            )
        handler = template.property(logical_id, FUNCTION, "Handler")
        kept = {name: value for name, value in properties.items() if name not in _OF_AN_ARCHIVE}
        of_image = {"PackageType": "Image", "ImageUri": uri, "ImageConfig": {"Command": [handler]}}
        resource = template.resource(logical_id, FUNCTION)
        template = template.with_resource(logical_id, {**resource, "Properties": {**kept, **of_image}})
    return template.body
