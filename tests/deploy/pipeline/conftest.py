"""One packaging of each app for all tests of this folder."""

from copy import deepcopy
from pathlib import Path

import pytest

from tests.deploy.pipeline import packages, watcher
from tests.deploy.pipeline.packages import Json, Package


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="session")
def packaged_prod(folder: Path) -> Json:
    """What chalice makes of Laurel for prod."""
    return packages.of_laurel("prod", folder / "prod").template


@pytest.fixture
def prod(packaged_prod: Json) -> Json:
    """The same, for a test to spoil."""
    return deepcopy(packaged_prod)


@pytest.fixture(scope="session")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """An app with an ``on_s3_event``."""
    app = watcher.write(tmp_path_factory.mktemp("watcher"))
    return packages.made(app, "prod", app.project / "dist")
