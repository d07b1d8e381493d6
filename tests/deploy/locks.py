"""What a lock pins, for one Python or another."""

from packaging.requirements import Requirement


def pins(lock: str, python: tuple[int, int]) -> list[str]:
    """Return the lines of a lock that are for this Python, as ``name==version``."""
    version = ".".join(map(str, python))
    running = {"python_version": version, "python_full_version": f"{version}.0"}
    requirements = [Requirement(line) for line in lock.splitlines() if not line.lstrip().startswith("#")]
    return [f"{each.name}{each.specifier}" for each in requirements if not each.marker or each.marker.evaluate(running)]
