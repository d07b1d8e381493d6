"""One small Laurel for all tests of the local run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import LocalStack
from tests.local.program import free_port
from tests.local.small import make_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of a chalice project, to be edited and left as it was."""
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def laurel(project: Path) -> Iterator[LocalStack]:
    with LocalStack(project) as stack:
        yield stack


@pytest.fixture
def port() -> str:
    return free_port()
