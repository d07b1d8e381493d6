"""The package of the app as it stands: built once, unpacked once. pip downloads what is in it."""

from pathlib import Path

import pytest

from bench.cold import trees


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.ours(trees.today(tmp_path_factory.mktemp("project") / "laurel"))


@pytest.fixture(scope="session")
def tree(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.unpacked(packed, tmp_path_factory.mktemp("unpacked") / "laurel").path
