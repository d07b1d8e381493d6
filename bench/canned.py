"""A DynamoDB that answers from a recording, as a program of its own, so that its work is nobody else's.

``python -m bench.canned LATENCY_MS`` reads one line of JSON, a list of [fingerprint, reply], prints its port, and ends
when its standard input does.
"""

import asyncio
import json
import sys
import threading
from binascii import crc32
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING

from bench.capacity import Item

if TYPE_CHECKING:
    from bench.client import Call

LOOPBACK = "127.0.0.1"
LATENCY_MS = 3.0
"""Until an answer: DynamoDB takes some milliseconds, and what a process does meanwhile is part of the question."""

_END_OF_HEADERS = b"\r\n\r\n"
_LENGTH = b"content-length:"
_TARGET = b"x-amz-target:"


def fingerprint(operation: str, request: Item) -> str:
    """Return what requests that may get the same answer have in common, though times and ids in them differ."""
    tables = sorted(request.get("RequestItems", {})) or [request.get("TableName")]
    return json.dumps([operation, tables, *(request.get(name) for name in ("IndexName", "Select", "Key"))])


@contextmanager
def canned(calls: "Iterable[Call]", latency_ms: float = LATENCY_MS) -> Iterator[str]:
    """Answer these calls, and others like them, at the URL that is yielded."""
    recording = [[fingerprint(call.operation, call.request), call.reply] for call in calls]
    command = [sys.executable, "-m", "bench.canned", str(latency_ms)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as server:
        if server.stdin is None or server.stdout is None:
            raise RuntimeError("a program that was given pipes has none")
        server.stdin.write(json.dumps(recording) + "\n")
        server.stdin.flush()
        yield f"http://{LOOPBACK}:{server.stdout.readline().strip()}"
        server.stdin.close()


class _Connection(asyncio.Protocol):
    def __init__(self, reply_by_fingerprint: dict[str, bytes], latency_ms: float) -> None:
        self._replies = reply_by_fingerprint
        self._latency = latency_ms / 1000
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(_END_OF_HEADERS)
        if end and len(rest) >= int(_header(head, _LENGTH)):
            self._received = b""
            operation = _header(head, _TARGET).rpartition(".")[2]
            reply = self._replies[fingerprint(operation, json.loads(rest))]
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, reply)


def _header(head: bytes, name: bytes) -> str:
    return next(line[len(name) :].decode().strip() for line in head.split(b"\r\n") if line.lower().startswith(name))


def _http(reply: Item) -> bytes:
    body = json.dumps(reply).encode()
    head = (
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: application/x-amz-json-1.0\r\n"
        "x-amzn-RequestId: 00000000000000000000000000000000000000000000000000000\r\n"
        f"x-amz-crc32: {crc32(body)}\r\n"
        f"Content-Length: {len(body)}\r\n"
    )
    return head.encode() + b"\r\n" + body


async def _serve(replies: dict[str, bytes], latency_ms: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(replies, latency_ms), LOOPBACK, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    closed = asyncio.Event()
    threading.Thread(target=_wait_for_end, args=(loop, closed), daemon=True).start()
    await closed.wait()


def _wait_for_end(loop: asyncio.AbstractEventLoop, closed: asyncio.Event) -> None:
    sys.stdin.read()
    loop.call_soon_threadsafe(closed.set)


def main() -> None:
    recording = json.loads(sys.stdin.readline())
    asyncio.run(_serve({key: _http(reply) for key, reply in recording}, float(sys.argv[1])))


if __name__ == "__main__":
    main()
