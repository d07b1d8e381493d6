"""Makes avatars of whatever was uploaded, in a child process that can hurt nobody: the only door to this package."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field

import msgspec

from chalicelib.domain.avatars import SIZES, Crop, Form, MediaType, Refused, Rendition
from chalicelib.pictures.confinement import Bounds
from chalicelib.pictures.conversation import Conversation
from chalicelib.pictures.protocol import READY, Answer, Task
from chalicelib.pictures.refusals import TOO_COMPLEX, UNREADABLE
from chalicelib.pictures.seclusion import conceal

_log = logging.getLogger("laurel")

PROGRAM = ("-m", "chalicelib.pictures")
_BARE = ("-S", "-s", "-P", "-B", "-Wignore")
"""No search for packages, none of the user's, none where it starts, no bytecode written, no word of odd metadata."""
_FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}
"""How a decoder ends that a picture led astray. Every other signal is a limit's."""
_LONGEST_MESSAGE = 1_000
_EXPECTED = {(size, form) for size in SIZES for form in Form}
_MAGIC = {Form.JPEG: b"\xff\xd8\xff", Form.WEBP: b"RIFF"}


class RendererError(RuntimeError):
    """The child could not do its work: nothing was found out about the picture, and it is worth trying again."""


@dataclass(frozen=True)
class Renderer:
    """Starts a child for each picture, and believes it nothing."""

    bounds: Bounds = field(default_factory=Bounds)
    program: Sequence[str] = PROGRAM

    def render(self, content: bytes, declared: MediaType, crop: Crop) -> list[Rendition] | Refused:
        """Return the files of the avatar that ``content`` makes, or why it makes none.

        A picture that crashes its decoder, or wants more memory or time than it may have, is refused like any other.

        Args:
            content: Whatever was uploaded, copied once, to the child.
            declared: What its uploader says it is.
            crop: Which square of it is shown.

        Raises:
            RendererError: The child could not be started, or lacks a decoder, whatever the picture.
        """
        task = Task(declared, crop, len(content), self.bounds.memory, self.bounds.cpu_seconds)
        child = self._start(task)
        with child, closing(Conversation(child, content, self.bounds.answer)) as conversation:
            try:
                conversation.hold(self.bounds.start_seconds, until=len(READY))
                if conversation.answer:
                    conversation.hold(self.bounds.seconds)
            finally:
                _end(child)
        if not conversation.answer:
            raise RendererError(f"ended with {child.returncode} before it began: {_text(conversation.last_words)}")
        return _outcome(child.returncode, conversation)

    def _start(self, task: Task) -> "subprocess.Popen[bytes]":
        conceal()
        command = [sys.executable, *_BARE, *self.program, msgspec.json.encode(task).decode()]
        pipe = subprocess.PIPE
        try:
            return subprocess.Popen(  # noqa: S603  # this Python, and our own module
                command, bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/", env=_environment(), process_group=0
            )
        except OSError as error:
            raise RendererError(f"could not start {command[0]}: {error}") from error


def _environment() -> dict[str, str]:
    """Return all that the child knows: where code lies. Of credentials, keys and settings, nothing."""
    loader = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)  # noqa: PTH100  # what sys.path holds is text
    # One heap for all threads: each would map, and count, one of its own.
    return {**loader, "PYTHONPATH": path, "MALLOC_ARENA_MAX": "1"}


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill the child and all it started. It has not been waited for: its group is its own for sure.

    A child that hung up has ended already, and keeps the status it ended with.
    """
    with suppress(ProcessLookupError, PermissionError):  # as macOS says of a group that is dead to the last
        os.killpg(child.pid, signal.SIGKILL)


def _outcome(status: int, conversation: Conversation) -> list[Rendition] | Refused:
    if status or conversation.last_words:
        _log.warning("picture_broke_a_decoder", extra={"status": status, "said": _text(conversation.last_words)})
    if status:
        return (UNREADABLE if -status in _FAULTS else TOO_COMPLEX).refused()
    try:
        answer = msgspec.msgpack.decode(conversation.answer[len(READY) :], type=Answer)
    except msgspec.DecodeError:
        return UNREADABLE.refused()
    if not answer.secluded:
        _log.info("picture_made_without_seclusion")
    if answer.missing:
        raise RendererError(f"lacks a decoder: {answer.missing}")
    if answer.refused and len(answer.refused.message) <= _LONGEST_MESSAGE:
        return answer.refused
    return answer.renditions if _is_an_avatar(answer.renditions) else UNREADABLE.refused()


def _is_an_avatar(renditions: list[Rendition]) -> bool:
    """Return whether these are the files an avatar consists of, at least by their names and first bytes."""
    all_there = {(each.size, each.form) for each in renditions} == _EXPECTED and len(renditions) == len(_EXPECTED)
    return all_there and all(each.content.startswith(_MAGIC[each.form]) for each in renditions)


def _text(said: bytes) -> str:
    return said.decode(errors="replace").strip()
