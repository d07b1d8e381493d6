"""Compiled libraries in a package, and what each asks for."""

from collections.abc import Iterator
from io import BytesIO

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

_ELF = b"\x7fELF"


def read(content: bytes) -> ELFFile | None:
    """Return a file as the library it is; None, if it is none."""
    return ELFFile(BytesIO(content)) if content.startswith(_ELF) else None


def needed(library: ELFFile) -> Iterator[str]:
    """Yield the names of the libraries that the loader looks for before this one can be used."""
    for section in library.iter_sections():
        if isinstance(section, DynamicSection):
            yield from (str(vars(tag)["needed"]) for tag in section.iter_tags("DT_NEEDED"))
