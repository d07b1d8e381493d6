"""The forms in which standings are written: a line for each record, the same fields in each form."""

import csv
import gzip
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct


class Form(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


class Line(Struct, frozen=True):
    """A record in an export: the fields of an entry, as the API answers it."""

    rank: int
    player_id: str
    display_name: str
    score: int
    subscore: int
    achieved_at: datetime


class File(Struct, frozen=True):
    """One file of several, compressed with gzip."""

    name: str
    """Its key in the bucket."""
    lines: int
    bytes: int
    sha256: str
    """Of the file as it is stored, in hex."""


def packed(form: Form, lines: Sequence[Struct], *, first: bool) -> bytes:
    """Return lines of one kind as UTF-8 text, compressed.

    Files that are joined, the first one first, make one valid file.
    """
    return gzip.compress(_ENCODERS[form](lines, first), mtime=0)


def file_of(name: str, lines: Sequence[Struct], content: bytes) -> File:
    """Return what a manifest says of a file."""
    return File(name, len(lines), len(content), hashlib.sha256(content).hexdigest())


def _json_lines(lines: Sequence[Struct], first: bool) -> bytes:
    del first
    return msgspec.json.Encoder().encode_lines(lines)


def _csv(lines: Sequence[Struct], first: bool) -> bytes:
    """Return RFC 4180 text; the first file begins with the names of the fields."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if first:
        writer.writerow(lines[0].__struct_fields__)
    writer.writerows(msgspec.to_builtins(line).values() for line in lines)
    return text.getvalue().encode()


_ENCODERS: Mapping[Form, Callable[[Sequence[Struct], bool], bytes]] = {Form.JSONL: _json_lines, Form.CSV: _csv}
