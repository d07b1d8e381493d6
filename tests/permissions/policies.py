"""The policies of .chalice/policies, as they are in one place."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.policies import Place, rendered
from tests.permissions.evaluation import Policy
from tests.tables import STAGE

DIRECTORY = Path(__file__).parents[2] / ".chalice" / "policies"
UNIT_TESTS = Place(STAGE, "aws", "eu-central-1", "123456789012")
"""Where moto and the fakes have their resources."""
BY_LAMBDA = ("Failures", "Logs", "Subscription")
"""The statements that Lambda itself uses, with the function's role, where no test sees it: they are held to infra."""


def documents() -> Iterator[tuple[str, Any]]:
    """Yield each function with its policy as it is written."""
    for file in sorted(DIRECTORY.glob("*.json")):
        yield file.stem, json.loads(file.read_text())


def policies(place: Place) -> dict[str, Policy]:
    return {function: Policy.of(rendered(document, place)) for function, document in documents()}
