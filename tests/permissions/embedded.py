"""What deployed functions asked the embedded AWS for, as local/authorization.py recorded it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from local.layout import ACCOUNT, REGION
from local.layout import STAGE as LOCAL
from tests.permissions.evaluation import Request
from tests.permissions.policies import UNIT_TESTS

_ROLE = re.compile(rf"arn:aws:sts::\d+:assumed-role/laurel-{LOCAL}-(?P<function>\w+)/")


def requests(asked: Path) -> Iterator[tuple[str, Request]]:
    """Yield functions and what they asked for, as if their resources were where those of unit tests are."""
    for line in asked.read_text().splitlines():
        written = json.loads(line)
        caller = _ROLE.match(written["caller"])
        if caller:
            keys = tuple(sorted((name, tuple(values)) for name, values in written["keys"].items()))
            yield caller["function"], Request(written["action"], _moved(written["resource"]), keys)


def _moved(resource: str) -> str:
    for here, there in [
        (REGION, UNIT_TESTS.region),
        (ACCOUNT, UNIT_TESTS.account),
        (f"laurel-{LOCAL}-", f"laurel-{UNIT_TESTS.stage}-"),
    ]:
        resource = resource.replace(here, there)
    return resource
