"""A child that goes wrong: ``python tests/pictures/gone_wrong.py <how> <task>``, for tests of what becomes of it."""

import ctypes
import importlib
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import msgspec

from chalicelib.domain.avatars import SIZES, Crop, Form, MediaType, Refusal, Refused, Rendition
from chalicelib.pictures.__main__ import alone_on_standard_output, serve
from chalicelib.pictures.protocol import READY, Answer, Task

FILE = Path(tempfile.gettempdir(), "laurel-gone-wrong")
_MIB = 1 << 20


def _segfault() -> None:
    ctypes.string_at(0)


def _allocate() -> None:
    bytearray(1000 * _MIB)


def _allocate_bit_by_bit() -> None:
    kept = []
    while True:
        kept.append(bytes(_MIB))


def _share_memory() -> None:
    """Take memory that does not count as the process's own."""
    mmap.mmap(-1, 1000 * _MIB)


def _abort() -> None:
    os.abort()


def _spin() -> None:
    while True:
        pass


def _sleep() -> None:
    time.sleep(1000)


def _talk() -> None:
    """Print as decoders do: past Python, on standard output too."""
    for pipe in (1, 2):
        os.write(pipe, b"a codec's warning" * 10_000)


def _write() -> None:
    """Write without end on every pipe there is."""
    while True:
        for pipe in range(1, 8):
            try:
                os.write(pipe, b"x" * 4096)
            except OSError:
                continue


def _fork() -> None:
    if os.fork() == 0:
        time.sleep(1000)


def _start_a_thread() -> None:
    thread = threading.Thread(target=_nothing)
    thread.start()
    thread.join()


def _connect() -> None:
    socket.create_connection(("127.0.0.1", 9))


def _start_a_program() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def _kill_its_parent() -> None:
    os.kill(os.getppid(), 0)


def _open_a_file() -> None:
    FILE.write_bytes(b"pixels")


def _raise() -> None:
    raise ZeroDivisionError("pixels")


def _lack_a_decoder() -> None:
    importlib.import_module("PIL.DecoderOfAnotherPackage")


def _show_environment() -> None:
    raise ValueError(f"environment={dict(os.environ)} limits={_limits()} folder={os.getcwd()}")  # noqa: PTH109  # text


def _limits() -> str:
    with open("/proc/self/limits", encoding="ascii") as limits:  # noqa: PTH123  # few modules are loaded
        return limits.read()


def _nothing() -> None:
    pass


_WAYS: Mapping[str, Callable[[], None]] = {
    way.__name__.removeprefix("_"): way
    for way in (
        _segfault,
        _allocate,
        _allocate_bit_by_bit,
        _share_memory,
        _abort,
        _spin,
        _sleep,
        _talk,
        _write,
        _fork,
        _start_a_thread,
        _connect,
        _start_a_program,
        _kill_its_parent,
        _open_a_file,
        _raise,
        _lack_a_decoder,
        _show_environment,
        _nothing,
    )
}


def _answer(answer: Answer) -> NoReturn:
    os.write(1, READY + msgspec.msgpack.encode(answer))
    os._exit(0)


def _look(_content: bytes, _declared: MediaType) -> None:
    """Find nothing."""


def main() -> None:
    how, task = sys.argv[1], msgspec.json.decode(sys.argv[2], type=Task)
    if how == "lie":
        _answer(Answer([Rendition(64, Form.JPEG, b"<script>")]))
    if how == "leave_another_behind" and os.fork() == 0:
        time.sleep(1000)
    if how == "unsecluded":
        _answer(Answer([Rendition(size, form, _MAGIC[form]) for size in SIZES for form in Form], secluded=False))
    if how == "chatter":
        _answer(Answer(refused=Refused(Refusal.DAMAGED, "a very long story" * 1000)))
    if how == "never_begin":
        time.sleep(1000)

    def render(content: bytes, media_type: MediaType, crop: Crop) -> list[Rendition]:
        _WAYS.get(how, _nothing)()
        return [Rendition(size, form, _MAGIC[form] + content[:4]) for size in SIZES for form in Form]

    serve(task, alone_on_standard_output(), _look, render)


_MAGIC = {Form.JPEG: b"\xff\xd8\xff", Form.WEBP: b"RIFF"}

if __name__ == "__main__":
    main()
