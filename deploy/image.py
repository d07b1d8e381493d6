"""What a container image holds: the deployment package, unpacked, as infra/Dockerfile asks for it.

It is divided in two, so that a change of code is a small layer of the image.
"""

import argparse
import sys
from pathlib import Path

from chalice.deploy.packager import DependencyBuilder, PipRunner, SubprocessPip
from chalice.utils import UI, OSUtils

from deploy import archive
from deploy.errors import DeployError
from deploy.package import PrunedPackager

ARCHITECTURE_BY_PLATFORM = {"amd64": "x86_64", "arm64": "arm64"}
"""As Docker calls them, and Lambda."""
APP, DEPENDENCIES = "app", "dependencies"
_OF_THE_APP = ("app.py", "chalicelib/", "__pycache__/app.")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Unpack the deployment package into two folders of an image.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--platform", choices=ARCHITECTURE_BY_PLATFORM, required=True)
    given = parser.parse_args(arguments)
    try:
        unpack(Path.cwd(), given.folder, ARCHITECTURE_BY_PLATFORM[given.platform])
    except DeployError as error:
        sys.exit(str(error))


def unpack(project: Path, folder: Path, architecture: str) -> None:
    """Write what the package of ``project`` holds into ``folder``/app and ``folder``/dependencies.

    The package is for the running Python, and for either architecture.

    Raises:
        DeployError: It cannot be built.
    """
    files = OSUtils()
    pip = PipRunner(pip=SubprocessPip(osutils=files), osutils=files)
    wheels = DependencyBuilder(files, pip_runner=pip, architecture=architecture)
    packager = PrunedPackager(files, wheels, UI(), architecture)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    package = packager.create_deployment_package(str(project), version)
    for name, content in archive.read(Path(package)).items():
        target = folder / (APP if name.startswith(_OF_THE_APP) else DEPENDENCIES) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1:])
