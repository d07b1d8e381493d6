"""What compiled libraries ask of the system they run on, held against what Lambda's has.

A wheel's name promises as much, but not that of a wheel that was built here because there was none to download: pip
labels it for "linux", and it asks for whatever this machine has.
"""

import re
from collections.abc import Iterator, Mapping

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from deploy import libraries
from deploy.errors import DeployError
from deploy.pruning import Files

_Version = tuple[int, ...]

_AMAZON_LINUX_2 = {"GLIBC": (2, 26), "ZLIB": (1, 2, 7)}
_AMAZON_LINUX_2023 = {"GLIBC": (2, 34), "ZLIB": (1, 2, 11)}
SYSTEM_BY_RUNTIME: Mapping[str, Mapping[str, _Version]] = {
    "python3.11": _AMAZON_LINUX_2,
    "python3.12": _AMAZON_LINUX_2023,
    "python3.13": _AMAZON_LINUX_2023,
}
"""The C library of each of Lambda's systems, and zlib, which Python is linked to, by what their symbols are called."""

_MACHINE_BY_ARCHITECTURE = {"x86_64": "EM_X86_64", "arm64": "EM_AARCH64"}
_SYMBOL = re.compile(r"(?P<library>GLIBC|ZLIB)_(?P<version>\d+(?:\.\d+)+)")
_SYSTEM = re.compile(r"(lib(c|dl|m|pthread|rt|util|gcc_s|stdc\+\+)\.so\.\d+|ld-linux-[a-z0-9-]+\.so\.\d+|libz\.so\.1)")
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
    if runtime not in SYSTEM_BY_RUNTIME or architecture not in _MACHINE_BY_ARCHITECTURE:
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
        if library := libraries.read(content):
            yield from (f"  {name}: {fault}" for fault in _faults(library, runtime, architecture, packaged))


def _faults(library: ELFFile, runtime: str, architecture: str, packaged: set[str]) -> Iterator[str]:
    machine = library["e_machine"]
    if machine != _MACHINE_BY_ARCHITECTURE[architecture]:
        yield f"built for {machine.removeprefix('EM_').lower()}"
    for name, has in SYSTEM_BY_RUNTIME[runtime].items():
        needed = max(_versions(library, name), default=has)
        if needed > has:
            yield f"asks for {name.lower()} {_text(needed)}; there is {_text(has)}"
    for other in libraries.needed(library):
        if other not in packaged and not _SYSTEM.fullmatch(other):
            yield f"asks for {other}, which is in neither package nor runtime"


def _versions(library: ELFFile, of: str) -> Iterator[_Version]:
    for section in library.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, versions in section.iter_versions():
                matches = (_SYMBOL.fullmatch(version.name) for version in versions)
                yield from (_read(match["version"]) for match in matches if match and match["library"] == of)


def _read(text: str) -> _Version:
    return tuple(map(int, text.split(".")))


def _text(version: _Version) -> str:
    return ".".join(map(str, version))
