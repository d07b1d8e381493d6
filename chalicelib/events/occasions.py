"""Occasions on which a scheduled function runs: the schedule's own event, or a request of an operator."""

from typing import Any

from chalice.app import CloudWatchEvent

_OF_SCHEDULE = "detail-type"
"""A field that EventBridge's events have, and requests have not."""


class Occasion(CloudWatchEvent):
    """What chalice hands to a scheduled function; its own class refuses what lacks any field of an event."""

    def __init__(self, event: Any, context: Any) -> None:
        super().__init__({} if event is None else event, context)

    def _extract_attributes(self, event_dict: Any) -> None:
        if self.is_scheduled:
            super()._extract_attributes(event_dict)

    @property
    def is_scheduled(self) -> bool:
        event: Any = self._event_dict
        return isinstance(event, dict) and _OF_SCHEDULE in event

    @property
    def request(self) -> Any:
        """What an operator asks for, whatever that is; None when the schedule asks."""
        return None if self.is_scheduled else self._event_dict
