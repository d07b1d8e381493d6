"""What compiled libraries ask of the system they run on, held against what Lambda's has.

A wheel's name promises as much, but not that of a wheel that was built here because there was none to download: pip
labels it for "linux", and it asks for whatever this machine has.
"""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from deploy.errors import DeployError
from deploy.pruning import Files

_Version = tuple[int, ...]

GLIBC_BY_RUNTIME: Mapping[str, _Version] = {"python3.11": (2, 26), "python3.12": (2, 34), "python3.13": (2, 34)}
"""The C library of Lambda's Amazon Linux 2, and from Python 3.12 on, Amazon Linux 2023."""

_MACHINE_BY_ARCHITECTURE = {"x86_64": "EM_X86_64", "arm64": "EM_AARCH64"}
_ELF = b"\x7fELF"
_GLIBC = re.compile(r"GLIBC_(\d+(?:\.\d+)+)")
_SYSTEM = re.compile(r"(lib(c|dl|m|pthread|rt|util|gcc_s|stdc\+\+)|ld-linux-[a-z0-9-]+)\.so\.\d+")
_WHEEL = re.compile(r"[^/]+\.dist-info/WHEEL")
_BUILT_HERE = re.compile(r"^Tag: .*-((linux|macosx|win)\S*)$", re.MULTILINE)
_ADVICE = (
    "Pin a release in requirements.in that has a wheel for it (pip download --only-binary), or deploy another Python."
)


def require_portable(files: Files, runtime: str, architecture: str) -> None:
    """Refuse files that Lambda could not load.

    Args:
        files: A site-packages folder, with the labels of its wheels.
        runtime: As Lambda calls it, ``python3.12``.
        architecture: ``x86_64`` or ``arm64``.

    Raises:
        DeployError: What is wrong with which file, and what to do.
    """
    if runtime not in GLIBC_BY_RUNTIME or architecture not in _MACHINE_BY_ARCHITECTURE:
        raise DeployError(f"nothing is known of {runtime} on {architecture}: see deploy/binaries.py")
    faults = [*_built_here(files), *_unloadable(files, runtime, architecture)]
    if faults:
        raise DeployError("\n".join([f"not fit for {runtime} on {architecture}:", *faults, _ADVICE]))


def _built_here(files: Files) -> Iterator[str]:
    for name in filter(_WHEEL.fullmatch, files):
        label = _BUILT_HERE.search(files[name].decode())
        if label:
            yield f"  {name.removesuffix('.dist-info/WHEEL')}: built on this machine, for {label[1]}"


def _unloadable(files: Files, runtime: str, architecture: str) -> Iterator[str]:
    packaged = {name.rpartition("/")[2] for name in files}
    for name, content in files.items():
        if content.startswith(_ELF):
            library = ELFFile(BytesIO(content))
            yield from (f"  {name}: {fault}" for fault in _faults(library, runtime, architecture, packaged))


def _faults(library: ELFFile, runtime: str, architecture: str, packaged: set[str]) -> Iterator[str]:
    machine, has = library["e_machine"], GLIBC_BY_RUNTIME[runtime]
    if machine != _MACHINE_BY_ARCHITECTURE[architecture]:
        yield f"built for {machine.removeprefix('EM_').lower()}"
    needed = max(_glibc_versions(library), default=has)
    if needed > has:
        yield f"asks for glibc {_text(needed)}; there is {_text(has)}"
    for other in _needed(library):
        if other not in packaged and not _SYSTEM.fullmatch(other):
            yield f"asks for {other}, which is in neither package nor runtime"


def _glibc_versions(library: ELFFile) -> Iterator[_Version]:
    for section in library.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, versions in section.iter_versions():
                matches = (_GLIBC.fullmatch(version.name) for version in versions)
                yield from (tuple(map(int, match[1].split("."))) for match in matches if match)


def _needed(library: ELFFile) -> Iterator[str]:
    for section in library.iter_sections():
        if isinstance(section, DynamicSection):
            yield from (str(vars(tag)["needed"]) for tag in section.iter_tags("DT_NEEDED"))


def _text(version: _Version) -> str:
    return ".".join(map(str, version))
