"""Occasions on which a scheduled function runs: the schedule's own event, or a request of an operator."""

from typing import Any

from chalice.app import CloudWatchEvent

_OF_SCHEDULE = "detail-type"
"""A field that EventBridge's events have, and requests have not."""


class Occasion(CloudWatchEvent):
    """What chalice hands to a scheduled function; its own class refuses what lacks any field of an event."""

    def __init__(self, event: dict[str, Any] | None, context: Any) -> None:
        super().__init__(event or {}, context)

    def _extract_attributes(self, event_dict: dict[str, Any]) -> None:
        if _OF_SCHEDULE in event_dict:
            super()._extract_attributes(event_dict)

    @property
    def request(self) -> dict[str, Any] | None:
        """What an operator asks for; None when the schedule asks."""
        return None if _OF_SCHEDULE in self._event_dict else self._event_dict
