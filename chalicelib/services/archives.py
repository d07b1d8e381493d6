"""Archives: a period's standings in files that are kept for ever, each in two forms, and a manifest that names them.

Files are named by the revision of the job that writes them, so nobody who was thought dead can change what a manifest
promises. A file that no manifest names was left by a process that died.
"""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from chalicelib.domain.turns import Line, Turn
from chalicelib.services.forms import File, Form, file_of, packed
from chalicelib.store.exports import GZIP, JSON, ExportStore

_FORMS = (Form.JSONL, Form.CSV)


class Pair(Struct, frozen=True):
    """The same lines in both forms."""

    jsonl: File
    csv: File


class Manifest(Struct, frozen=True):
    """What an archive is of, and all its files in rank order. It is written last."""

    board_id: str
    period_id: str
    ended_at: datetime
    frozen_at: datetime
    archived_at: datetime
    records: int
    files: list[Pair]


class Archives:
    """Writes archives and reads them back. One request a file."""

    def __init__(self, store: ExportStore) -> None:
        self._store = store

    @property
    def bucket(self) -> str:
        return self._store.bucket

    def put_pair(self, turn: Turn, revision: int, number: int, lines: Sequence[Line]) -> Pair:
        """Write lines as the files of a number, counted from 1: files of one form that are joined make one file."""
        jsonl, csv = (self._put(turn, f"part-{number:05d}-{revision:08d}", form, lines, number) for form in _FORMS)
        return Pair(jsonl, csv)

    def put_list(self, turn: Turn, revision: int, files: Sequence[Pair]) -> str:
        """Write down files until there is a manifest, and return the key of the list."""
        name = f"{_folder(turn)}/list-{revision:08d}.json"
        self._store.put_file(name, msgspec.json.encode(files), JSON)
        return name

    def listed(self, names: Iterable[str]) -> Iterator[Pair]:
        """Yield the files of some lists, in order."""
        for name in names:
            yield from msgspec.json.decode(self._store.get_file(name), type=list[Pair])

    def put_manifest(self, turn: Turn, revision: int, manifest: Manifest) -> str:
        """Write a manifest and return its key."""
        name = f"{_folder(turn)}/manifest-{revision:08d}.json"
        self._store.put_file(name, msgspec.json.format(msgspec.json.encode(manifest), indent=2), JSON)
        return name

    def manifest(self, turn: Turn) -> Manifest:
        """Return the manifest that a turn names."""
        return msgspec.json.decode(self._store.get_file(turn.manifest), type=Manifest)

    def lines(self, pair: Pair) -> list[Line]:
        content = gzip.decompress(self._store.get_file(pair.jsonl.name))
        return msgspec.json.Decoder(Line).decode_lines(content)

    def _put(self, turn: Turn, stem: str, form: Form, lines: Sequence[Line], number: int) -> File:
        name = f"{_folder(turn)}/{stem}.{form}.gz"
        content = packed(form, lines, first=number == 1)
        self._store.put_file(name, content, GZIP)
        return file_of(name, lines, content)


def _folder(turn: Turn) -> str:
    return f"archives/{turn.board_id}/{turn.period_id}"
