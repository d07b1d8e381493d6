"""Archives that are equal for equal content, and byte code that is valid wherever they are unpacked."""

import importlib.util
import marshal
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from deploy.pruning import Files

_READABLE = 0o100644 << 16
"""For everyone: functions run as a user of Lambda's own."""
_HEAD = importlib.util.MAGIC_NUMBER + (0b01).to_bytes(4, "little")
"""PEP 552: of byte code that belongs to a source by its hash, which nobody looks at again."""


def with_byte_code(files: Files) -> dict[str, bytes]:
    """Return the files and the byte code of those that are modules, for the running Python.

    Where functions run, nothing can be written: without it, every cold start compiles all that it imports.
    """
    return {**files, **dict(_byte_code(files))}


def read(archive: Path) -> dict[str, bytes]:
    with ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def write(archive: Path, files: Files) -> None:
    """Write an archive whole or not at all."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=archive.parent)
    try:
        with os.fdopen(handle, "wb") as file, ZipFile(file, "w", ZIP_DEFLATED) as opened:
            for name in sorted(files):
                opened.writestr(_entry(name), files[name])
        Path(unfinished).replace(archive)
    finally:
        Path(unfinished).unlink(missing_ok=True)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name)  # of 1980, as no date says otherwise
    entry.external_attr = _READABLE
    entry.compress_type = ZIP_DEFLATED
    return entry


def _byte_code(files: Files) -> Iterator[tuple[str, bytes]]:
    for name, source in files.items():
        if name.endswith(".py"):
            with suppress(SyntaxError):  # of a newer Python, and imported by none of this one
                code = compile(source, name, "exec", dont_inherit=True, optimize=0)
                yield _cached(name), _HEAD + importlib.util.source_hash(source) + marshal.dumps(code)


def _cached(name: str) -> str:
    folder, slash, module = name.rpartition("/")
    return f"{folder}{slash}__pycache__/{module.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
