"""Who is told of calls to AWS by the fakes that stand in for its clients, as botocore's events tell of real ones."""

from collections.abc import Callable, Mapping
from typing import Any

Listener = Callable[[str, str, Mapping[str, Any]], None]
"""Takes the service, as botocore names it, the operation, and its parameters."""

LISTENERS: list[Listener] = []


def tell(service: str, operation: str, params: Mapping[str, Any]) -> None:
    for listener in LISTENERS:
        listener(service, operation, params)
