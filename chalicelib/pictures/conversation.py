"""A conversation with a process that is not trusted: it may say what it likes, but not at any length."""

import os
import selectors
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_PIECE = 64 * 1024
_LAST_WORDS = 4096


class Conversation:
    """What goes to a process and what comes from it, through its pipes; made before it had time to say anything."""

    def __init__(self, child: "subprocess.Popen[bytes]", content: bytes, most: int) -> None:
        """Begin to send ``content``, and to keep at most ``most`` bytes of what the child answers."""
        self.answer = bytearray()
        self.last_words = b""
        self._left = memoryview(content)
        self._most = most
        self._selector = selectors.DefaultSelector()
        self._turn_by_pipe: dict[int, Callable[[int], bool]] = {}
        self._register(child.stdin, selectors.EVENT_WRITE, self._send)
        self._register(child.stderr, selectors.EVENT_READ, self._overhear)
        self._answers = self._register(child.stdout, selectors.EVENT_READ, self._hear)

    def close(self) -> None:
        self._selector.close()

    @property
    def is_open(self) -> bool:
        """Whether the child may say more: it lives, and has not said too much."""
        return self._answers in self._turn_by_pipe and len(self.answer) <= self._most

    def hold(self, seconds: float, until: int | None = None) -> None:
        """Send and hear, until so many bytes of an answer came, the child hung up or said too much, or time is over."""
        end = time.monotonic() + seconds
        while self.is_open and (until is None or len(self.answer) < until):
            left = end - time.monotonic()
            if left <= 0:
                return
            for key, _ in self._selector.select(left):
                if not self._turn_by_pipe[key.fd](key.fd):
                    self._hang_up(key.fd)

    def _register(self, pipe: IO[bytes] | None, event: int, turn: Callable[[int], bool]) -> int:
        if pipe is None:
            raise ValueError("the child must be started with three pipes")
        os.set_blocking(pipe.fileno(), False)
        self._selector.register(pipe, event)
        self._turn_by_pipe[pipe.fileno()] = turn
        return pipe.fileno()

    def _hang_up(self, pipe: int) -> None:
        self._selector.unregister(pipe)
        del self._turn_by_pipe[pipe]

    def _send(self, pipe: int) -> bool:
        try:
            sent = os.write(pipe, self._left[:_PIECE])
        except BrokenPipeError:
            return False
        self._left = self._left[sent:]
        return len(self._left) > 0

    def _hear(self, pipe: int) -> bool:
        heard = os.read(pipe, _PIECE)
        self.answer += heard
        return bool(heard)

    def _overhear(self, pipe: int) -> bool:
        said = os.read(pipe, _PIECE)
        self.last_words = (self.last_words + said)[-_LAST_WORDS:]
        return bool(said)
