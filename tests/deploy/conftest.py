"""What tests of deployments share: one embedded AWS; the app's package, built and unpacked once.

pip downloads what is in the package.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.cold import trees
from local.children import Emulator


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """An embedded AWS with nothing in it; whoever deploys to it leaves nothing behind."""
    with Emulator(0, None) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.ours(trees.today(tmp_path_factory.mktemp("project") / "laurel"))


@pytest.fixture(scope="session")
def tree(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trees.unpacked(packed, tmp_path_factory.mktemp("unpacked") / "laurel").path
