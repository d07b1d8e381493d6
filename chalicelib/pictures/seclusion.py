"""What a process cannot ask of the kernel any more: no files, no network, no programs, no word to other processes.

A decoder led so far astray that it does what a picture says finds nothing to do it with. Linux has a filter of system
calls for that, seccomp, which every process may put on itself, and nobody can take off again.
"""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterator, Mapping

from msgspec import Struct

_SET_DUMPABLE, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES, _FILTER = 4, 22, 38, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16
"""Where a call's number, its machine and its arguments of eight bytes stand."""
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_UNKNOWN = 0x00050000 | errno.ENOSYS
_OTHER_NUMBERS = 0x40000000
"""From here on, x86-64 counts its calls once more."""
_THREAD = 0x00010000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class _Machine(Struct, frozen=True):
    """The numbers of the system calls in question."""

    code: int
    refused: tuple[int, ...]
    opening: Mapping[int, int]
    """Calls that open files, each with which of its arguments holds the flags."""
    clone: int
    new_clone: int
    tgkill: int
    prlimit: int


def _numbers(**by_kind: str) -> tuple[int, ...]:
    return tuple(int(number) for numbers in by_kind.values() for number in numbers.split())


_MACHINES = {
    "x86_64": _Machine(
        code=0xC000003E,
        refused=_numbers(
            sockets="41 53",
            processes="57 58 59 322",
            names_of_files="76 82 83 84 85 86 87 88 133 258 259 263 264 265 266 316 437",
            modes_of_files="90 92 94 132 235 260 261 268 280",
            signals="62 129 200 297 424 434",
            other_processes="101 310 311 438",
            kernel="298 321 323 425",
        ),
        opening={2: 1, 257: 2},
        clone=56,
        new_clone=435,
        tgkill=234,
        prlimit=302,
    ),
    "aarch64": _Machine(
        code=0xC00000B7,
        refused=_numbers(
            sockets="198 199",
            processes="221 281",
            names_of_files="33 34 35 36 37 38 45 276 437",
            modes_of_files="53 54 88",
            signals="129 130 138 240 424 434",
            other_processes="117 270 271 438",
            kernel="241 280 282 425",
        ),
        opening={56: 2},
        clone=220,
        new_clone=435,
        tgkill=131,
        prlimit=261,
    ),
}
"""The kernel's calls, by the numbers of its unistd.h. The last kind, as io_uring, does the work of others."""


def seclude() -> bool:
    """Keep this process to what it has: it may compute, read, and write to its pipes. Return whether the kernel agreed.

    Threads can still be started, as some decoders do, and files of code be opened.
    """
    machine = _MACHINES.get(os.uname().machine)
    if machine is None or sys.platform != "linux":
        return False
    code = b"".join(_filter(machine))
    instructions = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions))
    return _control(_SET_NO_NEW_PRIVILEGES, 1) and _control(_SET_SECCOMP, _FILTER, ctypes.c_char_p(program))


def conceal() -> None:
    """Keep other processes of the same user from reading this one's memory and environment, where credentials are."""
    if sys.platform == "linux":
        _control(_SET_DUMPABLE, 0)


def _control(what: int, value: int, more: ctypes.c_char_p | None = None) -> bool:
    rest = more or ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)
    return bool(ctypes.CDLL(None).prctl(what, ctypes.c_ulong(value), *rest) == 0)


def _filter(machine: _Machine) -> Iterator[bytes]:
    """Yield the filter's program: every call goes through it from the top, up to the first return."""
    yield from (_step(_LOAD, _MACHINE), _step(_IF_EQUAL, machine.code, otherwise=1))
    # Calls in the way of another machine keep its code instead of their number, which is far above all numbers.
    yield from (_step(_LOAD, _NUMBER), _step(_IF_AT_LEAST, _OTHER_NUMBERS, otherwise=1), _step(_RETURN, _REFUSE))
    for number in machine.refused:
        yield from (_step(_IF_EQUAL, number, otherwise=1), _step(_RETURN, _REFUSE))
    yield from (_step(_IF_EQUAL, machine.new_clone, otherwise=1), _step(_RETURN, _UNKNOWN))
    for number, flags in machine.opening.items():
        yield from _judge(number, flags, _IF_ANY_BIT, _WRITING, (_REFUSE, _ALLOW))
    yield from _judge(machine.clone, 0, _IF_ANY_BIT, _THREAD, (_ALLOW, _REFUSE))
    yield from _judge(machine.tgkill, 0, _IF_EQUAL, os.getpid(), (_ALLOW, _REFUSE))
    yield from _judge(machine.prlimit, 0, _IF_EQUAL, 0, (_ALLOW, _REFUSE))
    yield _step(_RETURN, _ALLOW)


def _judge(number: int, argument: int, test: int, operand: int, verdicts: tuple[int, int]) -> Iterator[bytes]:
    """Yield what decides on one call by the lower half of one of its arguments."""
    yield _step(_IF_EQUAL, number, otherwise=4)
    yield _step(_LOAD, _ARGUMENTS + 8 * argument)
    yield _step(test, operand, otherwise=1)
    yield from (_step(_RETURN, verdict) for verdict in verdicts)


def _step(code: int, operand: int, otherwise: int = 0) -> bytes:
    """Return an instruction; one that tests passes over so many of the next ``otherwise``."""
    return struct.pack("@HBBI", code, 0, otherwise, operand)
