"""Exports standings: ``python -m ops.export``, or ``make export``.

BOARD names the board, PERIOD a period (current); FORMAT is jsonl or csv. The files stay in the deployment's bucket; TO
also brings them here, as one file in that folder. It ends with 0 when the export is complete, 1 when it failed, 2 when
it could not ask.
"""

import gzip
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ops.command import options, run
from ops.functions import CommandError, Functions
from ops.jobs import Answer, Follower

FUNCTION = "export_records"
COMPLETE, FAILED = 0, 1
DEFAULT_FORMAT = "jsonl"


def main() -> None:
    parser = options(
        "Write a board's standings to files, in rank order.",
        os.environ,
        board="the board",
        period="current, previous, or a period's id",
        format="jsonl or csv",
        to="a folder: bring the export here too",
    )
    given = parser.parse_args()
    run(
        lambda functions: export(
            Follower(functions), given.board, given.period or "current", given.format or DEFAULT_FORMAT, given.to
        )
    )


def export(follower: Follower, board_id: str | None, period: str, form: str, folder: str | None = None) -> int:
    """Export and tell, and return the exit status."""
    if board_id is None:
        raise CommandError("Which board? BOARD=<its id>")
    answer = follower.follow(FUNCTION, {"board_id": board_id, "period": period, "format": form})
    job, found = answer["job"], answer["export"]
    name = f"{job['board_id']} {job['period_id']}"
    if job["state"] != "done":
        print(f"{name}: {job['state']}: {job['message']}")
        return FAILED
    changed = f"; {found['changed']:,} changed meanwhile, or just before" if found["changed"] else ""
    print(f"{name}: exported, {found['records']:,} records in {len(found['files'])} files{changed}.")
    print(f"  s3://{found['bucket']}/{found['manifest']}")
    if folder is not None:
        target = Path(folder) / f"{job['board_id']}-{job['period_id']}.{form}.gz"
        bring(follower.functions, found, target)
        print(f"  {target}")
    return COMPLETE


def bring(functions: Functions, found: Answer, target: Path) -> None:
    """Write an export's files to one, in order, or raise CommandError, with nothing written, where one is damaged.

    Files compressed with gzip that are joined are one such file.
    """
    client = functions.client("s3")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    with unfinished.open("wb") as out:
        for file in found["files"]:
            out.write(_content(client, found["bucket"], file))
        out.write(_nothing(found["files"]))
    unfinished.replace(target)


def _content(client: Any, bucket: str, file: Answer) -> bytes:
    try:
        content: bytes = client.get_object(Bucket=bucket, Key=file["name"])["Body"].read()
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"{file['name']} could not be brought here: {error}") from error
    if hashlib.sha256(content).hexdigest() != file["sha256"]:
        raise CommandError(f"{file['name']} is not what the export wrote: its SHA-256 differs")
    return content


def _nothing(files: Sequence[Answer]) -> bytes:
    """Return what makes a file of no files one that can be read."""
    return b"" if files else gzip.compress(b"", mtime=0)


if __name__ == "__main__":
    main()
