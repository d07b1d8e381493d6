"""Where a stage is deployed to: an AWS account and region, or something that speaks as they do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import botocore.session


@dataclass(frozen=True)
class Target:
    """A stage, and how to reach the AWS it lives in.

    Args:
        environment: What programs that act on this target find in their environment.
        connection: What ``create_client`` is told beside the name of the service.
    """

    stage: str
    session: botocore.session.Session
    environment: Mapping[str, str]
    connection: Mapping[str, Any]

    @classmethod
    def aws(cls, stage: str, environ: Mapping[str, str]) -> Self:
        """Return the stage in the account and region that the AWS tools would use."""
        return cls(stage, botocore.session.Session(profile=environ.get("AWS_PROFILE")), dict(environ), {})

    def client(self, service: str) -> Any:
        """Return a botocore client of a service."""
        return self.session.create_client(service, **self.connection)
