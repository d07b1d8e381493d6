"""What a benchmark found: written as JSON for the report, and its claims printed, PASS or FAIL."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "results"


@dataclass(frozen=True, slots=True)
class Claim:
    """What is promised, whether it was found to hold, and the figures that say so."""

    text: str
    holds: bool
    figures: str


def write(file: Path, found: Mapping[str, Any], claims: Sequence[Claim]) -> None:
    """Write the figures and the claims, with when and on what they were measured."""
    machine = {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    content = {"machine": machine, **found, "claims": claims}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1, default=_plain) + "\n", encoding="utf-8")


def load() -> float:
    """Return how many processes wanted a processor, on the average of the last minute: what else the machine did."""
    return round(os.getloadavg()[0], 1)


def conclude(claims: Sequence[Claim]) -> None:
    """Print every claim, and end the program with an error when one does not hold."""
    for claim in claims:
        print(f"{'PASS' if claim.holds else 'FAIL'}  {claim.text}: {claim.figures}")
    if not all(claim.holds for claim in claims):
        sys.exit(1)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"no JSON for {type(value)}")
