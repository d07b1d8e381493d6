"""Targets for tests that need no functions to run."""

import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from deploy.target import Target
from tests.conftest import REGION


def target(*, rehearsed: bool = False) -> Target:
    """Return the stage ``dev`` in the AWS of this process; only within the fixture ``aws``."""
    return Target("dev", os.environ, {"region_name": REGION}, rehearsed=rehearsed)


class Listed(Target):
    """A target that answers operations which list as it is told, has nothing else, and buckets that tell nobody.

    Args:
        pages_by_operation: What each operation of a paginator yields; an operation that is not named yields nothing.
    """

    def __init__(self, pages_by_operation: Mapping[str, list[Any]]) -> None:
        super().__init__("dev", {})
        self._pages = pages_by_operation

    def client(self, service: str) -> Any:
        del service
        paginators = SimpleNamespace(meta=SimpleNamespace(region_name=REGION))
        paginators.get_paginator = lambda operation: SimpleNamespace(
            paginate=lambda **_: iter(self._pages.get(operation, []))
        )
        paginators.get_bucket_notification_configuration = lambda **_: {}
        return paginators
