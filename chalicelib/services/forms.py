"""The forms in which an export is written: a line for each record, the same fields in each form."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
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


def encoded(form: Form, lines: Iterable[Line], *, first: bool) -> bytes:
    """Return lines as UTF-8 text; files that are joined, the first one first, make one valid file."""
    return _ENCODERS[form](lines, first)


def _json_lines(lines: Iterable[Line], first: bool) -> bytes:
    del first
    return msgspec.json.Encoder().encode_lines(lines)


def _csv(lines: Iterable[Line], first: bool) -> bytes:
    """Return RFC 4180 text; the first file begins with the names of the fields."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if first:
        writer.writerow(Line.__struct_fields__)
    writer.writerows(msgspec.to_builtins(line).values() for line in lines)
    return text.getvalue().encode()


_ENCODERS: Mapping[Form, Callable[[Iterable[Line], bool], bytes]] = {Form.JSONL: _json_lines, Form.CSV: _csv}
