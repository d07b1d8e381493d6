"""Where a stage is deployed to: an AWS account and region, or something that speaks as they do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any, Self

import botocore.session
from botocore.config import Config
from botocore.exceptions import NoRegionError

from deploy.changes import Change
from deploy.journal import Journal

# An answer that was lost is asked for again: whatever is called here may be called twice.
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10, read_timeout=60)


class Target:
    """A stage, and how to reach the AWS it lives in.

    Args:
        environment: What programs that act on this target find in their environment.
        connection: What ``create_client`` is told beside the name of the service.
        rehearsed: Whether calls that would change something are only noted.
    """

    def __init__(
        self,
        stage: str,
        environment: Mapping[str, str],
        connection: Mapping[str, Any] | None = None,
        *,
        rehearsed: bool = False,
    ) -> None:
        self.stage = stage
        self.environment = environment
        self.rehearsed = rehearsed
        self.session = botocore.session.Session()
        self._connection = connection or {}
        self._clients_by_service: dict[str, Any] = {}
        self._journal = Journal(rehearsed=rehearsed)
        self._journal.attach(self.session)

    @classmethod
    def aws(cls, stage: str, environ: Mapping[str, str], *, rehearsed: bool = False) -> Self:
        """Return the stage in the account and region that the AWS tools would use.

        Raises:
            NoRegionError: Nothing says which region.
        """
        # botocore itself does not read AWS_REGION, which the AWS tools do.
        region = environ.get("AWS_REGION") or botocore.session.Session().get_config_variable("region")
        if not region:
            raise NoRegionError
        return cls(stage, dict(environ), {"config": PATIENT, "region_name": region}, rehearsed=rehearsed)

    @property
    def changes(self) -> list[Change]:
        """What has been changed, or would have been, since the target was made."""
        return self._journal.changes

    def rehearsal(self) -> Self:
        """Return the same target, on which changes are only noted."""
        return type(self)(self.stage, self.environment, self._connection, rehearsed=True)

    @contextmanager
    def preparing(self, *services: str) -> Iterator[None]:
        """Make clients meanwhile, which takes some 30 ms each: for while somebody else does the work."""
        preparation = Thread(target=lambda: [self.client(service) for service in services])
        preparation.start()
        try:
            yield
        finally:
            preparation.join()

    def client(self, service: str) -> Any:
        """Return a botocore client of a service, made on first use."""
        if service not in self._clients_by_service:
            self._clients_by_service[service] = self.session.create_client(service, **self._connection)
        return self._clients_by_service[service]
