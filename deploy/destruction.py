"""The end of a stage: the app, the edge, and what the template made; the data only when it is asked for by name."""

from dataclasses import dataclass

from deploy.target import Target


@dataclass(frozen=True)
class Destruction:
    """The end of a stage.

    Args:
        data: Whether tables, buckets, queues and secrets go too.
    """

    target: Target
    data: bool = False

    def run(self) -> None:
        """Delete whatever is left of the stage; may be repeated."""
        raise NotImplementedError
