"""Functions as Lambda runs them: a fresh interpreter on an unpacked package, with nothing else to import but Python."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from bench.scene import ENVIRONMENT
from tests.fake_dynamodb import Call, FakeDynamoDB
from tests.store.scripted import Answer, Request, error, reply

VERSIONS = ("3.11", "3.12", "3.13")
_PROGRAM = """\
import json, os, sys

class Context:
    function_name = aws_request_id = "unpacked"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:unpacked"
    def get_remaining_time_in_millis(self):
        return 60_000

tree, sys.path[:] = sys.argv[1], [sys.argv[1], *sys.path]
import app
function = getattr(app, os.environ["_HANDLER"].partition(".")[2])
for line in iter(sys.stdin.readline, "\\n"):
    print(json.dumps(function(json.loads(line), Context())), flush=True)
files = {name: module.__file__ for name, module in sys.modules.items() if getattr(module, "__file__", None)}
compiled = [name for name, module in sys.modules.items() if os.path.exists(getattr(module, "__cached__", None) or "")]
print(json.dumps([files, compiled]), flush=True)
"""


class Modules(NamedTuple):
    """What a process had imported from files in the end."""

    file_by_name: Mapping[str, str]
    compiled: frozenset[str]
    """Those whose byte code was found."""


class RefusedError(Exception):
    """A function raised, or could not even be imported."""


class Function:
    """A function of an unpacked package, running in a process of its own."""

    def __init__(self, process: Popen[str]) -> None:
        self._process = process

    def call(self, event: Any) -> Any:
        """Return the function's answer to an event."""
        self._put(json.dumps(event))
        return self._said()

    def end(self) -> Modules:
        self._put("")
        files, compiled = self._said()
        return Modules(files, frozenset(compiled))

    def _put(self, line: str) -> None:
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                print(line, file=self._process.stdin, flush=True)

    def _said(self) -> Any:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RefusedError(self._process.stderr.read() if self._process.stderr else "")
        return json.loads(line)


@contextmanager
def function(
    tree: Path, name: str, *, url: str = "", python: str = sys.executable, calls: str = "lean"
) -> Iterator[Function]:
    """Start a function, with all of AWS at ``url``, and calls of DynamoDB made as LAUREL_CALLS says."""
    settings = {"LAUREL_EXPORTS_BUCKET": "exports", "LAUREL_CALLS": calls}
    environment = {**ENVIRONMENT, **settings, "AWS_ENDPOINT_URL": url, "_HANDLER": f"app.{name}"}
    # Another Python than that of the package's byte code compiles what it imports, and should do so once.
    as_is = ["-B"] if python == sys.executable else []
    command = [python, "-I", "-S", *as_is, "-c", _PROGRAM, str(tree)]
    with Popen(command, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as process:
        try:
            yield Function(process)
        finally:
            process.kill()


def interpreter(version: str) -> str | None:
    """Return a Python of this version, or None where there is none at hand."""
    return next((path for path in _candidates(version) if _is(path, version)), None)


def _candidates(version: str) -> Iterator[str]:
    yield sys.executable
    yield from filter(None, [shutil.which(f"python{version}")])
    yield from (str(path) for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))


def _is(path: str, version: str) -> bool:
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    asked = subprocess.run([path, "-I", "-c", ask], capture_output=True, text=True, check=False)
    return asked.stdout.strip() == version


class Aws:
    """All of AWS that functions call, over HTTP: DynamoDB in memory, an empty queue, buckets that forget at once."""

    def __init__(self, dynamodb: FakeDynamoDB) -> None:
        self._dynamodb = dynamodb
        self.stored: list[str] = []

    def answer(self, request: Request) -> Answer:
        service, _, operation = request.headers.get("x-amz-target", "").partition(".")
        if service.startswith("DynamoDB_"):
            return self._of_dynamodb(operation, request.json)
        if service == "AmazonSQS":
            return reply({"QueueUrl": "http://localhost/queue"} if operation == "GetQueueUrl" else {})
        return self._of_s3(request.line)

    def _of_s3(self, line: str) -> Answer:
        if not line.startswith("GET "):
            self.stored.append(line)
            return reply(b"")
        if "list-type=2" in line:
            return reply(b"<ListBucketResult/>")
        return reply(b"<Error><Code>NoSuchKey</Code></Error>", 404)

    def _of_dynamodb(self, operation: str, request: Any) -> Answer:
        try:
            return reply(self._dynamodb.perform(Call(operation, request)))
        except ClientError as refused:
            members: dict[str, Any] = {**refused.response}
            members = {name: members[name] for name in members if name == "CancellationReasons"}
            return error(refused.response["Error"]["Code"], **members)
