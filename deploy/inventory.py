"""What of the app is deployed, read from AWS itself in the form chalice keeps it in .chalice/deployed/<stage>.json.

Chalice writes that file when all has gone well, on the machine it went well on. Here nobody's file is believed: every
name the app's resources can have follows from the stage, so they are looked up, and a deployment that broke off, or
one from another machine, is gone on with.
"""

from typing import Any

from deploy.target import Target


def deployed(target: Target) -> list[dict[str, Any]]:
    """Return the stage's resources as chalice records them, in an order in which they can be deleted backwards."""
    raise NotImplementedError
