"""A wire between a client and a server on this machine: it counts what passes and takes as long as a network does.

``python -m bench.ranking.wire PORT`` listens on a free port, prints it, and carries every connection to PORT. It obeys
lines of its standard input: ``delays`` and a JSON object of seconds by text (a request is held for as long as the first
text found in it says, "" matches all), and ``take``, answered by the turns since the last one. It ends when its input
does. A program of its own: what it does is not the client's work.
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from subprocess import PIPE, Popen
from typing import IO, NamedTuple

LOOPBACK = "127.0.0.1"
_CHUNK = 1 << 16
_HEAD = 4096
"""Where the text that tells kinds of requests apart is looked for."""


class Turn(NamedTuple):
    """One request and its answer on one connection: when, in seconds of one steady clock, and how many bytes."""

    started: float
    ended: float
    bytes_out: int
    bytes_in: int


@dataclass(slots=True)
class Wire:
    """The near end of a wire: clients connect to ``port``."""

    port: int
    _orders: IO[str]
    _answers: IO[str]

    def delay(self, seconds_by_text: Mapping[str, float]) -> None:
        """Hold every request from now on; none when empty."""
        self._say(f"delays {json.dumps(dict(seconds_by_text))}")
        self._answers.readline()

    def take(self) -> list[Turn]:
        """Return the turns since the last call, in order."""
        self._say("take")
        return [Turn(*turn) for turn in json.loads(self._answers.readline())]

    def _say(self, order: str) -> None:
        self._orders.write(f"{order}\n")
        self._orders.flush()


@contextmanager
def wire_to(port: int) -> Iterator[Wire]:
    """Put a wire before a server on this machine."""
    command = [sys.executable, "-m", "bench.ranking.wire", str(port)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as carrier:
        if carrier.stdin is None or carrier.stdout is None:
            raise RuntimeError("a program that was given pipes has none")
        yield Wire(int(carrier.stdout.readline()), carrier.stdin, carrier.stdout)
        carrier.stdin.close()


def rounds(turns: Sequence[Turn]) -> int:
    """Return how many turns follow one another: those that overlap count once.

    >>> rounds([Turn(0, 2, 1, 1), Turn(1, 3, 1, 1), Turn(4, 5, 1, 1)])
    2
    """
    count, busy_until = 0, float("-inf")
    for turn in sorted(turns):
        count += turn.started >= busy_until
        busy_until = max(busy_until, turn.ended)
    return count


@dataclass(slots=True)
class _Ledger:
    seconds_by_text: dict[str, float] = field(default_factory=dict)
    turns: list[list[float]] = field(default_factory=list)

    def held(self, request: bytes) -> float:
        head = request[:_HEAD]
        return next((held for text, held in self.seconds_by_text.items() if text.encode() in head), 0.0)


@dataclass(slots=True)
class _Carrier:
    """One connection and its continuation to the server. A request after an answer begins a turn."""

    client: socket.socket
    server: socket.socket
    ledger: _Ledger
    turn: list[float] = field(default_factory=list)
    answered: bool = True

    def carry(self) -> None:
        threading.Thread(target=self._carry_back, daemon=True).start()
        while chunk := _received(self.client):
            if self.answered:
                self._begin(chunk)
            self.turn[2] += len(chunk)
            with suppress(OSError):  # the server hung up meanwhile, which the other direction tells
                self.server.sendall(chunk)
        _hang_up(self.server)

    def _begin(self, request: bytes) -> None:
        self.answered = False
        now = time.perf_counter()
        self.turn = [now, now, 0, 0]
        self.ledger.turns.append(self.turn)
        time.sleep(self.ledger.held(request))

    def _carry_back(self) -> None:
        while chunk := _received(self.server):
            if self.turn:
                self.turn[1] = time.perf_counter()
                self.turn[3] += len(chunk)
            self.answered = True
            with suppress(OSError):  # the client hung up meanwhile
                self.client.sendall(chunk)
        _hang_up(self.client)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(_CHUNK)
    except OSError:
        return b""


def _hang_up(end: socket.socket) -> None:
    """Let the other side know, which closing alone does not while a thread waits to receive."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, port: int, ledger: _Ledger) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection((LOOPBACK, port))
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_Carrier(client, server, ledger).carry, daemon=True).start()


def main() -> None:
    ledger = _Ledger()
    listener = socket.create_server((LOOPBACK, 0))
    threading.Thread(target=_accept, args=(listener, int(sys.argv[1]), ledger), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    for line in sys.stdin:
        order, _, rest = line.strip().partition(" ")
        if order == "delays":
            ledger.seconds_by_text = json.loads(rest)
            print("held", flush=True)
        else:
            turns, ledger.turns = ledger.turns, []
            print(json.dumps(turns), flush=True)


if __name__ == "__main__":
    main()
