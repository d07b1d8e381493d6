"""What each library adds to a package for Lambda, as its wheel has it."""

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, PackagePath, distribution

LIBRARIES = {
    "Pillow": ("pillow",),
    "pyvips": ("pyvips", "pyvips-binary", "cffi", "pycparser"),
}
_MEGA = 1_000_000


@dataclass(frozen=True, slots=True)
class Weight:
    zipped: float
    unzipped: float
    """Both in MB."""


def weights() -> dict[str, Weight]:
    """Return those of libraries that are installed."""
    return {name: weight for name, parts in LIBRARIES.items() if (weight := _weight(parts))}


def _weight(parts: Iterable[str]) -> Weight | None:
    try:
        files = [file for part in parts for file in distribution(part).files or []]
    except PackageNotFoundError:
        return None
    packed, unzipped = io.BytesIO(), 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in filter(_is_packaged, files):
            content = file.read_binary()
            archive.writestr(str(file), content)
            unzipped += len(content)
    return Weight(len(packed.getvalue()) / _MEGA, unzipped / _MEGA)


def _is_packaged(file: PackagePath) -> bool:
    return ".." not in file.parts and file.suffix != ".pyc"
