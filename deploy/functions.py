"""What chalice cannot say of functions: event sources' options, asynchronous retries, log groups with retention."""

from collections.abc import Iterator, Mapping

from deploy.changes import Setting
from deploy.stages import Stage
from deploy.target import Target


def settings(target: Target, stage: Stage, outputs: Mapping[str, str]) -> Iterator[Setting]:
    """Yield each setting that is not as wanted yet; none after a deployment that ended well."""
    raise NotImplementedError
