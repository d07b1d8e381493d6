"""The deployment package: chalice's, without what no function reads, with byte code, and refused if Lambda would choke.

``PrunedPackager`` stands in chalice's build stages where its ``LambdaDeploymentPackager`` does. A package is built once
per content, and dependencies once per requirements.txt, under ``.chalice/deployments``.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from chalice.deploy.packager import (
    LambdaDeploymentPackager,
    MissingDependencyError,
    NoSuchPackageError,
    PackageDownloadError,
)

from deploy import archive, binaries, libraries, pruning
from deploy.errors import DeployError
from deploy.pruning import Files

MAX_ZIPPED_MB = 15
"""Ours. Lambda takes 50 MB directly; but what is loaded at every cold start should stay far from that."""
MAX_UNZIPPED_MB = 250
"""Lambda's: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""
_LARGEST = 5
_MB = 1_000_000


class PrunedPackager(LambdaDeploymentPackager):
    """Packages an app and its dependencies for one architecture, as chalice's packager does, but small and checked."""

    def create_deployment_package(self, project_dir: str, python_version: str) -> str:
        """Return the path of the package, built unless there is one of the same content.

        Raises:
            DeployError: A dependency cannot be had for Lambda, or the package is too large. None is left behind.
        """
        package = Path(self.deployment_package_filename(project_dir, python_version))
        if package.exists():
            self._ui.write("Reusing existing deployment package.\n")
            return str(package)
        self._ui.write("Creating deployment package.\n")
        dependencies = self._dependencies(Path(project_dir), python_version)
        files = {**dependencies, **_with_byte_code(self._app_files(Path(project_dir)), python_version)}
        _write(package, files)
        return str(package)

    def _dependencies(self, project: Path, python_version: str) -> Files:
        requirements = project / "requirements.txt"
        stated = requirements.read_bytes() if requirements.exists() else b""
        name = f"dependencies-{_digest([stated])}-{python_version}-{self._architecture}-{_RULES}.zip"
        cached = project / ".chalice" / "deployments" / name
        if not cached.exists():
            installed = self._installed(requirements, python_version)
            binaries.require_portable(installed, python_version, self._architecture)
            archive.write(cached, _with_byte_code(pruning.pruned(installed), python_version))
        return archive.read(cached)

    def _installed(self, requirements: Path, python_version: str) -> Files:
        with TemporaryDirectory() as folder:
            abi = self._RUNTIME_TO_ABI[python_version]
            try:
                self._dependency_builder.build_site_packages(abi, str(requirements), folder)
            except MissingDependencyError as error:
                # chalice would print this, and deploy functions that cannot start.
                missing = ", ".join(sorted(package.identifier for package in error.missing))
                raise DeployError(
                    f"{requirements.name}: no wheel of {missing} for {python_version} on {self._architecture}; "
                    "pin a release in requirements.in that has one, or deploy with another Python"
                ) from error
            except (NoSuchPackageError, PackageDownloadError) as error:
                raise DeployError(f"{requirements.name}: pip could not download what it names: {error}") from error
            return dict(_contents(Path(folder)))

    def _app_files(self, project: Path) -> Files:
        app = {name: Path(path).read_bytes() for path, name in self._iter_app_filenames(str(project))}
        return {**app, **dict(_contents(project / self._VENDOR_DIR))}

    def _iter_app_filenames(self, project_dir: str) -> Iterator[tuple[str, str]]:
        """Yield what chalice packages of the app, in one order and without byte code: both would change its name."""
        yield from sorted(
            (path, name) for path, name in super()._iter_app_filenames(project_dir) if "__pycache__" not in name
        )

    def _deployment_package_filename(self, project_dir: str, python_version: str, prefix: str = "") -> str:
        # Another name than that of chalice's own packages, and of packages pruned by other rules.
        return super()._deployment_package_filename(project_dir, python_version, f"{prefix}pruned-{_RULES}-")


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _with_byte_code(files: Files, python_version: str) -> Files:
    """Add byte code if this Python is the one that will run it; another would pass it over."""
    running = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return archive.with_byte_code(files) if running == python_version else files


def _write(package: Path, files: Files) -> None:
    archive.write(package, files)
    zipped, unzipped = package.stat().st_size, sum(map(len, files.values()))
    if zipped > MAX_ZIPPED_MB * _MB or unzipped > MAX_UNZIPPED_MB * _MB:
        package.unlink()
        raise DeployError(_too_large(zipped, unzipped, files))


def _too_large(zipped: int, unzipped: int, files: Files) -> str:
    sizes = Counter[str]()
    for name, content in files.items():
        sizes[name.partition("/")[0]] += len(content)
    largest = ", ".join(f"{name} {size / _MB:.1f} MB" for name, size in sizes.most_common(_LARGEST))
    return (
        f"the package has {zipped / _MB:.1f} MB, {unzipped / _MB:.1f} unzipped; at most {MAX_ZIPPED_MB} and "
        f"{MAX_UNZIPPED_MB} are taken. The largest in it: {largest}. Take a dependency out of requirements.in, or say "
        "in deploy/pruning.py what of it no function reads."
    )


def _digest(contents: Iterable[bytes]) -> str:
    digest = sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()[:16]


_RULES = _digest(Path(module.__file__ or "").read_bytes() for module in (archive, binaries, libraries, pruning))[:8]
"""Packages of other rules are built anew."""
