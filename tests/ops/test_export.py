"""``make export``: what it asks for, what it says, how it ends, and what it brings."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest

from ops.export import export
from ops.functions import CommandError, Functions
from ops.jobs import Follower
from tests.fake_s3 import FakeS3

BUCKET = "laurel-prod-exports-1"


class Deployment(Functions):
    """Answers one thing, and has a bucket."""

    def __init__(self, answer: Any, s3: FakeS3) -> None:
        self.stage = "prod"
        self.asked: list[tuple[str, Any]] = []
        self._answer = answer
        self._s3 = s3

    def call(self, function: str, request: Any = None) -> Any:
        self.asked.append((function, request))
        return self._answer

    def client(self, service: str, config: Any = None) -> Any:
        assert (service, config) == ("s3", None)
        return self._s3


def deployment(state: str = "done", parts: tuple[bytes, ...] = (b"1\n", b"2\n"), **found: Any) -> Deployment:
    s3 = FakeS3({BUCKET})
    files = []
    for number, part in enumerate(parts):
        content = gzip.compress(part)
        s3.objects[f"part-{number}"] = content
        files.append({"name": f"part-{number}", "lines": 1, "sha256": hashlib.sha256(content).hexdigest()})
    job = {"state": state, "board_id": "race", "period_id": "all", "message": "too many moved"}
    told = {"bucket": BUCKET, "manifest": "m.json", "records": 2, "changed": 0, "files": files}
    return Deployment({"job": job, "export": told | found}, s3)


def test_an_export_is_asked_for_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    functions = deployment(changed=3)

    assert export(Follower(functions), "race", "previous", "csv") == 0

    [(function, request)] = functions.asked
    assert function == "export_records"
    assert request == {"board_id": "race", "period": "previous", "format": "csv", "seconds": 5}
    assert capsys.readouterr().out.splitlines() == [
        "race all: exported, 2 records in 2 files; 3 changed meanwhile, or just before.",
        f"  s3://{BUCKET}/m.json",
    ]


def test_an_export_is_brought_here_as_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(Follower(deployment()), "race", "current", "jsonl", str(tmp_path / "new")) == 0

    [brought] = (tmp_path / "new").iterdir()
    assert brought.name == "race-all.jsonl.gz"
    assert gzip.decompress(brought.read_bytes()) == b"1\n2\n"
    assert str(brought) in capsys.readouterr().out


def test_an_export_of_nobody_can_be_read_too(tmp_path: Path) -> None:
    export(Follower(deployment(parts=())), "race", "current", "jsonl", str(tmp_path))

    assert gzip.decompress((tmp_path / "race-all.jsonl.gz").read_bytes()) == b""


@pytest.mark.parametrize("damage", ["altered", "gone"])
def test_a_damaged_file_is_named_and_nothing_is_left_that_looks_complete(tmp_path: Path, damage: str) -> None:
    functions = deployment()
    if damage == "gone":
        del functions.client("s3").objects["part-1"]
    else:
        functions.client("s3").objects["part-1"] += b"x"

    with pytest.raises(CommandError, match="part-1"):
        export(Follower(functions), "race", "current", "jsonl", str(tmp_path))

    assert not list(tmp_path.glob("*.gz"))


def test_an_export_that_failed_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert export(Follower(deployment("failed")), "race", "current", "jsonl") == 1

    assert capsys.readouterr().out == "race all: failed: too many moved\n"


def test_a_board_has_to_be_named() -> None:
    with pytest.raises(CommandError, match="Which board"):
        export(Follower(deployment()), None, "current", "jsonl")
