"""The embedded AWS as a target of deployments and of tests, whatever the environment says about the real one."""

from pathlib import Path

from deploy.target import Target
from local.children import aws_environment
from local.layout import ACCESS_KEY, CHECKOUT, REGION, SECRET_KEY, STAGE


def embedded(endpoint: str, *, stage: str = STAGE, home: Path = CHECKOUT / ".local") -> Target:
    """Return a stage in the embedded AWS at ``endpoint``.

    Args:
        home: Of the programs that deploy to it; nothing of the user's own is to be found there.
    """
    connection = {
        "endpoint_url": endpoint,
        "region_name": REGION,
        "aws_access_key_id": ACCESS_KEY,
        "aws_secret_access_key": SECRET_KEY,
    }
    return Target(stage, aws_environment(endpoint, home), connection)
