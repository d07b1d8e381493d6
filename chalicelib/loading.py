"""What a process makes once and keeps: modules, clients. Python need not look for garbage in it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def lasting() -> Iterator[None]:
    """Look for no garbage meanwhile, nor ever after in what there is by then.

    Python would go through all of it again and again as it grows, for a tenth of a cold start.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def load(module: str) -> Any:
    """Return a module, imported for good."""
    with lasting():
        return import_module(module)
